"""The lines of a list from top to bottom: its rows, and lines over groups of rows that have a value in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.model.listing import WHY, Column, Page, written
from tui.model.text import Line, Span, span
from tui.model.words import STATES

MOST_GROUPED = 5000


class Group(NamedTuple):
    """The line over rows that have a value in common."""

    text: str
    line: Line


@dataclass(frozen=True)
class Plan:
    """The lines of a list from top to bottom: rows by their place in it, and lines over groups of them."""

    count: int
    entries: Sequence[int | Group] = ()
    places: Mapping[int, int] = field(default_factory=dict)
    """Row to line, where there are groups."""

    @classmethod
    def of(cls, page: Page, by: str, *, reach: int = 1 << 62) -> Plan:
        """Lay out a page, grouped by a column where one is named and every row is here."""
        column = page.column(by) if by and page.whole else None
        if column is None:
            return cls(min(page.count, reach))
        groups: dict[str, list[int]] = {}
        for index, row in enumerate(page.rows):
            groups.setdefault(written(column, row.get(by), "")[0], []).append(index)
        entries: list[int | Group] = []
        for text, members in groups.items():
            entries += [Group(text, _over(page, column, text, members)), *members]
        places = {entry: at for at, entry in enumerate(entries) if isinstance(entry, int)}
        return cls(len(entries), entries, places)

    def row(self, at: int) -> int | None:
        """Return the row that a line shows, None for a line over a group."""
        entry = self.entries[at] if self.entries else at
        return entry if isinstance(entry, int) else None

    def group(self, at: int) -> Group | None:
        """Return the group that a line names."""
        entry = self.entries[at] if self.entries else at
        return entry if isinstance(entry, Group) else None

    def place(self, row: int) -> int:
        """Return the line of a row."""
        return self.places.get(row, row) if self.entries else row

    def settle(self, at: int, step: int = 1) -> int:
        """Return the line of a row at or next to a line, looked for in the direction of a step first."""
        for way in (1 if step >= 0 else -1, -1 if step >= 0 else 1):
            near = at
            while 0 <= near < self.count:
                if self.row(near) is not None:
                    return near
                near += way
        return max(0, min(at, self.count - 1))


def _over(page: Page, column: Column, text: str, members: Sequence[int]) -> Line:
    """Return the line over a group: its name, how many, and in which states they are."""
    state = next((each for each in page.columns if each.kind == "state" and each is not column), None)
    parts = [Span(f" {text} ", "head"), span(f" {len(members)}", "dim")]
    for word, count in Counter(str(page.rows[i].get(state.name)) for i in members).items() if state else ():
        sign = STATES.get(word)
        parts.append(span(f"  {count} {f'{sign.glyph} ' if sign else ''}{word}", sign.role if sign else ""))
    return tuple(parts)


FIRST_GROUPS = ("host", "family", "run", "step", "state")


def groupings(page: Page) -> list[str]:
    """Return the columns by which rows can be grouped: few values, more than one, fewer than rows."""
    if not page.whole or len(page.rows) > MOST_GROUPED:
        return []
    found = []
    for column in page.columns:
        if column.kind in ("text", "state") and column.name != page.key and column.name not in WHY:
            values = {str(row.get(column.name)) for row in page.rows}
            if 1 < len(values) <= min(40, len(page.rows) - 1):
                found.append(column.name)
    return sorted(
        found, key=lambda name: FIRST_GROUPS.index(name) if name in FIRST_GROUPS else len(FIRST_GROUPS)
    )
