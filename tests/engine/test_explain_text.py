"""Explanations as text: readable, in 100 columns, with who, why, numbers, advice and the chain; never a dump of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.explain_text import WIDTH, decided, explained, replayed
from engine.llm.advice import Advice
from engine.watcher.decision import Case, decide
from engine.watcher.evaluation import EvidenceRow, Finding
from engine.watcher.record import operator_entry, record_decision, replay_recorded
from engine.watcher.retry import Budget, Move
from state.journal import Journal

MOVE = Move(name="pipeline.window_trials", before=16, after=32)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        opened.requests.enqueue("pipeline_rerun", {}, origin="inbox", why="new gaps " * 40)
        opened.requests.claim()
        yield opened


def told(journal: Journal, number: int) -> dict[str, Any]:
    """Return what the socket's `explain` answers."""
    case = replay_recorded(journal, number).model_dump(mode="json")
    return {
        **journal.decisions.explain(number).to_dict(),
        "replayed_action": case["action"],
        "case": case["case"],
    }


def retry(journal: Journal) -> int:
    advice = Advice(decision="RETRY", confidence=0.7, primary_signal="power", reasoning="thin evidence")
    case = Case(
        step="1", run="run-0001", request="r-1", moves=(("power", MOVE),), advice=advice, advice_ms=2100.0,
        evidence=(EvidenceRow(metric="power", value=0.41, limit=0.95), EvidenceRow(metric="survivors", value=12)),
        findings=(Finding(code="artifact.code", level="warn", text="made by other code"),),
        budget=Budget(step_used=0, step_limit=2, total_used=0, total_limit=4), artifacts={"window.json": "a" * 64},
    )  # fmt: skip
    return record_decision(journal, decide(case))


def test_the_whole_chain_is_readable(journal: Journal) -> None:
    number = retry(journal)
    journal.requests.enqueue(
        "step_force", {"step": "1"}, origin="watcher", cause=f"d-{number}", why="as decided"
    )
    text = explained(told(journal, number))
    for part in (
        "decision 1: RETRY on step 1 (rule, confidence 0.85)",
        "0.41 >= 0.95",
        "NOT MET",
        "pipeline.window_trials: 16 -> 32 (watcher)",
        "RETRY 0.70",
        "thin evidence",
        "2100 ms",
        "artifact.code: made by other code",
        "window.json aaaaaaaaaaaa",
        "what led to it",
        "request.queued",
        "what followed",
        "as decided",
        "the same",
    ):
        assert part in text
    assert "{" not in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_persons_entry_has_no_case_and_says_so(journal: Journal) -> None:
    number = operator_entry(journal, "HALT", "smoke", "ops")
    row = journal.decisions.get(number)
    record = {name: getattr(row, name) for name in row.__dataclass_fields__}
    text = decided({"decision": record, "replayed": None, "same": None})
    assert "HALT (human)" in text
    assert "smoke (ops)" in text
    assert "person's entry" in text


def test_a_record_that_decides_differently_today_is_named(journal: Journal) -> None:
    row = journal.decisions.get(retry(journal))
    record = {name: getattr(row, name) for name in row.__dataclass_fields__}
    again = {**replay_recorded(journal, row.id).model_dump(mode="json"), "action": "PROCEED"}
    text = replayed({"decision": record, "replayed": again, "same": False})
    assert text.startswith("DIFFERS: recorded RETRY")
    assert "today PROCEED" in text
