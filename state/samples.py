"""Probe time series: bulk telemetry beside the chain, buffered, bounded; a crash may lose the last ten seconds of it.

Readings are kept as they came for as long as `KEEP_ROWS` and `KEEP_SECONDS` allow; means over the cells of `LEVELS` are kept
for longer, so that a year fits: what is asked for from before the oldest reading is answered from them.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from state.errors import LedgerError
from state.store import Store

FLUSH_ROWS = 256
FLUSH_SECONDS = 10.0
KEEP_ROWS = 200_000
KEEP_SECONDS = 7 * 86_400.0
PENDING_LIMIT = 8 * FLUSH_ROWS
LEVELS: tuple[tuple[int, float], ...] = ((300, 30 * 86_400.0), (3600, 400 * 86_400.0))
"""Seconds of a cell, and how long its mean is kept."""
KEEP_MEANS = 400_000
"""Rows of a level at most, oldest dropped first, whatever the number of names."""
_PRUNE_EVERY = 64
# From one name to the next through the index; DISTINCT would read every row of it.
_NAMES = """
WITH RECURSIVE one(name) AS (
  SELECT min(name) FROM samples
  UNION ALL SELECT (SELECT min(name) FROM samples WHERE name > one.name) FROM one WHERE one.name IS NOT NULL
) SELECT name FROM one
"""


_MEAN = """
INSERT INTO means VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seconds, name, cell) DO UPDATE SET
  n = n + excluded.n, total = total + excluded.total, least = min(least, excluded.least), most = max(most, excluded.most)
