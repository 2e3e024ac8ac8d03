"""Which columns of a list fit a width, how wide each is, and a row as cells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tui.model.listing import WHY, Column, Page, Row, written
from tui.model.text import Line, Span, cell, width

WHAT: Mapping[str, str] = {"requests": "kind", "approvals": "kind"}
"""The column that says what a row is: it keeps its place however long its words are, and when all rows share them."""
LEAST, MOST = 3, 28
"""Cells of a column."""
LONG, SHORT, FLEX = 11, 14, 26
"""Cells from which a text is long; with which a long one, and the column that says why, are content where room is scarce; the latter takes a third where that is more."""
BRIEF = 20
"""Cells of a reason that stands whole, however few rows have one."""
REASON = 120
"""Cells that a reason gets where there is room."""
MEASURED = 200
GUTTER = 2
_TIME = 8


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
    seldom = why is not None and sizes[why.name] > BRIEF and _seldom(why, page.rows)
    widths: dict[str, int] = {}
    left = room
    for column in sorted(said, key=lambda column: _rank(column, page, said, sizes[column.name], varied)):
        most = MOST if column is not why else SHORT if seldom else max(FLEX, room // 3)
        need = min(most, sizes[column.name])
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


def _seldom(column: Column, rows: Sequence[Row]) -> bool:
    """Say whether few of many rows have a reason: it then takes no room from what all rows say."""
    return 4 * sum(row.get(column.name) is not None for row in rows[:MEASURED]) <= len(rows[:MEASURED])


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
