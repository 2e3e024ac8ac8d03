"""What searches of this state directory exclude, rectangle by rectangle, with the power of each: the coverage ledger as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.coverage import CoverageRow

_READ: dict[Path, tuple[tuple[float, ...], list[Row]]] = {}
"""The ledger as it was when its files last changed: it is another journal, opened for as long as a read takes."""


def _rows(desk: Desk, most: int) -> list[Row]:
    from engine.search.ledger import FOLDER, read

    folder = desk.state / FOLDER
    stamp = (
        tuple(file.stat().st_mtime for file in sorted(folder.glob("journal.db*"))) if folder.is_dir() else ()
    )
    if _READ.get(desk.state, ((-1.0,), []))[0] != stamp:
        rows = read(desk.state).rows if stamp else ()
        _READ[desk.state] = (stamp, [_row(row) for row in reversed(rows[-most:])])
    return _READ[desk.state][1][:most]


def _row(row: CoverageRow) -> Row:
    gap = str(row.gap_lo) if row.gap_lo == row.gap_hi else f"{row.gap_lo}:{row.gap_hi}"
    return {
        "seq": row.seq, "family": row.family, "mapping": row.mapping, "seeds": f"{row.seed_lo:#x}:{row.seed_hi:#x}" if row.origin == "seed" else "all states",
        "starts": f"{row.start_lo}:{row.start_hi}", "gaps": f"{row.law} {gap}", "noise": row.noise,
        "power": row.found / row.planted if row.planted else None, "planted": row.planted, "survivors": row.survivors,
        "range": f"{row.range_lo}:{row.range_hi}", "draws": row.draws[:12], "run": row.run,
    }  # fmt: skip


COVERAGE = Table(
    "coverage",
    "Excluded",
    (
        Column("seq", "SEQ", "number"),
        Column("family", "FAMILY"),
        Column("mapping", "MAPPING"),
        Column("seeds", "SEEDS", help="both ends included"),
        Column("starts", "STARTS"),
        Column("gaps", "GAPS"),
        Column("power", "POWER", "number", help="share of planted truths that came back"),
        Column("planted", "PLANTED", "number"),
        Column("survivors", "SURVIVORS", "number", help="examined, and none was a claim"),
        Column("noise", "NOISE", "number"),
        Column("range", "RANGE"),
        Column("draws", "DRAWS", help="digest of the search block"),
        Column("run", "RUN"),
    ),
    _rows,
    empty="nothing is excluded yet; a search to its end adds rows: `mimicry pipeline`, or `mimicry analyze` on this state",
    key="seq",
)
