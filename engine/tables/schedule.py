"""Recurring work as a table: when it runs next, when it last did, and what became of that request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.dispatch.scheduler import parse_schedule, stamp, utc_clock
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.dispatch.scheduler import Entry


def _rows(desk: Desk, most: int) -> list[Row]:
    return [_row(desk, entry) for entry in parse_schedule(desk.settings.schedule)][:most]


def _row(desk: Desk, entry: Entry) -> Row:
    following = entry.cron.after(utc_clock())
    last = desk.journal.requests.of_origin(entry.origin)
    return {
        "name": entry.name,
        "cron": entry.cron.text,
        "asks": entry.request.type,
        "next": None if following is None else stamp(following),
        "last": last.at if last else None,
        "request": last.id if last else None,
        "state": last.state if last else None,
        "why": desk.why(last) if last else None,
    }


SCHEDULE = Table(
    "schedule",
    "Schedule",
    (
        Column("name", "NAME"),
        Column("cron", "CRON", help="minute hour day month weekday, UTC"),
        Column("asks", "ASKS FOR"),
        Column("next", "NEXT", "time"),
        Column("last", "LAST", "time"),
        Column("request", "REQUEST"),
        Column("state", "STATE", "state"),
        Column("why", "WHY", help="why that request waits, or how it ended"),
    ),
    _rows,
    empty="nothing recurs; room.toml takes [[schedule]] with name, cron and request",
    key="name",
)
