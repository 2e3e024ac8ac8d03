"""Any list of the room as the engine sends it: its columns and rows, how each kind of value is written, and what stands where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tui.model.text import Line, clean, line, span, wrap
from tui.model.words import STATES, number, parse_time

Row = Mapping[str, Any]
WHY = ("why", "reason", "note", "text", "error", "line")
"""Columns that say why: they get the room that is left, and come first in a detail."""
COARSE = ("%", "°C", "W", "MHz")
"""Units of which whole numbers are enough, so that a column stands still."""


class Column(NamedTuple):
    """One column as the engine describes it."""

    name: str
    title: str
    kind: str = "text"
    unit: str = ""
    help: str = ""

    @property
    def right(self) -> bool:
        """Say whether cells stand at the right: numbers do."""
        return self.kind == "number"

    @property
    def heading(self) -> str:
        """Return title and unit."""
        if self.unit.casefold() == self.title.casefold():
            return self.title
        gap = "" if self.unit[:1] in ("%", "°") else " "
        return f"{self.title}{gap}{self.unit}" if self.unit else self.title


@dataclass(frozen=True)
class Page:
    """One answer of the engine about one list (`table/1`)."""

    name: str
    title: str
    key: str
    empty: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    matched: int
    total: int
    cut: bool = False
    """True: the engine has more rows than it reads; these are the newest."""
    acts: Sequence[Mapping[str, Any]] = ()
    """What may be done to a row, as the engine offers it."""
    offset: int = 0
    """Index of the first of these rows in the whole list."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Page:
        """Return the page that a reply holds."""
        columns = tuple(
            Column(**{k: each[k] for k in Column._fields if k in each}) for each in data["columns"]
        )
        known = {name: data[name] for name in ("name", "title", "key", "empty", "rows", "matched", "total")}
        more = {name: data[name] for name in ("cut", "acts", "offset") if name in data}
        return cls(columns=columns, **known, **more)

    @property
    def count(self) -> int:
        """Return how many rows the list has that can be reached."""
        return len(self.rows) if self.cut else max(self.matched, self.offset + len(self.rows))

    @property
    def whole(self) -> bool:
        """Say whether every row is here."""
        return len(self.rows) == self.count

    def row(self, index: int) -> Row | None:
        """Return a row by its place in the whole list, None where it was not sent."""
        return self.rows[index - self.offset] if 0 <= index - self.offset < len(self.rows) else None

    def id_of(self, index: int) -> str | None:
        """Return the name of a row, None where it was not sent."""
        row = self.row(index)
        return None if row is None else str(row.get(self.key))

    def find(self, key: str) -> int | None:
        """Return where a row stands now, None when it is not here."""
        found = next((i for i, row in enumerate(self.rows) if str(row.get(self.key)) == key), None)
        return None if found is None else self.offset + found

    def column(self, name: str) -> Column | None:
        """Return a column by name."""
        return next((column for column in self.columns if column.name == name), None)


def written(column: Column, value: Any, today: str) -> tuple[str, str]:
    """Return a value as text and role, by the kind of its column."""
    if value is None:
        return "–", "dim"
    if isinstance(value, bool):
        return ("yes" if value else "no"), ""
    if column.kind == "state":
        sign = STATES.get(str(value))
        return (f"{sign.glyph} {value}", sign.role) if sign else (clean(str(value)), "")
    if column.kind == "time":
        return _time(str(value), today), "dim"
    if isinstance(value, float):
        return (f"{value:.0f}" if column.unit in COARSE and abs(value) >= 10 else number(value)), ""
    return clean(str(value)), ""


def stated(column: Column, row: Row) -> tuple[str, str]:
    """Return a row's value as name and text with its unit, for where no title stands over it."""
    value, name = row.get(column.name), column.title.lower()
    unit = "" if value is None or column.unit.lower() == name else f" {column.unit}"
    return name, f"{written(column, value, '')[0]}{unit}".rstrip()


def _time(text: str, today: str) -> str:
    """Return the time of day, or the day where it is another one than `today` (an ISO date)."""
    when = parse_time(text)
    if when is None:
        return clean(text)
    return (
        when.strftime("%H:%M:%S")
        if not today or when.date().isoformat() == today
        else when.strftime("%m-%d/%H")
    )


def nothing(
    page: Page | None, error: str, fills: str, cells: int, *, filtered: str, waiting: bool
) -> list[Line]:
    """Say why a list is empty and what fills it."""
    if error:
        return _said(error, cells, "warn") + (
            [] if not fills else [line(span("fill it with  ", "dim"), span(fills, "key"))]
        )
    if waiting or page is None:
        return _said("no data yet: the list appears when the engine answers", cells, "dim")
    if filtered and page.total:
        return _said(
            f"none of {page.total} rows passes the filter {filtered}   (/ changes it, Esc clears it)",
            cells,
            "dim",
        )
    return _said(page.empty, cells, "dim")


def _said(text: str, cells: int, role: str) -> list[Line]:
    return [line(span(row, role)) for row in wrap(clean(text), max(12, cells))]


def title(page: Page | None, place: str, *, filtered: str, sort: str, marks: int, group: str = "") -> str:
    """Return what stands in the frame of a list: name, how many of how many, filter, sort."""
    if page is None:
        return place
    count = f"{page.matched:,}" if page.matched == page.total else f"{page.matched:,} of {page.total:,}"
    parts = [f"{page.title} {count}{' newest' if page.cut else ''}"]
    parts += [f"filter: {filtered}"] if filtered else []
    parts += (
        [f"sorted: {sort.removeprefix('-')} {'falling' if sort.startswith('-') else 'rising'}"]
        if sort
        else []
    )
    parts += [f"by {group}"] if group else []
    parts += [f"{marks} marked"] if marks else []
    return " · ".join(parts)
