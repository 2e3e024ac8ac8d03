"""The coverage ledger: rows are added once, whole, with an event each, and come back as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from state.coverage import CoverageRow
from state.errors import LedgerError
from state.journal import Journal

ROW = CoverageRow(
    run="run-1", kernel="k" * 64, history="h" * 64, session=None, family="lcg48/java", mapping="java_bounded", range_lo=0,
    range_hi=999, seed_lo=0, seed_hi=2**64 - 1, unit=None, start_lo=0, start_hi=7, law="constant", gap_lo=0, gap_hi=15,
    noise=0.2, scoring=None, alpha=1e-6, draws="d" * 64, block=9, threshold=4, confirm=51, survivors=3, planted=60, found=60,
    chunks=1, proof="p" * 64,
)  # fmt: skip


def test_rows_come_back_as_they_were_added(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert journal.coverage.add([ROW, replace(ROW, draws="e" * 64, session="a", scoring=0.1)]) == 2
    with Journal.read_only(tmp_path) as journal:
        first, second = journal.coverage.rows()
        assert replace(first, seq=0) == ROW
        assert (second.session, second.scoring) == ("a", 0.1)
        assert journal.coverage.rows(draws=["e" * 64]) == [second]
        assert journal.coverage.rows(until=first.seq) == [first]
        assert journal.verify() == journal.seq


def test_every_row_has_its_event(journal: Journal) -> None:
    journal.coverage.add([ROW])
    (row,) = journal.coverage.rows()
    event = journal.last(["coverage.added"])
    assert event is not None
    assert (event.seq, event.data["seed_hi"]) == (row.seq, "f" * 16)
    assert [one.seq for one in journal.story("run-1")] == [row.seq]


def test_a_bad_row_leaves_nothing(journal: Journal) -> None:
    with pytest.raises(LedgerError, match="must rise within 64 bits"):
        journal.coverage.add([ROW, replace(ROW, seed_lo=9, seed_hi=3)])
    assert journal.coverage.rows() == []
