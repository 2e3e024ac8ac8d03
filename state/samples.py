"""Probe time series: bulk telemetry beside the chain, buffered, bounded; a crash may lose the last ten seconds of it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass

from state.errors import LedgerError
from state.store import Store

FLUSH_ROWS = 256
FLUSH_SECONDS = 10.0
KEEP_ROWS = 200_000
KEEP_SECONDS = 7 * 86_400.0
PENDING_LIMIT = 8 * FLUSH_ROWS
_PRUNE_EVERY = 64
# From one name to the next through the index; DISTINCT would read every row of it.
_NAMES = """
WITH RECURSIVE one(name) AS (
  SELECT min(name) FROM samples
  UNION ALL SELECT (SELECT min(name) FROM samples WHERE name > one.name) FROM one WHERE one.name IS NOT NULL
) SELECT name FROM one
"""


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
            return tx.db.execute(query, (last - self._keep_rows, oldest)).rowcount

    def names(self) -> list[str]:
        """Return the names that have readings."""
        with self._store.reading() as db:
            stored = {str(row[0]) for row in db.execute(_NAMES) if row[0] is not None}
        with self._lock:
            return sorted(stored | {name for name, _, _ in self._pending})

    def series(self, name: str, *, since: float = 0.0, limit: int = 10_000) -> list[Sample]:
        """Return the newest readings of a name at or after `since` (seconds since 1970), oldest first."""
        with self._lock:
            fresh = [Sample(at, value) for other, at, value in self._pending if other == name and at >= since]
        query = "SELECT at, value FROM samples WHERE name = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?"
        with self._store.reading() as db:
            stored = [Sample(at, value) for at, value in db.execute(query, (name, since, limit))]
        both = dict.fromkeys([*reversed(stored), *fresh])  # a flush in between would show rows twice
        return sorted(both, key=lambda sample: sample.at)[-limit:]

    def grid(self, name: str, *, seconds: float, count: int, now: float | None = None) -> list[float | None]:
        """Return means over `count` cells of `seconds` that end now, oldest first; None where nothing was read."""
        end = time.time() if now is None else now
        start = end - seconds * count
        sums, seen = [0.0] * count, [0] * count
        for sample in self.series(name, since=start, limit=1_000_000):
            cell = min(int((sample.at - start) / seconds), count - 1)
            sums[cell], seen[cell] = sums[cell] + sample.value, seen[cell] + 1
        return [total / n if n else None for total, n in zip(sums, seen, strict=True)]
