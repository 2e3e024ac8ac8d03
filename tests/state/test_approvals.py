"""Approvals: a list, each asked once, closed once, lapsing by the monotonic clock."""

from __future__ import annotations

import pytest

from state import approvals as table
from state.approvals import ApprovalRow
from state.errors import InvalidTransition, LedgerError, UnknownRecord
from state.journal import Journal

DIFF = [{"name": "twins", "before": 24, "after": 96}]


def ask(journal: Journal, key: str = "k", seconds: float = 60.0) -> ApprovalRow:
    return journal.approvals.open("request", "r-1", "more twins", key=key, seconds=seconds, diff=DIFF)


def test_questions_are_a_list_and_none_overwrites_another(journal: Journal) -> None:
    rows = [ask(journal, f"k{number}") for number in range(5)]
    assert [row.id for row in journal.approvals.waiting()] == [row.id for row in rows]
    assert ask(journal, "k3").id == rows[3].id
    assert rows[0].diff == DIFF
    assert [event.kind for event in journal.story("r-1", role="request")] == ["approval.open"] * 5


@pytest.mark.parametrize("state", ["approved", "rejected", "expired", "withdrawn"])
def test_a_question_is_closed_once_and_says_by_whom(journal: Journal, state: str) -> None:
    row = journal.approvals.close(ask(journal).id, state, by="ops", why="because")
    assert (row.state, row.by, row.why) == (state, "ops", "because")
    with pytest.raises(InvalidTransition, match="because"):
        journal.approvals.close(row.id, "approved", by="eve", why="me too")
    assert journal.approvals.waiting() == []
    assert ask(journal).state == state, "the same question is not asked again"


def test_it_lapses_by_the_monotonic_clock_and_after_a_reboot_by_utc(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ask(journal, seconds=60)
    assert 59 < row.left() <= 60
    now = table.monotonic()
    monkeypatch.setattr(table, "monotonic", lambda: now + 61)
    assert row.left() < 0
    monkeypatch.setattr(table, "boot_id", lambda: "another boot")
    assert 50 < row.left() <= 60


def test_half_a_question_is_refused(journal: Journal) -> None:
    with pytest.raises(LedgerError, match="lacks after, before"):
        journal.approvals.open("x", "r-1", "s", key="k", seconds=1, diff=[{"name": "a"}])
    with pytest.raises(LedgerError, match="time to live"):
        ask(journal, seconds=0)
    with pytest.raises(LedgerError, match="final state"):
        journal.approvals.close(ask(journal).id, "open", by="x", why="y")
    for name in ("a-9", "x", "a-" + "9" * 40):
        with pytest.raises(UnknownRecord, match=name):
            journal.approvals.get(name)
