"""One list as its screen shows it: filter, sort, group, marks, the row under the cursor, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tui.model.layout import Layout
from tui.model.listing import Page, Row
from tui.model.plan import Plan, groupings
from tui.model.taken import as_csv
from tui.model.trails import Trails

REACH = 5000
"""How far one gets into a list that is filtered or sorted and longer than a page."""
TRAILED: Mapping[str, tuple[str, ...]] = {"gpus": ("util", "hot", "temp", "power", "rate", "clock", "vram")}
"""Columns of which the console keeps the last ten minutes, for the plots of a row."""


@dataclass
class Shown:
    """One list, and when its rows came."""

    name: str
    filter: str = ""
    sort: str = ""
    group: str = ""
    page: Page | None = None
    plan: Plan = field(default_factory=lambda: Plan(0))
    trails: Trails | None = None
    curve: Mapping[str, Any] | None = None
    """The plot that the engine told: of a list of which not every row is here, or the scores of the survivors."""
    error: str = ""
    layout: Layout = field(default_factory=Layout)
    marks: set[str] = field(default_factory=set)
    key: str | None = None
    """The row under the cursor, by name: it stays when rows move."""
    at: int | None = None
    """The event of the journal as of which the rows were asked for; None = now."""
    first: int = 0
    """The first row in sight when another list came to the front."""
    asked: float = -inf
    took: float = 0.0
    came: float = 0.0

    def take(self, page: Page, now: float) -> None:
        """Take what the engine answered."""
        self.page, self.error, self.came = page, "", now
        if self.name in TRAILED:
            self.trails = self.trails or Trails(TRAILED[self.name])
            self.trails.take(page, now)
        if page.whole and self.marks:
            self.marks &= {str(row.get(page.key)) for row in page.rows}
        self.lay()

    def lay(self) -> None:
        """Lay the rows out, in groups where that was chosen."""
        if self.page is not None:
            narrowed = bool(self.filter or self.sort) and not self.page.whole
            self.plan = Plan.of(self.page, self.group, reach=REACH if narrowed else 1 << 62)

    def line_of_key(self, near: int = 0) -> int | None:
        """Return the line on which the row under the cursor stands now, None when it is not here; of several of one name the line `near`."""
        if self.key is not None and near < self.plan.count and self.key_at(near) == self.key:
            return near
        found = self.page.find(self.key) if self.page is not None and self.key is not None else None
        return None if found is None else self.plan.place(found)

    def key_at(self, at: int) -> str | None:
        """Return the name of the row on a line."""
        row = self.plan.row(at) if self.plan.count else None
        return self.page.id_of(row) if self.page is not None and row is not None else None

    # ── how it is arranged ──────────────────────────────────────────────────

    def turned(self) -> str:
        """Return the sorting after this one: falling, rising, as the engine sends it."""
        if self.page is None:
            return ""
        if not self.sort:
            first = next((c for c, _ in self.layout.chosen if c.kind == "number"), self.page.columns[0])
            return f"-{first.name}"
        return self.sort.removeprefix("-") if self.sort.startswith("-") else ""

    def sorted_by(self, name: str) -> str:
        """Return the sorting by one column: falling at first, turned where it sorts already."""
        return self.turned() if self.sort.removeprefix("-") == name else f"-{name}"

    def sorted_by_next(self, step: int) -> str:
        """Return the sorting by the next column in sight, or by the one before; the direction stays."""
        names = [column.name for column, _ in self.layout.chosen]
        by = self.sort.removeprefix("-")
        at = names.index(by) if by in names else -1 if step > 0 else 0
        return ("-" if self.sort.startswith("-") else "") + names[(at + step) % len(names)] if names else ""

    def next_group(self) -> bool:
        """Group by the next column that has few values, then by none; tell whether there is any."""
        offered = groupings(self.page) if self.page is not None else []
        if not offered and not self.group:
            return False
        at = offered.index(self.group) + 1 if self.group in offered else 0
        self.group = "" if at >= len(offered) else offered[at]
        self.lay()
        return True

    @property
    def acts(self) -> list[Mapping[str, Any]]:
        """Return what may be done to the row under the cursor, as the engine offers it."""
        page = self.page
        found = page.find(self.key) if page is not None and self.key is not None else None
        row = page.row(found) if page is not None and found is not None else None
        if page is None or row is None:
            return []
        return [
            act
            for act in page.acts
            if all(str(row.get(name)) in values for name, values in act.get("when", {}).items())
        ]

    # ── what is taken of it ─────────────────────────────────────────────────

    def marked(self) -> list[str]:
        """Return the marked rows that are here, in their order."""
        page = self.page
        ids = () if page is None else (page.id_of(i) for i in range(page.offset, page.count))
        return [key for key in ids if key in self.marks]

    def taken(self) -> list[Row]:
        """Return the rows that copy and export take: the marked ones, or all that are here."""
        page = self.page
        if page is None:
            return []
        return [row for row in page.rows if not self.marks or str(row.get(page.key)) in self.marks]

    def copied(self) -> str | None:
        """Return the marked rows as text with tabs."""
        if self.page is None or not self.marks:
            return None
        return as_csv([column.name for column in self.page.columns], self.taken(), "\t")
