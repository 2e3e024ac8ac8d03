"""What was searched and what it cost: the bill (charged once per key) and the chunks (finished once per index)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from state.chain import canonical
from state.errors import LedgerError
from state.store import Store, Tx

_AFTER_ALL = "\U0010ffff"


class Bill:
    """Hypotheses charged before they are tried; survives crashes, never charges a key twice."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def charge(self, key: str, hypotheses: int, detail: Mapping[str, Any]) -> bool:
        """Charge once; return False when the key was charged before at the same price, raise at another price."""
        if hypotheses < 0:
            raise LedgerError(f"bill {key}: {hypotheses} hypotheses; the number cannot be negative")
        with self._store.transaction() as tx:
            known = tx.db.execute("SELECT hypotheses FROM bill WHERE key = ?", (key,)).fetchone()
            if known is not None:
                self._same_price(key, int(known[0]), hypotheses)
                return False
            seq = tx.event(
                "bill.charged", {"key": key, "hypotheses": str(hypotheses), "detail": dict(detail)}
            )
            tx.db.execute(
                "INSERT INTO bill VALUES (?, ?, ?, ?)", (key, str(hypotheses), canonical(detail), seq)
            )
            (total,) = tx.db.execute("SELECT hypotheses FROM bill_total").fetchone()
            tx.db.execute("UPDATE bill_total SET hypotheses = ?", (str(int(total) + hypotheses),))
        return True

    @staticmethod
    def _same_price(key: str, charged: int, hypotheses: int) -> None:
        if charged != hypotheses:
            raise LedgerError(
                f"bill {key}: charged {charged} hypotheses before, now {hypotheses}; one key is one price: use a new key"
            )

    def total(self, prefix: str = "") -> int:
        """Return what was charged, over all keys or those that start with `prefix`."""
        with self._store.reading() as db:
            if not prefix:
                return int(db.execute("SELECT hypotheses FROM bill_total").fetchone()[0])
            query = "SELECT hypotheses FROM bill WHERE key >= ? AND key < ?"  # a stretch of the index
            return sum(int(row[0]) for row in db.execute(query, (prefix, prefix + _AFTER_ALL)))


@dataclass(frozen=True)
class ChunkRow:
    """One finished chunk: what the worker said about it, its result bytes, their digest, the event that accepted it."""

    meta: dict[str, Any]
    result: bytes
    digest: str
    seq: int


class Chunks:
    """Exactly-once effect: the first result of a chunk counts, whoever else computes it again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, sweep: str, specs: Mapping[int, Mapping[str, Any]]) -> None:
        """Record plans; a chunk planned before keeps its plan, and another plan for it is an error."""
        with self._store.transaction() as tx:
            fresh = {
                index: spec for index, spec in specs.items() if not self._planned(tx, sweep, index, spec)
            }
            if not fresh:
                return
            seq = tx.event(
                "chunk.opened",
                {"sweep": sweep, "chunks": [[index, dict(spec)] for index, spec in fresh.items()]},
            )
            rows = [(sweep, index, canonical(spec), seq) for index, spec in fresh.items()]
            tx.db.executemany("INSERT INTO chunks (sweep, idx, spec, seq) VALUES (?, ?, ?, ?)", rows)

    @staticmethod
    def _planned(tx: Tx, sweep: str, index: int, spec: Mapping[str, Any]) -> bool:
        row = tx.db.execute("SELECT spec FROM chunks WHERE sweep = ? AND idx = ?", (sweep, index)).fetchone()
        if row is None:
            return False
        if row[0] is not None and row[0] != canonical(spec):
            raise LedgerError(
                f"sweep {sweep} chunk {index}: planned as {row[0]}, now {canonical(spec)}; a changed plan is a new sweep"
            )
        return True

    def done(self, sweep: str, index: int, digest: str, meta: Mapping[str, Any], result: bytes) -> bool:
        """Store the first result and return True; a later one changes nothing, a different one is recorded as such."""
        with self._store.transaction() as tx:
            row = tx.db.execute(
                "SELECT digest FROM chunks WHERE sweep = ? AND idx = ?", (sweep, index)
            ).fetchone()
            if row is not None and row[0] is not None:
                if row[0] != digest:
                    tx.event(
                        "chunk.differs", {"sweep": sweep, "index": index, "kept": row[0], "refused": digest}
                    )
                return False
            data = {
                "sweep": sweep,
                "index": index,
                "digest": digest,
                "meta": dict(meta),
                "bytes": len(result),
            }
            seq = tx.event("chunk.done", data)
            tx.db.execute(
                "INSERT INTO chunks (sweep, idx, digest, meta, result, seq) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sweep, idx) "
                "DO UPDATE SET digest = excluded.digest, meta = excluded.meta, result = excluded.result, seq = excluded.seq",
                (sweep, index, digest, canonical(meta), result, seq),
            )
        return True

    def finished(self, sweep: str) -> dict[int, ChunkRow]:
        """Return the finished chunks by index."""
        query = "SELECT idx, meta, result, digest, seq FROM chunks WHERE sweep = ? AND digest IS NOT NULL ORDER BY idx"
        with self._store.reading() as db:
            rows = db.execute(query, (sweep,)).fetchall()
            return {
                index: ChunkRow(json.loads(meta), result, digest, seq)
                for index, meta, result, digest, seq in rows
            }

    def left(self, sweep: str) -> dict[int, dict[str, Any]]:
        """Return the plans that have no result yet."""
        query = "SELECT idx, spec FROM chunks WHERE sweep = ? AND digest IS NULL ORDER BY idx"
        with self._store.reading() as db:
            rows = db.execute(query, (sweep,)).fetchall()
            return {index: json.loads(spec) for index, spec in rows}
