"""Where draws come from, as a table: whether the source is well, what it brought, when it is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    at = desk.board.source
    if at is None:
        return []
    row: Row = {
        "name": at.name, "kind": at.kind, "state": at.state, "draws": at.draws, "looked": at.looked, "came": at.came,
        "failures": at.failures, "pause": round(at.pause, 1), "why": at.error,
    }  # fmt: skip
    return [row][:most]


SOURCES = Table(
    "sources",
    "Draw sources",
    (
        Column("kind", "KIND"),
        Column("name", "SOURCE"),
        Column("state", "STATE", "state"),
        Column("draws", "DRAWS", "number", help="since the engine started"),
        Column("came", "LAST CAME", "time"),
        Column("looked", "LOOKED", "time"),
        Column("failures", "FAILURES", "number", help="in a row"),
        Column("pause", "PAUSE", "number", unit="s", help="until the next look"),
        Column("why", "WHY", help="what is wrong"),
    ),
    _rows,
    empty="no source; room.toml's [history] takes one of file, directory, url, command",
    key="name",
)
