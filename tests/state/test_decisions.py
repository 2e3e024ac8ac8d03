"""Decisions: with evidence or not at all, and explained by what led to them and what they led to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from state.errors import LedgerError, UnknownRecord
from state.journal import Journal

EVIDENCE = [{"metric": "bits", "value": 11.0, "limit": 19.93, "ok": False}]


def decide(journal: Journal, action: str = "RETRY", **more: Any) -> int:
    common: dict[str, Any] = {
        "step": "1",
        "reason": "11.0 of 19.93 bits",
        "source": "rule",
        "rule": "bits",
        "evidence": EVIDENCE,
    }
    return journal.decisions.add(action=action, **common | more)


def test_a_decision_comes_back_as_it_was_made(journal: Journal) -> None:
    change = {"name": "gap.max", "before": 4, "after": 16, "who": "watcher", "why": "power"}
    advice = {"action": "none", "reason": "not configured"}
    number = decide(
        journal, confidence=0.9, primary_signal="bits", advice=advice, changes=[change], run="run-0001"
    )
    row = journal.decisions.get(number)
    assert (row.subject, row.action, row.confidence, row.advice) == ("d-1", "RETRY", 0.9, advice)
    assert (row.evidence, row.changes, row.run) == (EVIDENCE, [change], "run-0001")
    event = next(iter(journal.events(after=row.seq - 1)))
    assert event.data["evidence"] == EVIDENCE


def test_missing_evidence_is_never_proceed(journal: Journal) -> None:
    with pytest.raises(LedgerError, match="never PROCEED"):
        decide(journal, "PROCEED", evidence=[])
    assert decide(journal, "ESCALATE", evidence=[]) == 1


@pytest.mark.parametrize(
    "more", [{"evidence": [{"metric": "bits"}]}, {"changes": [{"before": 1, "after": 2}]}]
)
def test_half_filled_rows_are_refused(journal: Journal, more: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="lacks"):
        decide(journal, **more)


def test_the_newest_come_first_and_page(journal: Journal) -> None:
    for _ in range(5):
        decide(journal)
    assert [row.id for row in journal.decisions.list(limit=2)] == [5, 4]
    assert [row.id for row in journal.decisions.list(limit=2, before=4)] == [3, 2]
    with pytest.raises(UnknownRecord, match="decision 9"):
        journal.decisions.get(9)


def test_explain_names_causes_and_effects(journal: Journal) -> None:
    journal.requests.enqueue("pipeline_rerun", {}, origin="inbox", why="dropped by ops")
    journal.requests.enqueue("selfplay_retrain", {}, origin="inbox", why="not related")
    journal.requests.claim()
    first = decide(journal, request="r-1")
    second = decide(journal, cause=f"d-{first}", request="r-1")
    journal.parameters.set("gap.max", 16, who="watcher", why="power", cause=f"d-{second}")
    journal.requests.enqueue("step_force", {"step": "1"}, origin="watcher", cause=f"d-{second}")
    journal.requests.cancel("r-3", "done by hand")
    decide(journal, "ESCALATE", cause=f"d-{second}")
    told = journal.decisions.explain(second)
    assert [(e.kind, e.data.get("why")) for e in told.caused_by] == [
        ("request.queued", "dropped by ops"),
        ("request.claimed", told.caused_by[1].data["why"]),
        ("decision", None),
    ]
    assert [e.kind for e in told.caused] == [
        "parameter.set",
        "request.queued",
        "request.cancelled",
        "decision",
    ]
    assert json.loads(json.dumps(told.to_dict()))["decision"]["id"] == second
