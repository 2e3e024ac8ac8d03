"""What the console saw of the numbers of a list: ten minutes of each row, thinned, bounded; nothing from before it looked."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from math import nan

from tui.model.listing import Page
from tui.model.spark import spark
from tui.model.text import BLANK, Line, cell, line, span
from tui.model.words import duration, number

EVERY = 5.0
KEPT = 120
MOST = 256
"""Rows that are followed; of a longer list the first ones."""


class Trails:
    """Columns by row, one value every five seconds; a row that is gone is forgotten."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._kept: dict[str, dict[str, array[float]]] = {}
        self._at = -EVERY

    def take(self, page: Page, now: float) -> None:
        """Look at a page; more often than every five seconds changes nothing."""
        if now - self._at < EVERY:
            return
        self._at = now
        rows = {str(row.get(page.key)): row for row in page.rows[:MOST]}
        self._kept = {key: self._kept.get(key, {}) for key in rows}
        for key, row in rows.items():
            for name in self._names:
                kept, value = self._kept[key].setdefault(name, array("f")), row.get(name)
                kept.append(value if isinstance(value, int | float) else nan)
                if len(kept) > KEPT:
                    del kept[0]

    def of(self, key: str) -> Mapping[str, Sequence[float | None]]:
        """Return what was seen of a row, oldest first; None is a gap."""
        return {
            name: [value if value == value else None for value in kept]
            for name, kept in self._kept.get(key, {}).items()
        }

    def lines(self, key: str, page: Page, cells: int) -> list[Line]:
        """Return a row's numbers over time, a line each."""
        shown = []
        for name, values in self.of(key).items():
            column, last = page.column(name), next((v for v in reversed(values) if v is not None), None)
            if column is None or last is None or len(values) < 2:
                continue
            tail = f" {number(last, 3)} {column.unit}"
            room = max(4, min(KEPT // 2, cells - 10 - len(tail)))
            shown.append(
                line(
                    cell(column.title.lower(), 9, "dim"),
                    span(spark(values, room).rjust(min(room, len(values))), "bar"),
                    span(tail),
                )
            )
        seen = max((len(values) for values in self.of(key).values()), default=0)
        return (
            [line(span(f"last {duration(seen * EVERY)}, seen by this console", "dim")), *shown, BLANK]
            if shown
            else []
        )
