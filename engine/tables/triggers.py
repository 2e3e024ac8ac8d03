"""The triggers as a table: what fired, on which numbers, what it asked for and what became of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.feedback.cycle import FIRED
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    rows: list[Row] = []
    for event in desk.journal.newest([FIRED], most):
        data = event.data
        request = desk.journal.requests.get(data["request"])
        rows.append({
            "id": event.seq, "at": event.at, "trigger": data["trigger"], "asks": data["asks"], "since": data.get("since"),
            "bits": data["bits"], "required": data["required"], "request": request.id, "state": request.state,
            "reason": data["reason"],
        })  # fmt: skip
    return rows


TRIGGERS = Table(
    "triggers",
    "Triggers",
    (
        Column("id", "#", "number", help="journal number"),
        Column("at", "AT", "time"),
        Column("trigger", "TRIGGER"),
        Column("asks", "ASKS"),
        Column(
            "since", "SINCE", "number", help="draw from which the work is about, where the change was dated"
        ),
        Column("bits", "BITS", "number", "bits"),
        Column("required", "NEEDED", "number", "bits"),
        Column("request", "REQUEST"),
        Column("state", "STATE", "state"),
        Column("reason", "REASON"),
    ),
    _rows,
    empty="no trigger has fired; they watch every judged draw and are expected to stay silent while all is well",
)
