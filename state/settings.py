"""Named values with a history: parameters (who, why, before, after) and cursors (how far a reader got)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from state.chain import canonical
from state.clock import utc_now
from state.errors import LedgerError, UnknownRecord
from state.store import Store


@dataclass(frozen=True)
class ParameterChange:
    """One change of one parameter; `cause` names the decision or request behind it."""

    seq: int
    at: str
    name: str
    before: Any
    after: Any
    who: str
    why: str
    cause: str | None


class Parameters:
    """Tunable values; bounds live in the engine's registry, the record of every change lives here."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set(self, name: str, value: Any, *, who: str, why: str, cause: str | None = None) -> int | None:
        """Change one parameter and return the event's number; None when it had that value already."""
        if not who or not why:
            raise LedgerError(f"parameter {name}: a change needs who and why")
        after = canonical(value)
        with self._store.transaction() as tx:
            row = tx.db.execute("SELECT value FROM parameters WHERE name = ?", (name,)).fetchone()
            if row is not None and row[0] == after:
                return None
            before = None if row is None else row[0]
            data = {
                "name": name,
                "before": before and json.loads(before),
                "after": value,
                "who": who,
                "why": why,
                "cause": cause,
            }
            seq = tx.event("parameter.set", data)
            tx.db.execute("INSERT OR REPLACE INTO parameters VALUES (?, ?, ?)", (name, after, seq))
            change = (seq, utc_now(), name, before, after, who, why, cause)
            tx.db.execute("INSERT INTO parameter_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", change)
        return seq

    def get(self, name: str) -> Any:
        """Return the value; raise UnknownRecord when it was never set."""
        with self._store.reading() as db:
            row = db.execute("SELECT value FROM parameters WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise UnknownRecord(f"parameter {name}: was never set in this state directory")
        return json.loads(row[0])

    def all(self) -> dict[str, Any]:
        """Return every parameter that was set."""
        with self._store.reading() as db:
            rows = db.execute("SELECT name, value FROM parameters ORDER BY name").fetchall()
            return {name: json.loads(value) for name, value in rows}

    def history(self, name: str, *, limit: int = 100) -> list[ParameterChange]:
        """Return the newest changes of one parameter, newest first."""
        columns = "seq, at, name, before, after, who, why, cause"
        query = f"SELECT {columns} FROM parameter_changes WHERE name = ? ORDER BY seq DESC LIMIT ?"
        with self._store.reading() as db:
            rows = db.execute(query, (name, limit)).fetchall()
            return [
                ParameterChange(s, at, n, b and json.loads(b), json.loads(a), who, why, c)
                for s, at, n, b, a, who, why, c in rows
            ]


class Cursors:
    """Durable positions: a draw or a line is taken once, also after a crash."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str, default: Any = None) -> Any:
        """Return the position, or `default` when it was never set."""
        with self._store.reading() as db:
            row = db.execute("SELECT value FROM cursors WHERE name = ?", (name,)).fetchone()
            return default if row is None else json.loads(row[0])

    def set(self, name: str, value: Any) -> int:
        """Record a position and return the event's number."""
        with self._store.transaction() as tx:
            seq = tx.event("cursor.set", {"name": name, "value": value})
            tx.db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (name, canonical(value), seq))
        return seq
