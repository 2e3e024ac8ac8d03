"""The coverage ledger: which rectangles of hypotheses were searched to their end, on which draws, by which rule, with which power."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from state.errors import LedgerError
from state.store import Store


@dataclass(frozen=True, kw_only=True)
class CoverageRow:
    """One rectangle: seeds x starts x gaps of one family and mapping, whose every survivor was examined and none was a claim.

    With the origin `state` algebra decided all states of the family at once: its seeds are 0..0, and gaps may have a `period`.

    `draws` is the digest of the search block (`block` present draws of range_lo..range_hi), `threshold` the matches that made a
    survivor, `confirm` how many later draws could confirm one (0: the block is all draws), `scoring` the stated noise or None for
    the mixture. `planted` truths ran through the same kernels, `found` of them came back. `proof` is the sha-256 over the digests of
    the run's `chunks` chunk results; each holds the canary that its worker found.
    """

    run: str
    kernel: str
    history: str
    session: str | None
    family: str
    mapping: str
    range_lo: int
    range_hi: int
    seed_lo: int
    seed_hi: int
    unit: str | None
    start_lo: int
    start_hi: int
    law: str
    gap_lo: int
    gap_hi: int
    noise: float
    scoring: float | None
    alpha: float
    draws: str
    block: int
    threshold: int
    confirm: int
    survivors: int
    planted: int
    found: int
    chunks: int
    proof: str
    origin: Literal["seed", "state"] = "seed"
    period: int = 1
    seq: int = 0


COLUMNS = tuple(field.name for field in fields(CoverageRow))
SEEDS = ("seed_lo", "seed_hi")


class Coverage:
    """Projection of `coverage.added` events; rows are only ever added."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, rows: Iterable[CoverageRow]) -> int:
        """Record rectangles, all or none, and return how many."""
        added = list(rows)
        with self._store.transaction() as tx:
            for row in added:
                if not 0 <= row.seed_lo <= row.seed_hi < 1 << 64:
                    raise LedgerError(
                        f"coverage of {row.family}: seeds {row.seed_lo}..{row.seed_hi} must rise within 64 bits"
                    )
                values = asdict(row) | {name: f"{getattr(row, name):016x}" for name in SEEDS}
                del values["seq"]
                values["seq"] = tx.event("coverage.added", values)
                marks = ", ".join(f":{name}" for name in COLUMNS)
                tx.db.execute(f"INSERT INTO coverage ({', '.join(COLUMNS)}) VALUES ({marks})", values)
        return len(added)

    def rows(self, *, draws: Iterable[str] | None = None, until: int | None = None) -> list[CoverageRow]:
        """Return the rectangles of these blocks of draws (None: all), up to and including the event `until`, oldest first."""
        wanted = None if draws is None else set(draws)
        query = f"SELECT {', '.join(COLUMNS)} FROM coverage WHERE seq <= ? ORDER BY seq"
        with self._store.reading() as db:
            found = db.execute(query, ((1 << 63) - 1 if until is None else until,)).fetchall()
        rows = (CoverageRow(**_numbers(dict(zip(COLUMNS, row, strict=True)))) for row in found)
        return [row for row in rows if wanted is None or row.draws in wanted]


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return values | {name: int(values[name], 16) for name in SEEDS}