"""
_SURPLUS = """
DELETE FROM means WHERE seconds = :seconds AND cell < (
  SELECT cell FROM means WHERE seconds = :seconds ORDER BY cell DESC LIMIT 1 OFFSET :keep
)
"""
_CELLS = """
SELECT (CAST((at - ?) / ? AS INTEGER) + 0.5) * ? AS middle, sum(value), count(*)
FROM samples WHERE name = ? AND at BETWEEN ? AND ? GROUP BY middle
"""
_KEPT = (
    "SELECT cell, total, n FROM means WHERE seconds = ? AND name = ? AND cell >= ? AND cell < ? ORDER BY cell"
)


def _means(rows: Sequence[tuple[str, float, float]]) -> list[tuple[str, int, int, int, float, float, float]]:
    """Return what readings add to the cells of every level."""
    cells: dict[tuple[str, int, int], list[float]] = {}
    for name, at, value in rows:
        for seconds, _ in LEVELS:
            cells.setdefault((name, seconds, int(at // seconds)), []).append(value)
    return [(*key, len(found), sum(found), min(found), max(found)) for key, found in cells.items()]


@dataclass(frozen=True)
class Sample:
    """One reading; `at` is seconds since 1970 (UTC)."""

    at: float
    value: float


class Samples:
    """Readings by name; at most `KEEP_ROWS` rows and `KEEP_SECONDS` old, oldest dropped first."""

    def __init__(
        self, store: Store, *, keep_rows: int = KEEP_ROWS, keep_seconds: float = KEEP_SECONDS
    ) -> None:
        self._store, self._keep_rows, self._keep_seconds = store, keep_rows, keep_seconds
        self._pending: deque[tuple[str, float, float]] = deque(maxlen=PENDING_LIMIT)
        self._lock = threading.Lock()
        self._flushed, self._flushes = time.monotonic(), 0

    def add(self, name: str, value: float, *, at: float | None = None) -> None:
        """Record one finite reading; a missing reading is simply not added."""
        if not math.isfinite(value):
            raise LedgerError(f"sample {name}: {value} is not a number; leave a missing reading out")
        with self._lock:
            self._pending.append((name, time.time() if at is None else at, float(value)))
            due = len(self._pending) >= FLUSH_ROWS or time.monotonic() - self._flushed >= FLUSH_SECONDS
        if due:
            self.flush()

    def flush(self) -> int:
        """Write buffered readings and return how many; on a full disk they stay buffered, the oldest give way."""
        self._flushed = time.monotonic()
        if not self._pending:
            return 0
        with (
            self._store.transaction() as tx
        ):  # first the journal's lock, then ours: never the other way round
            rows = self._take()
            try:
                tx.db.executemany("INSERT INTO samples (name, at, value) VALUES (?, ?, ?)", rows)
                tx.db.executemany(_MEAN, _means(rows))
            except BaseException:
                with self._lock:
                    self._pending.extendleft(reversed(rows))
                raise
        self._flushes += 1
        if self._flushes % _PRUNE_EVERY == 0:
            self.prune()
        return len(rows)

    def _take(self) -> list[tuple[str, float, float]]:
        with self._lock:
            rows = list(self._pending)
            self._pending.clear()
        return rows

    def prune(self) -> int:
        """Drop what retention no longer keeps; return the number of rows dropped."""
        oldest = time.time() - self._keep_seconds
        with self._store.transaction() as tx:
            (last,) = tx.db.execute("SELECT coalesce(max(id), 0) FROM samples").fetchone()
            query = "DELETE FROM samples WHERE id <= ? OR at < ?"
            dropped = tx.db.execute(query, (last - self._keep_rows, oldest)).rowcount
            for seconds, keep in LEVELS:
                tx.db.execute(
                    "DELETE FROM means WHERE seconds = ? AND cell < ?",
                    (seconds, (time.time() - keep) // seconds),
                )
                tx.db.execute(_SURPLUS, {"seconds": seconds, "keep": KEEP_MEANS})
            return dropped

    def names(self) -> list[str]:
        """Return the names that have readings."""
        with self._store.reading() as db:
            stored = {str(row[0]) for row in db.execute(_NAMES) if row[0] is not None}
        with self._lock:
            return sorted(stored | {name for name, _, _ in self._pending})

    def series(
        self, name: str, *, since: float = 0.0, until: float = math.inf, limit: int = 10_000
    ) -> list[Sample]:
        """Return the newest readings of a name from `since` to `until` (seconds since 1970, both included), oldest first."""
        fresh = [Sample(at, value) for at, value in self._fresh(name, since, until)]
        query = "SELECT at, value FROM samples WHERE name = ? AND at BETWEEN ? AND ? ORDER BY at DESC, id DESC LIMIT ?"
        with self._store.reading() as db:
            stored = [Sample(at, value) for at, value in db.execute(query, (name, since, until, limit))]
        both = dict.fromkeys([*reversed(stored), *fresh])  # a flush in between would show rows twice
        return sorted(both, key=lambda sample: sample.at)[-limit:]

    def grid(self, name: str, *, seconds: float, count: int, now: float | None = None) -> list[float | None]:
        """Return means over `count` cells of `seconds` that end now, oldest first; None where nothing was read."""
        end = time.time() if now is None else now
        start = end - seconds * count
        sums, seen = [0.0] * count, [0] * count

        def add(at: float, total: float, n: int) -> None:
            cell = min(int((at - start) / seconds), count - 1)
            sums[cell], seen[cell] = sums[cell] + total, seen[cell] + n

        for at, value in self._fresh(name, start, end):
            add(at, value, 1)
        with self._store.reading() as db:
            for at, total, n in db.execute(_CELLS, (start, seconds, seconds, name, start, end)):
                add(start + at, total, n)
            for at, total, n in self._older(db, name, start, end):
                add(at, total, n)
        return [total / n if n else None for total, n in zip(sums, seen, strict=True)]

    def _fresh(self, name: str, since: float, until: float) -> list[tuple[float, float]]:
        """Return the readings that are not written yet."""
        with self._lock:
            return [
                (at, value) for other, at, value in self._pending if other == name and since <= at <= until
            ]

    @staticmethod
    def _older(
        db: sqlite3.Connection, name: str, start: float, end: float
    ) -> Iterator[tuple[float, float, int]]:
        """Yield means as (middle of the cell, sum, number) from before the oldest reading, the finest that are kept."""
        (oldest,) = db.execute("SELECT min(at) FROM samples WHERE name = ?", (name,)).fetchone()
        before = end if oldest is None else min(end, oldest)
        for seconds, _ in LEVELS:
            first, last = math.ceil(start / seconds), math.floor(before / seconds)
            rows = db.execute(_KEPT, (seconds, name, first, last)).fetchall()
            yield from (((cell + 0.5) * seconds, total, n) for cell, total, n in rows)
            if rows:
                before = rows[0][0] * seconds
