"""A search on this machine's GPUs: the model server is away while it runs, nothing starts on a card that is not free, a halt is reached first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.board import Board
from engine.dispatch.searching import Searching
from engine.errors import Halted, NotFree, Skipped
from engine.search import identify as module
from engine.search.identify import Progress
from engine.watcher.work import Rejected


class Away:
    """An advisor that can be sent away; `held` says which memory stays in use."""

    def __init__(self, held: str = "") -> None:
        self.away, self.restored, self._held = False, 0, held

    async def release(self, reason: str) -> Any:
        self.away = True
        return SimpleNamespace(freed=not self._held, text=self._held)

    async def restore(self) -> str | None:
        self.away, self.restored = False, self.restored + 1
        return None


def desk(advisor: Away, gpus: int) -> Any:
    space = SimpleNamespace(families=("lcg48/java",), mappings=(), model_dump=lambda mode: {})
    return SimpleNamespace(
        advisor=advisor,
        bench=SimpleNamespace(gpus_here=gpus),
        space=lambda: space,
        fingerprints=SimpleNamespace(find=lambda mark: None),
        journal=SimpleNamespace(runs=SimpleNamespace(step=lambda *told: None)),
        board=Board(stopping=True),
        halt=SimpleNamespace(state="halted"),
    )


async def searched(advisor: Away, gpus: int, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Run a search that a halt ends; return whether the advisor was away meanwhile, once for each time it ran."""
    seen = []

    async def identify(*asked: Any, **more: Any) -> Any:
        seen.append(advisor.away)
        return SimpleNamespace(stopped_by="halt")

    monkeypatch.setattr(module, "identify", identify)
    searching = Searching(desk(advisor, gpus), lambda point="checkpoint": None)
    run, history = SimpleNamespace(id="run-1", spec={}), SimpleNamespace(digest="d")
    with pytest.raises((Halted, NotFree)):
        await searching.identified(run, history, None, search=True)  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize(("gpus", "away"), [(2, True), (0, False)])
async def test_the_model_is_away_while_a_gpu_of_this_machine_searches_and_nobody_loads_it_into_a_halt(
    gpus: int, away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    advisor = Away()
    assert await searched(advisor, gpus, monkeypatch) == [away]
    assert advisor.restored == 0


async def test_no_search_starts_on_a_card_that_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    advisor = Away(held="not free: card0 9216 MiB used")
    assert await searched(advisor, 1, monkeypatch) == []
    assert advisor.restored == 1, "advice can be had while the request waits"


@pytest.mark.parametrize("earlier", ["the verdict before", None])
async def test_step_1_runs_while_it_is_searched_for_and_can_be_skipped(
    earlier: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its progress is the search's; skipped, the run goes on with the earlier verdict, or is refused without one."""
    room, told, seen = desk(Away(), 0), [], []
    room.journal.runs.step = lambda run, step, status: told.append((step, status))
    room.shelf = SimpleNamespace(last_analysis=lambda since: earlier)

    async def identify(*asked: Any, progress: Any, **more: Any) -> Any:
        assert room.board.step.note == "plans the search"
        try:
            progress(Progress("cell", 4, 90, 1000, 9000, 1e6, 72.0, "a claim", 11.5, -2.0, 19.9, 0.1))
        except Halted:  # as the search itself does
            return SimpleNamespace(stopped_by="halt")

    def obey(point: str = "checkpoint") -> None:
        seen.append(room.board.step)
        room.board.skip = "1"
        raise Skipped("step 1 is skipped")

    monkeypatch.setattr(module, "identify", identify)
    run, history = SimpleNamespace(id="run-1", spec={}), SimpleNamespace(digest="d")
    search = Searching(room, obey).identified(run, history, None, search=True)  # type: ignore[arg-type]
    if earlier is None:
        with pytest.raises(Rejected, match="step 1 is skipped: no earlier search"):
            await search
    else:
        assert str(await search) == earlier
    at = seen[0]
    assert (at.step, at.done, at.total, at.best, at.eta(0.0)) == ("1", 4, 90, 11.5, 72.0)
    assert told == [("1", "running")]
    assert room.board.step is None
