"""Recorded decisions: stored with their case, replayed from the journal to the same action."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.watcher.decision import Case, Fault, decide
from engine.watcher.evaluation import EvidenceRow
from engine.watcher.record import record_decision, replay_recorded
from engine.watcher.retry import Budget, Move
from state.journal import Journal

BUDGET = Budget(step_used=0, step_limit=2, total_used=0, total_limit=4)
MOVE = Move(name="pipeline.window_trials", before=16, after=32)


def case(value: float | None, fault: Fault | None = None) -> Case:
    return Case(
        step="1", run="run-0001", request="r-1", evidence=(EvidenceRow(metric="power", value=value, limit=0.95),),
        moves=(("power", MOVE), ("missing", MOVE)), budget=BUDGET, fault=fault,
    )  # fmt: skip


@pytest.mark.parametrize("value", [0.99, 0.5, None, float("nan"), float("inf"), float("-inf")])
def test_a_recorded_decision_replays_to_the_same_action_and_reason(
    tmp_path: Path, value: float | None
) -> None:
    with Journal.open(tmp_path) as journal:
        decision = decide(case(value))
        number = record_decision(journal, decision)
        again = replay_recorded(journal, number)
        assert (again.action, again.rule, again.reason) == (decision.action, decision.rule, decision.reason)
        row = journal.decisions.get(number)
    assert row.evidence[0]["ok"] is decision.evidence[0].ok
    assert row.advice == "none(not configured)"
    assert [change["name"] for change in row.changes] == [move.name for move in decision.parameter_changes]


def test_an_operators_entry_has_no_case_to_replay(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        number = journal.decisions.add(
            step="-", action="HALT", reason="maintenance", source="operator", rule="-"
        )
        with pytest.raises(BadInput, match="no case"):
            replay_recorded(journal, number)
