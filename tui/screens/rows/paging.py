"""How rows come from the engine: when they are asked for, how many, around what is in sight, and the plot of a long list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual import work

from tui.feed import Refused
from tui.model.listing import Page
from tui.model.plot import PLOTTED
from tui.model.shown import REACH, Shown
from tui.model.view import View
from tui.screens.rows.listed import as_of
from tui.screens.rows.story import Story

LIMIT = 1000
"""Rows that are asked for at once; of a longer list, those around what is in sight."""
EVERY_ROW = 100_000
"""Rows that an export takes at most."""
SHARE = 20.0
"""A list is asked for again after this many times of what it took: never more than a twentieth of the time."""
A_ROW = 1e-4
"""Seconds that a row costs on its way here, beside what is measured: read, sent, parsed."""
POINTS = 320
"""Spans of a plot of a long list: two dots a cell of a wide terminal."""


class Paging(Story):
    """Asks for the list in front. The engine filters and sorts."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reaching = False

    def due(self, view: View, shown: Shown) -> bool:
        """Say whether it is time to ask for a list."""
        if shown.at != as_of(view):
            return True
        if view.past:
            return False  # the past does not change
        return self.room.clock() - shown.asked >= max(view.refresh - 0.05, SHARE * shown.took)

    def ask_rows(self, shown: Shown) -> None:
        """Ask for a list, where the engine keeps it."""
        if not self.room.tables:
            return  # the engine is still being asked which lists it keeps
        shown.asked = self.room.clock()
        if shown.name not in self.room.tables:
            shown.error = f"this engine keeps no list {shown.name!r}"
        else:
            self.fetch(shown)

    @work(group="page", exclusive=True, exit_on_error=True)
    async def fetch(self, shown: Shown) -> None:
        """Ask the engine for the list in front."""
        where = shown.filter if self._draft is None else self._draft
        try:
            data = await self._page(shown, where)
        except Refused as error:
            shown.error = str(error)
            if shown.at is not None:
                shown.page = None  # rows of now would pass for rows of then
        else:
            begun = self.room.clock()
            self._take(shown, Page.read(data))
            shown.took = self.room.clock() - begun + len(data["rows"]) * A_ROW
        self.repaint()
        await self._curve(shown)

    async def _page(self, shown: Shown, where: str) -> dict[str, Any]:
        then: dict[str, Any] = {} if shown.at is None else {"at": shown.at}
        if (skip := self._skip(shown)) > 0:
            then["skip"] = skip
        return await self.room.ask(
            "table", name=shown.name, filter=where, sort=shown.sort, limit=LIMIT, **then
        )

    def _skip(self, shown: Shown) -> int:
        """Return the first row to ask for: some pages above what is in sight, where the list is longer than one answer."""
        page = shown.page
        if page is None or shown is not self.shown or page.count <= LIMIT:
            return 0
        end = min(page.count, REACH) if shown.filter or shown.sort else page.count
        return max(0, min(self.rows.first - LIMIT // 3, end - LIMIT))

    async def _curve(self, shown: Shown) -> None:
        """Ask for the plot of a list of which only some rows are here."""
        page = shown.page
        wanted = page is not None and not (shown.filter or shown.sort)
        if page is not None and wanted and page.name == "survivors":
            verb, args = "scores", dict[str, Any]()
        elif page is not None and wanted and page.name in PLOTTED and not page.whole:
            then: dict[str, Any] = {} if shown.at is None else {"at": shown.at}
            verb, args = "curve", {"name": page.name, "points": POINTS, **then}
        else:
            shown.curve = None
            return
        before = shown.curve
        try:
            shown.curve = await self.room.ask(verb, **args)
        except Refused as error:
            shown.error = str(error)
        if shown.curve != before or shown.error:
            self.repaint()

    def _take(self, shown: Shown, page: Page) -> None:
        before = shown.page
        shown.take(page, self.room.clock())
        self.settle(shown)
        if page.rows and (before is None or before.rows != page.rows):
            self.rest_then_ask()

    def settle(self, shown: Shown) -> None:
        """Keep the cursor on its row after the rows were laid out anew."""
        if shown is self.shown:
            at = shown.line_of_key(self.rows.at)
            self.rows.at = shown.plan.settle(self.rows.at if at is None else at)

    def reach(self) -> None:
        """Ask for the rows in sight where they are not here."""
        shown, page = self.shown, self.shown.page
        if page is None or page.whole or self._view.link.state != "live":
            return
        last = min(shown.plan.count, self.rows.first + self.rows.room) - 1
        if (page.row(self.rows.first) is None or page.row(last) is None) and not self._reaching:
            self._reaching = True
            self.call_later(self._reach_out)

    def _reach_out(self) -> None:
        self._reaching = False
        self.ask_rows(self.shown)

    async def every_row(self) -> list[Mapping[str, Any]]:
        """Return the marked rows, or all that pass the filter, in their order: a long list is asked for page by page."""
        shown, page = self.shown, self.shown.page
        if page is None or shown.marks or page.whole or page.cut:
            return shown.taken()
        end = min(page.count, EVERY_ROW, REACH if shown.filter or shown.sort else EVERY_ROW)
        rows: list[Mapping[str, Any]] = []
        while len(rows) < end:
            then: dict[str, Any] = {} if shown.at is None else {"at": shown.at}
            data = await self.room.ask(
                "table", name=shown.name, filter=shown.filter, sort=shown.sort,
                limit=min(LIMIT, end - len(rows)), **then, **({"skip": len(rows)} if rows else {}),
            )  # fmt: skip
            if not data["rows"]:
                break
            rows += data["rows"]
        return rows
