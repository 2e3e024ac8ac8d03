"""The alerts as a table: what stands, what was seen, muted or cleared, with value and limit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.alerts.book import Book
from engine.tables.table import Act, Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    return _of(desk.alerts, datetime.now(UTC), most)


def _past(desk: Desk, at: int, most: int) -> list[Row]:
    book = Book(desk.journal, upto=at)
    then = desk.past.time(at)
    return _of(book, datetime.fromisoformat(then) if then else datetime.now(UTC), most)


def _of(book: Book, now: datetime, most: int) -> list[Row]:
    return [
        {"id": each.id, "at": each.at, "state": book.state(each, now), "level": each.level, "rule": each.rule,
         "subject": each.subject, "value": each.value, "limit": each.limit, "cleared": each.cleared, "by": each.acked,
         "muted": book.muted_until(each, now), "note": each.why or None, "text": each.text}
        for each in book.entries()[:most]
    ]  # fmt: skip


ALERTS = Table(
    "alerts",
    "Alerts",
    (
        Column("id", "ID"),
        Column("at", "RAISED", "time"),
        Column("state", "STATE", "state"),
        Column("level", "LEVEL", "state"),
        Column("rule", "RULE"),
        Column("subject", "SUBJECT"),
        Column("value", "VALUE", "number", help="when it was raised"),
        Column("limit", "LIMIT", "number"),
        Column("cleared", "CLEARED", "time"),
        Column("by", "SEEN BY"),
        Column("muted", "MUTED TO", "time"),
        Column("note", "NOTE", help="what was said when it was acknowledged"),
        Column("text", "TEXT"),
    ),
    _rows,
    empty="no alert yet; rules look every 2 s, their limits stand under [alerts] in room.toml",
    past=_past,
    acts=(
        Act("A", "ack", "acknowledge", when={"state": ("firing", "muted")}),
        Act("M", "mute", "mute for an hour", fixed={"minutes": 60}),
    ),
)
