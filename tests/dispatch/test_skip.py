"""A person skips the running step: with a reason, on record, only where an earlier run left what the next step reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.board import Board
from engine.dispatch.dispatcher import Dispatcher
from engine.dispatch.stepping import Stepping
from engine.dispatch.verbs import AutonomyVerbs
from engine.errors import UsageError
from engine.pipeline.context import StepOutcome
from engine.protocol import Command
from engine.status import StepAt
from state.journal import Journal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    artifacts = SimpleNamespace(exists=lambda name: name != "optimal_scorer_config.json")
    halt = SimpleNamespace(raise_if_asked=lambda point: None)
    with Journal.open(tmp_path) as journal:
        yield SimpleNamespace(
            journal=journal, board=Board(), shelf=SimpleNamespace(artifacts=artifacts), halt=halt
        )


def running(desk: Any, step: str) -> None:
    desk.board.step = StepAt(step, 37, 100, time.monotonic())


async def skip(desk: Any, **args: str) -> dict[str, Any]:
    parts: Any = SimpleNamespace()
    verbs = AutonomyVerbs(desk, parts, lambda: None)
    return await verbs.skip(Command(id="1", client="test", verb="skip", args=args), "ann")


@pytest.mark.parametrize(
    ("step", "args", "said"),
    [
        ("", {"reason": "dull"}, "skip: no step runs"),
        ("1", {"step": "4", "reason": "dull"}, "skip 4: step 1 runs"),
        ("1", {}, "needs a reason"),
        ("5", {"reason": "dull"}, "the very draws it saw; 1, 2.5, 4 can be skipped"),
        ("2.5", {"reason": "dull"}, "no earlier run has left optimal_scorer_config.json"),
    ],
)
async def test_a_step_that_cannot_be_skipped_says_why(
    desk: Any, step: str, args: dict[str, str], said: str
) -> None:
    if step:
        running(desk, step)
    with pytest.raises(UsageError, match=said):
        await skip(desk, **args)
    assert desk.board.skip is None


async def test_the_step_ends_at_its_next_piece_and_the_run_goes_on_with_what_is_carried_over(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    desk.journal.runs = SimpleNamespace(step=lambda run, step, status, **more: told.append((step, status)))
    parameters = SimpleNamespace(dev_blocks=3, embargo=0)
    monkeypatch.setattr(Stepping, "_context", lambda self, overlay: SimpleNamespace(parameters=parameters))
    monkeypatch.setattr("engine.pipeline.blocks.lay_out", lambda *args, **more: None)
    monkeypatch.setattr("engine.pipeline.carry.carry", lambda ctx, step: StepOutcome(step, "skipped"))
    obey = Dispatcher(desk)._obey
    pieces: list[str] = []

    class Judge:
        async def steps(self, steps: list[str], run_step: Any, tell: Callable[..., None]) -> None:
            for piece in range(3):
                running(desk, steps[0])
                if steps == ["4"] and piece == 1:
                    await skip(desk, reason="dull")
                obey()
                pieces.append(steps[0])

    history, analysis = range(90), SimpleNamespace(verdict="identified")
    stepping = Stepping(desk, obey, "run-1", history, analysis, SimpleNamespace())  # type: ignore[arg-type]
    await stepping.run(Judge(), ("4", "5"), "", None)  # type: ignore[arg-type]
    assert desk.board.skip is None
    assert pieces == ["4", "5", "5", "5"]
    assert told == [("4", "skipped")]
    row = desk.journal.decisions.list(limit=1)[0]
    assert (row.action, row.source, row.step, row.reason) == (
        "PROCEED",
        "human",
        "4",
        "skips step 4: dull (ann)",
    )
