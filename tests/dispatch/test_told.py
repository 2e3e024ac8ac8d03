"""Every context really contains what its kind names: from a room's records for the live loop and for selfplay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.told import of_loop, of_selfplay, of_step
from engine.feedback.acceptance import Acceptance
from engine.feedback.consult import parts_of
from engine.feedback.cycle import FIRED, HEALTH
from engine.feedback.diagnostics import Health
from engine.feedback.drift import DRIFT
from engine.feedback.triggers import Fired
from engine.llm.context import build_llm_context
from engine.parameters import REGISTRY, Parameters
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Policy
from engine.selfplay.session import EPISODE, FINISHED
from state.journal import Journal

ALARM = Fired(
    trigger="pool_degraded", request="learning_loop", reason="misses", since=3, bits=9.0, required=7.6
)
POOL = {
    "range": [0, 999], "for_draw": 40, "basis": "model", "uniform": False, "heads": [[7, 0.9]], "rest": 0.0001, "pools": {"20": 0.9},
    "model": "m", "sha256": "sha-1", "components": [{"predicted": 7, "weight": 0.9}],
}  # fmt: skip
EPISODE_DATA = {
    "run": "run-0001", "number": 1, "arm": "mask half", "model": "lightgbm", "test": 2, "fitness": 0.2, "baseline": 0.1, "null": 0.0,
    "seconds": 1.5, "gain": 0.1, "reward": 0.1, "fingerprint": "f", "refused": None, "policy": Policy().model_dump(mode="json"),
}  # fmt: skip
TABLE: Any = SimpleNamespace(
    alignments=lambda: [0] * 48, head=SimpleNamespace(names=("a", "b"), dev=((0, 1, 2),) * 4, chance=0.001, now=200)
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    """A room that has forecast, raised an alarm, drifted, explored and judged."""
    with Journal.open(tmp_path) as journal:
        acceptance = Acceptance(journal, tmp_path / "policy_history")
        acceptance.propose(
            Candidate(policy=Policy(), model="lightgbm", fitness=0.2, baseline=0.1, null=0.0, gains=(0.1,), episodes=12,
                      exploration=0.3, seed=1, draws_seen=200, table="t", run="run-0001")
        )  # fmt: skip
        journal.predictions.commit(40, "sha-1", POOL)
        journal.predictions.judge(40, 7, score={"hit": True, "chance": 0.001})
        asked = journal.requests.enqueue("learning_loop", {}, origin="chapter 13", key="k", why="misses")
        journal.append(FIRED, {**ALARM.model_dump(mode="json"), "asks": "learning_loop", "request": asked.id})
        journal.append(DRIFT, {"run": "run-0001", "columns": 2, "far": 1, "most": [{"name": "order.lag1", "shift": 3.5}]})  # fmt: skip
        journal.append(HEALTH, Health().summary())
        journal.append(EPISODE, EPISODE_DATA)
        journal.append(
            FINISHED, {"posterior": [{"arm": "mask half", "pulls": 3, "mean": 0.1, "spread": 0.02}]}
        )
        yield SimpleNamespace(
            journal=journal, acceptance=acceptance, parameters=Parameters(journal.parameters, REGISTRY)
        )


def loop_parts(desk: Any) -> dict[str, Any]:
    return {
        **of_loop(desk),
        **parts_of(ALARM, dict.fromkeys(Health().summary(), 1), desk.parameters.values()),
    }


def selfplay_parts(desk: Any) -> dict[str, Any]:
    return of_selfplay(desk, TABLE)


ASKED = {"chapter13_proposal": loop_parts, "selfplay_strategy": selfplay_parts}


@pytest.mark.parametrize("question", ASKED)
def test_nothing_that_the_kind_names_is_left_out(desk: Any, question: str) -> None:
    bundle = build_llm_context(question, ASKED[question](desk))
    assert bundle.refused is None
    assert bundle.absent == ()


@pytest.mark.parametrize(
    ("question", "part"),
    [("chapter13_proposal", one) for one in ("pool", "drift", "policy", "candidates", "retrains")]
    + [("selfplay_strategy", one) for one in ("material", "episodes", "best", "policy")],
)
def test_a_part_less_changes_the_prompt(desk: Any, question: str, part: str) -> None:
    parts = ASKED[question](desk)
    whole = build_llm_context(question, parts)
    del parts[part]
    less = build_llm_context(question, parts)
    assert less.prompt != whole.prompt
    assert part in less.absent


def test_a_prompt_holds_no_draw_and_no_single_survivor(desk: Any) -> None:
    prompt = build_llm_context("chapter13_proposal", loop_parts(desk)).prompt
    assert "named: 1" in prompt
    for raw in ("predicted", "[7,0.9]", "components"):
        assert raw not in prompt


def test_an_alarm_s_outcome_and_the_lift_around_it_are_told(desk: Any) -> None:
    desk.journal.predictions.commit(41, "sha-2", {**POOL, "for_draw": 41})
    desk.journal.predictions.judge(41, 8, score={"hit": False, "chance": 0.001})
    assert of_loop(desk)["retrains"] == [
        {"trigger": "pool_degraded", "request": "learning_loop", "outcome": "queued", "lift_before": 1000.0, "lift_since": 0.0, "draws_since": 1}
    ]  # fmt: skip


def test_step_6_is_told_how_its_pools_did_and_every_step_its_own_decisions(desk: Any) -> None:
    desk.journal.decisions.add(step="6", action="PROCEED", reason="ok", rule="all limits met", source="rule", evidence=[{"metric": "m", "value": 1, "op": ">=", "limit": 1, "ok": True}])  # fmt: skip
    assert of_step(desk, "6")["calibration"]["forecast"] == 0
    assert of_step(desk, "6")["earlier_decisions"] == ["d-1 step 6 PROCEED (all limits met)"]
    assert of_step(desk, "3") == {"earlier_decisions": []}
