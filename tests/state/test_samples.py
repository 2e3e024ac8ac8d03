"""Samples: buffered, outside the chain, bounded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from state import samples
from state.errors import LedgerError
from state.journal import Journal
from state.samples import Samples


def test_readings_are_seen_at_once_and_kept_on_close(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        seq = journal.seq
        for value in range(5):
            journal.samples.add("rss_mb", value, at=1000.0 + value)
        assert [sample.value for sample in journal.samples.series("rss_mb")] == [0, 1, 2, 3, 4]
        assert [sample.value for sample in journal.samples.series("rss_mb", since=1003, limit=1)] == [4]
        assert journal.seq == seq
    with Journal.open(tmp_path) as journal:
        assert len(journal.samples.series("rss_mb")) == 5
        assert journal.samples.names() == ["rss_mb"]


def test_buffered_readings_are_written_in_batches(journal: Journal) -> None:
    for value in range(samples.FLUSH_ROWS + 3):
        journal.samples.add("x", value)
    with journal.reading() as db:
        assert db.execute("SELECT count(*) FROM samples").fetchone() == (samples.FLUSH_ROWS,)
    assert len(journal.samples.series("x")) == samples.FLUSH_ROWS + 3


def test_retention_bounds_rows_and_age(journal: Journal) -> None:
    short = Samples(journal, keep_rows=10, keep_seconds=100)
    now = time.time()
    for number in range(30):
        short.add("x", number, at=now - (1000 if number == 29 else 0))
    short.flush()
    assert short.prune() == 21
    assert [sample.value for sample in short.series("x")] == list(range(20, 29))


def test_a_grid_has_means_and_gaps(journal: Journal) -> None:
    for at, value in ((100.5, 1.0), (101.0, 3.0), (104.9, 7.0), (110.0, 9.0)):
        journal.samples.add("x", value, at=at)
    assert journal.samples.grid("x", seconds=2, count=5, now=110.0) == [2.0, None, 7.0, None, 9.0]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_reading_is_a_number(journal: Journal, value: float) -> None:
    with pytest.raises(LedgerError, match="leave a missing reading out"):
        journal.samples.add("x", value)


def test_a_failed_flush_keeps_the_readings(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.samples.add("x", 1.0)
    journal._writer.execute("PRAGMA query_only = ON")
    with pytest.raises(Exception, match="write"):
        journal.samples.flush()
    journal._writer.execute("PRAGMA query_only = OFF")
    assert journal.samples.flush() == 1
    assert len(journal.samples.series("x")) == 1
