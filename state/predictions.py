"""The prediction ledger: a pool is committed by hash before its draw is judged, or the draw is unforecast and never scored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from state.chain import canonical
from state.clock import utc_now
from state.errors import LedgerError
from state.store import Store


@dataclass(frozen=True)
class PoolRow:
    """One committed pool for draw index `for_draw`; the last one committed before the draw counts."""

    for_draw: int
    sha256: str
    pool: dict[str, Any]
    at: str
    seq: int


@dataclass(frozen=True)
class Judgement:
    """One draw against its pool; `forecast` False means that no pool was committed and nothing is scored."""

    for_draw: int
    value: int | None
    forecast: bool
    pool: PoolRow | None
    score: dict[str, Any]
    at: str
    seq: int


class Predictions:
    """Projection of `pool.committed` and `draw.judged` events; their sequence numbers prove which came first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commit(self, for_draw: int, sha256: str, pool: Mapping[str, Any]) -> int:
        """Commit a pool and return the event's number; refused once that draw or a later one was judged."""
        with self._store.transaction() as tx:
            (last,) = tx.db.execute("SELECT max(for_draw) FROM judgements").fetchone()
            if last is not None and for_draw <= last:
                raise LedgerError(
                    f"pool for draw {for_draw}: draw {last} was judged already; a pool comes before its draw"
                )
            standing = self.committed(for_draw)
            if standing is not None and standing.sha256 == sha256 and standing.pool == dict(pool):
                return standing.seq
            seq = tx.event("pool.committed", {"for_draw": for_draw, "sha256": sha256, "pool": dict(pool)})
            tx.db.execute(
                "INSERT INTO pools VALUES (?, ?, ?, ?, ?)",
                (for_draw, seq, utc_now(), sha256, canonical(pool)),
            )
        return seq

    def committed(self, for_draw: int) -> PoolRow | None:
        """Return the pool that counts for a draw, or None."""
        query = (
            "SELECT for_draw, sha256, pool, at, seq FROM pools WHERE for_draw = ? ORDER BY seq DESC LIMIT 1"
        )
        with self._store.reading() as db:
            row = db.execute(query, (for_draw,)).fetchone()
            return None if row is None else PoolRow(row[0], row[1], json.loads(row[2]), row[3], row[4])

    def latest(self) -> PoolRow | None:
        """Return the pool committed last."""
        with self._store.reading() as db:
            row = db.execute("SELECT for_draw FROM pools ORDER BY seq DESC LIMIT 1").fetchone()
        return None if row is None else self.committed(row[0])

    def pool_at(self, seq: int) -> dict[str, Any] | None:
        """Return the pool that was committed last at an event."""
        query = "SELECT pool FROM pools WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
        with self._store.reading() as db:
            row = db.execute(query, (seq,)).fetchone()
            return None if row is None else json.loads(row[0])

    def judge(self, for_draw: int, value: int | None, *, score: Mapping[str, Any] | None = None) -> Judgement:
        """Judge a draw once (value None: the draw is known to be missing); without a committed pool it is unforecast."""
        with self._store.transaction() as tx:
            known = self.judgement(for_draw)
            if known is not None:
                return self._same(known, value)
            pool = self.committed(for_draw)
            kept = dict(score or {}) if pool is not None and value is not None else {}
            data = {"for_draw": for_draw, "value": value, "forecast": pool is not None, "score": kept}
            seq = tx.event(
                "draw.judged", data | {"pool": pool and pool.sha256, "pool_seq": pool and pool.seq}
            )
            row = (for_draw, value, int(pool is not None), pool and pool.seq, canonical(kept), utc_now(), seq)
            tx.db.execute("INSERT INTO judgements VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return Judgement(for_draw, value, pool is not None, pool, kept, row[5], seq)

    @staticmethod
    def _same(known: Judgement, value: int | None) -> Judgement:
        if known.value != value:
            raise LedgerError(
                f"draw {known.for_draw}: judged as {known.value} before, now {value}; a draw is judged once"
            )
        return known

    def judgement(self, for_draw: int) -> Judgement | None:
        """Return what was judged about a draw, or None."""
        found = self._judgements("WHERE for_draw = ?", (for_draw,))
        return found[0] if found else None

    def judgements(self, *, limit: int = 1000) -> list[Judgement]:
        """Return the newest judgements, newest first."""
        return self._judgements("ORDER BY for_draw DESC LIMIT ?", (limit,))

    def _judgements(self, clause: str, values: tuple[object, ...]) -> list[Judgement]:
        query = (
            "SELECT j.for_draw, value, forecast, score, j.at, j.seq, p.sha256, p.pool, p.at, p.seq FROM "
            f"(SELECT * FROM judgements {clause}) j LEFT JOIN pools p ON p.for_draw = j.for_draw AND p.seq = j.pool_seq "
            "ORDER BY j.for_draw DESC"
        )
        with self._store.reading() as db:
            rows = db.execute(query, values).fetchall()
            return [
                Judgement(
                    draw, value, bool(forecast), None if sha is None else PoolRow(draw, sha, json.loads(pool), *there),
                    json.loads(score), at, seq,
                )
                for draw, value, forecast, score, at, seq, sha, pool, *there in rows
            ]  # fmt: skip
