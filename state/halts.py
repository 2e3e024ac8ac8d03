"""The halt row: at most one, in force until it is cleared, across restarts."""

from __future__ import annotations

from dataclasses import dataclass

from state.clock import utc_now
from state.store import Store


@dataclass(frozen=True)
class HaltRow:
    """Who halted, why, which kind, when asked and when reached (None: still pending); `seq` of its last event."""

    kind: str
    by: str
    reason: str
    asked: str
    reached: str | None
    seq: int


class Halts:
    """Projection of `halt.*` events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, kind: str, reason: str, by: str) -> HaltRow:
        """Write the row; an earlier one is replaced, its events stay."""
        at = utc_now()
        with self._store.transaction() as tx:
            seq = tx.event("halt.asked", {"kind": kind, "reason": reason, "by": by})
            tx.db.execute(
                "INSERT OR REPLACE INTO halt VALUES (1, ?, ?, ?, ?, NULL, ?)", (kind, by, reason, at, seq)
            )
        return HaltRow(kind, by, reason, at, None, seq)

    def reach(self) -> HaltRow | None:
        """Mark the pending halt as reached, once."""
        with self._store.transaction() as tx:
            row = self.get()
            if row is None or row.reached is not None:
                return row
            at = utc_now()
            seq = tx.event("halt.reached", {"kind": row.kind, "by": row.by})
            tx.db.execute("UPDATE halt SET reached = ?, seq = ?", (at, seq))
        return HaltRow(row.kind, row.by, row.reason, row.asked, at, seq)

    def clear(self, by: str, reason: str) -> bool:
        """Remove the row; return whether there was one."""
        with self._store.transaction() as tx:
            row = self.get()
            if row is None:
                return False
            tx.event("halt.cleared", {"kind": row.kind, "by": by, "reason": reason})
            tx.db.execute("DELETE FROM halt")
        return True

    def get(self) -> HaltRow | None:
        """Return the row in force."""
        with self._store.reading() as db:
            row = db.execute("SELECT kind, by, reason, asked, reached, seq FROM halt").fetchone()
        return None if row is None else HaltRow(*row)
