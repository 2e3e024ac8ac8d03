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


def test_a_grid_that_ends_in_the_past_holds_nothing_from_later(journal: Journal) -> None:
    for at, value in ((101.0, 1.0), (103.0, 3.0), (500.0, 99.0)):
        journal.samples.add("x", value, at=at)
    assert journal.samples.grid("x", seconds=2, count=2, now=104.0) == [1.0, 3.0]
    journal.samples.flush()
    assert journal.samples.grid("x", seconds=2, count=2, now=104.0) == [1.0, 3.0]
    assert [one.value for one in journal.samples.series("x", since=100, until=103)] == [1.0, 3.0]


def test_what_retention_dropped_is_answered_from_means(journal: Journal) -> None:
    now = time.time() // 3600 * 3600
    kept = Samples(journal, keep_rows=600)
    for number in range(2 * 720):  # two hours, one reading in 5 s
        kept.add("x", float(number % 2), at=now - 7200 + 5 * number + 2.5)
    kept.flush()
    before = kept.grid("x", seconds=3600, count=2, now=now)
    assert before == pytest.approx([0.5, 0.5])
    (lowest,) = (min(sample.at for sample in kept.series("x")),)
    assert kept.prune() == 2 * 720 - 600
    assert min(sample.at for sample in kept.series("x")) > lowest
    after = kept.grid("x", seconds=3600, count=2, now=now)
    assert after == pytest.approx([0.5, 0.5], abs=0.01)
    assert kept.grid("x", seconds=300, count=24, now=now)[:8] == pytest.approx([0.5] * 8)


def test_means_are_bounded_in_age_and_rows(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "KEEP_MEANS", 40)
    now = time.time()
    for number in range(200):
        journal.samples.add("x", 1.0, at=now - 300 * number)
    for number in range(3):
        journal.samples.add("x", 1.0, at=now - 500 * 86_400 - number)
    journal.samples.flush()
    journal.samples.prune()
    with journal.reading() as db:
        found = dict(db.execute("SELECT seconds, count(*) FROM means GROUP BY seconds"))
        (oldest,) = db.execute("SELECT min(cell * seconds) FROM means").fetchone()
    assert found[300] <= 41
    assert now - oldest < samples.LEVELS[-1][1]


def test_names_are_found_without_a_walk_over_all_readings(journal: Journal) -> None:
    for name in ("b", "a", "c"):
        for number in range(50):
            journal.samples.add(name, number)
    journal.samples.flush()
    journal.samples.add("d", 1.0)
    assert journal.samples.names() == ["a", "b", "c", "d"]
    with journal.reading() as db:
        plan = " ".join(str(row) for row in db.execute(f"EXPLAIN QUERY PLAN {samples._NAMES}"))
    assert (
        "SCAN samples" not in plan.replace("SCAN samples USING COVERING INDEX", "")
        or "SEARCH samples" in plan
    )


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
