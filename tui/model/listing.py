"""Any list of the room as rows of cells: which columns fit, how each kind is written, and what stands where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tui.model.text import Line, Span, cell, clean, line, span, width, wrap
from tui.model.words import STATES, number, parse_time

Row = Mapping[str, Any]
WHY = ("why", "reason", "note", "text", "error", "line")
"""Columns that say why: they get the room that is left, and come first in a detail."""
WHAT: Mapping[str, str] = {"requests": "kind", "approvals": "kind"}
"""The column that says what a row is: it keeps its place however long its words are, and when all rows share them."""
LEAST, MOST = 3, 28
"""Cells of a column."""
LONG, SHORT, FLEX = 11, 14, 26
"""Cells from which a text is long; with which a long one, and the column that says why, are content where room is scarce; the latter takes a third where that is more."""
REASON = 120
"""Cells that a reason gets where there is room."""
MEASURED = 200
GUTTER = 2
_TIME = 8
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


@dataclass
class Layout:
    """The columns that fit and their widths; widths only grow, so that a live list stands still."""

    cells: int = 0
    chosen: tuple[tuple[Column, int], ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    varied: set[str] = field(default_factory=set)
    """Texts that were not the same in every row: what is the same throughout gives way to what is not."""
    fitted: Page | None = None
    """The page for which this was made: the same one is not measured again."""

    def fit(self, page: Page, cells: int) -> None:
        """Choose columns for a page in `cells`; those that say nothing in any row go first, then by importance."""
        if page is self.fitted and cells == self.cells:
            return
        self.fitted = page
        sizes = {column.name: _size(column, page.rows) for column in page.columns}
        if cells != self.cells or set(sizes) != set(self.sizes):
            self.sizes = {}
        self.cells = cells
        self.sizes = {name: max(size, self.sizes.get(name, 0)) for name, size in sizes.items()}
        self.varied |= _varied(page)
        self.chosen = _choose(page, self.sizes, max(1, cells - GUTTER), self.varied)

    def head(self, sort: str) -> Line:
        """Return the row of titles; an arrow stands at the column that sorts."""
        falling, by = sort.startswith("-"), sort.removeprefix("-")
        parts = [Span(" " * GUTTER)]
        for column, size in self.chosen:
            arrow = ("▼" if falling else "▲") if column.name == by else ""
            role = "key" if arrow else "dim"
            text = next(
                (
                    each
                    for each in (f"{column.heading}{arrow}", f"{column.title}{arrow}")
                    if width(each) <= size
                ),
                "",
            )
            # An arrow for which a title has no room stands in the gap behind it.
            gap = arrow if arrow and not text else " "
            does = f"sort_by({column.name!r})"
            parts += [
                cell(text or column.heading, size, role, right=column.right, does=does),
                Span(gap, role, does),
            ]
        return tuple(parts)

    def row(self, row: Row, today: str, *, marked: bool = False, at: bool = False) -> Line:
        """Return one row."""
        parts = [Span(f"{'▸' if at else ' '}{'*' if marked else ' '}", "key")]
        for column, size in self.chosen:
            text, role = written(column, row.get(column.name), today)
            parts += [cell(text, size, role, right=column.right), Span(" ")]
        return tuple(parts)


def _choose(
    page: Page, sizes: Mapping[str, int], room: int, varied: set[str]
) -> tuple[tuple[Column, int], ...]:
    said = [column for column in page.columns if sizes[column.name]] or list(page.columns)
    why = next((column for column in said if column.name in WHY), None)
    widths: dict[str, int] = {}
    left = room
    for column in sorted(said, key=lambda column: _rank(column, page, said, sizes[column.name], varied)):
        need = min(max(FLEX, room // 3) if column is why else MOST, sizes[column.name])
        if column.kind == "text" and need > LONG and column.name != page.key and column is not why:
            need = min(need, max(LONG, min(SHORT, left - 1)))  # rather cut than left out
        if column is why:
            need = min(need, max(SHORT, left - 1))
        if need + 1 <= left or not widths:
            widths[column.name] = need
            left -= need + 1
    shown = [column for column in said if column.name in widths]
    for column in sorted(shown, key=lambda column: column is not why):
        more = max(0, min(left, sizes[column.name] - widths[column.name]))
        widths[column.name] += more
        left -= more
    if why is not None and why.name in widths:
        widths[why.name] += max(0, left)
    return tuple((column, widths[column.name]) for column in shown)


def _rank(column: Column, page: Page, said: Sequence[Column], size: int, varied: set[str]) -> tuple[int, int]:
    """Return the order in which columns are kept: name, state, why, then as declared, long texts after all others, texts that every row shares last."""
    state = next((each for each in said if each.kind == "state"), None)
    if column.name == page.key:
        return 0, 0
    if column is state:
        return 1, 0
    if column.name in WHY:
        return 2, 0
    text = column.kind == "text" and column.name != WHAT.get(page.name)
    shared = text and len(page.rows) > 1 and column.name not in varied
    return (5 if shared else 4 if text and size > LONG else 3), said.index(column)


def _varied(page: Page) -> set[str]:
    """Return the texts that are not the same in every row."""
    texts = [column.name for column in page.columns if column.kind == "text"]
    return {name for name in texts if len({str(row.get(name)) for row in page.rows[:MEASURED]}) > 1}


def _size(column: Column, rows: Sequence[Row]) -> int:
    """Return the width that a column asks for; 0 where no row says anything in it."""
    texts = [
        written(column, row.get(column.name), "")[0]
        for row in rows[:MEASURED]
        if row.get(column.name) is not None
    ]
    if rows and not texts:
        return 0
    if column.kind == "time":
        return _TIME
    longest = max((width(text) for text in texts), default=0)
    return max(LEAST, min(REASON if column.name in WHY else MOST, max(longest, width(column.heading))))


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
