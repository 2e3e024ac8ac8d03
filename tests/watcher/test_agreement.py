"""How advice and decisions went together: one word for each decision, and counts that leave people out."""

from __future__ import annotations

import pytest

from engine.watcher.agreement import agreement, counted


@pytest.mark.parametrize(
    ("action", "source", "advice", "signal", "word"),
    [
        ("PROCEED", "rule", "PROCEED 0.90", "all_met", "agreed"),
        ("ESCALATE", "rule", "ESCALATE 0.90 (claude)", "advice", "followed"),
        ("ESCALATE", "rule", "PROCEED 0.60", "power", "stricter"),
        ("PROCEED", "rule", "none(timeout)", "all_met", "silent"),
        ("PROCEED", "rule", None, "all_met", "silent"),
        ("HALT", "human", "none(not asked)", "", None),
    ],
)
def test_each_decision_has_its_word(action: str, source: str, advice: object, signal: str, word: str) -> None:
    assert agreement(action, source, advice, signal) == word


def test_counts_leave_people_out() -> None:
    assert counted([None, "agreed", "agreed", "silent"]) == {
        "agreed": 2,
        "followed": 0,
        "stricter": 0,
        "silent": 1,
    }
