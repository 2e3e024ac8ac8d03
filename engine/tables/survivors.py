"""The survivors of the room's last step 1 as a table, best first: by the scorer where it ran, else by evidence; `trace` tells one in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk

ARTIFACTS = "artifacts"
_READ: dict[Path, tuple[tuple[float, ...], list[Row]]] = {}
"""The rows as they were when the artifacts last changed."""


def _rows(desk: Desk, most: int) -> list[Row]:
    from engine.pipeline.artifacts import SCORED
    from engine.pipeline.artifacts import SURVIVORS as FOUND

    folder = desk.state / ARTIFACTS
    files = [folder / name for name in (FOUND, SCORED)]
    stamp = tuple(file.stat().st_mtime for file in files if file.exists())
    if _READ.get(folder, ((-1.0,), []))[0] != stamp:
        _READ[folder] = (stamp, _read(folder, most) if stamp else [])
    return _READ[folder][1][:most]


def _past(desk: Desk, at: int, most: int) -> list[Row]:
    raise UsageError("survivors: they stand in artifacts, not in the journal")


def _read(folder: Path, most: int) -> list[Row]:
    from engine.pipeline.trace import ranked

    return [
        {
            "rank": rank, "digest": each["digest"][:16], "family": each["family"], "mapping": each["mapping"],
            "origin": each["origin"], "start": each["start"], "gap": each["gap"], "score": each["score"],
            "bits": each["evidence_bits"], "confirmed": each["confirmed"], "null": each["null_rank"], "line": each["line"],
        }
        for rank, each in enumerate(ranked(folder, most), 1)
    ]  # fmt: skip


SURVIVORS = Table(
    "survivors",
    "Survivors",
    (
        Column("rank", "RANK", "number"),
        Column("digest", "DIGEST"),
        Column("score", "SCORE", "number", help="of step 3's scorer"),
        Column("bits", "EVIDENCE", "number", "bits"),
        Column("confirmed", "CONFIRM", help="matched of scored on draws that the search never used"),
        Column("null", "NULL", "number", help="hits of null twins that match as often"),
        Column("family", "FAMILY"),
        Column("mapping", "MAPPING"),
        Column("origin", "ORIGIN"),
        Column("start", "START", "number"),
        Column("gap", "GAP"),
        Column("line", "ALIGNMENT"),
    ),
    _rows,
    past=_past,
    key="rank",
    empty="no survivor is kept yet; step 1 keeps them, `mimicry pipeline` asks for steps",
)
