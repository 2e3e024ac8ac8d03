"""Any list of the room: rows, the row under the cursor in full, filter, sort, marks. The engine filters and sorts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.timer import Timer
from textual.widgets import Input

from tui.feed import Refused
from tui.model import detail, listing
from tui.model.listing import Layout, Page
from tui.model.panels import Painter, evidence, fleet, pipeline
from tui.model.plot import cloud
from tui.model.text import Line, line, span
from tui.model.view import View
from tui.model.words import duration
from tui.places import Place
from tui.screens.frame import Framed, steps
from tui.widgets.dialog import Sheet
from tui.widgets.roll import Roll

LIMIT = 1000
HEADED = ("gpus", "pipeline", "evidence")
"""Places with a panel of the Overview above their lists."""
HEADS: Mapping[str, Painter] = {"fleet": fleet, "pipeline": pipeline, "evidence": evidence}
SHARE = 20.0
"""A list is asked for again after this many times of what it took: never more than a twentieth of the time."""
A_ROW = 1e-4
"""Seconds that a row costs on its way here, beside what is measured: read, sent, parsed."""
SETTLE = 0.15
"""Seconds for which the cursor rests before the row's story is asked for."""


@dataclass
class Shown:
    """One list as this screen shows it, and when its rows came."""

    name: str
    filter: str = ""
    sort: str = ""
    page: Page | None = None
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


class Lists(Framed):
    """The lists of all places, one at a time: one screen, because each costs a megabyte."""

    AUTO_FOCUS = "#rows"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lists = {name: Shown(name) for name in self.place.tables}
        self._now = self.place.tables[0]
        self._left: dict[str, str] = {}
        """The list that was in front when a place was left."""
        self._told: tuple[str, str, dict[str, Any]] | None = None
        """List, row and what the engine told about that row."""
        self._rest: Timer | None = None
        self._headed()
        self._draft: str | None = None
        """The filter as it is being typed; None while nobody types."""

    # ── parts ───────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Yield the panel above, the rows, and the row in full."""
        head = self.panel("head")
        head.can_focus = False
        yield head
        plotted = self.panel("cloud")
        plotted.can_focus = False
        yield plotted
        with Container(id="lists"):
            yield Roll(id="rows", classes="panel", focus=True, ascii_only=self._ascii)
            detail_board = self.panel("detail")
            detail_board.can_focus = False
            yield detail_board

    def asking(self) -> ComposeResult:
        """Yield the line in which a filter is typed, and the row that says what is wrong with it."""
        yield self._row("wrong")
        field = Input(
            id="ask",
            placeholder="hot>90 & host~rig-   (& and |, = != < <= > >= ~ !~)",
            compact=True,
            max_length=300,
        )
        field.cursor_blink = False
        yield field

    @property
    def shown(self) -> Shown:
        """Return the list in front."""
        return self._lists[self._now]

    @property
    def rows(self) -> Roll:
        """Return the board of rows."""
        board = self.boards["rows"]
        assert isinstance(board, Roll)
        return board

    def _there(self) -> list[str]:
        """Return the lists of this place that the engine keeps; the first one where it keeps none."""
        known = self.room.tables
        return [name for name in self.place.tables if name in known] or [self.place.tables[0]]

    def enter(self, place: Place) -> None:
        """Bring the lists of a place to the front, the one that was there before at first."""
        if place is self.place:
            return
        self._left[self.place.id], self.place = self._now, place
        for name in place.tables:
            self._lists.setdefault(name, Shown(name))
        self._headed()
        self._bring(self._left.get(place.id, place.tables[0]))

    def _headed(self) -> None:
        for name in HEADED:
            self.set_class(name == self.place.id, f"-{name}")

    def show_table(self, name: str, where: str | None = None) -> None:
        """Bring a list to the front, with a filter where one is given."""
        self._bring(name)
        if where is not None:
            self.shown.filter, self.shown.page = where, None
        self.shown.asked = -inf
        self.repaint()

    def _bring(self, name: str) -> None:
        """Put a list in front, with its cursor and its first row where they were."""
        if self._draft is not None:
            self._close_filter()
        if name != self._now:
            self.shown.first, self._now, self._told = self.rows.first, name, None
            self.rows.first = self.shown.first
            page, key = self.shown.page, self.shown.key
            at = page.find(key) if page is not None and key is not None else None
            self.rows.at = 0 if at is None else at

    # ── painting ────────────────────────────────────────────────────────────

    def paint_body(self, view: View) -> None:
        """Ask for rows when it is time, and show those that are here."""
        there = self._there()
        if self._now not in there:
            self._now = there[0]
        shown = self.shown
        if not view.frozen and view.link.state == "live" and self._due(view, shown):
            shown.at = _at(view)
            self._ask(shown)
        self._draw(view)

    def _due(self, view: View, shown: Shown) -> bool:
        if shown.at != _at(view):
            return True
        if view.past:
            return False  # the past does not change
        return self.room.clock() - shown.asked >= max(view.refresh - 0.05, SHARE * shown.took)

    def _ask(self, shown: Shown) -> None:
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

    async def _page(self, shown: Shown, where: str) -> dict[str, Any]:
        then = {} if shown.at is None else {"at": shown.at}
        return await self.room.ask(
            "table", name=shown.name, filter=where, sort=shown.sort, limit=LIMIT, **then
        )

    def _take(self, shown: Shown, page: Page) -> None:
        before = shown.page
        shown.page, shown.error, shown.came = page, "", self.room.clock()
        ids = {page.id_of(index) for index in range(len(page.rows))} if shown.marks else set()
        shown.marks &= ids
        if shown is self.shown and shown.key is not None and (index := page.find(shown.key)) is not None:
            self.rows.at = index
        if page.rows and (before is None or before.rows != page.rows):
            self._rest_then_ask()

    def _draw(self, view: View) -> None:
        shown, page = self.shown, self.shown.page
        faded = view.trust != "live"
        if self.place.head:
            board = self.boards["head"]
            panel = HEADS[self.place.head](view, board.cells, board.rows)
            board.put(panel.lines, self.aged(view, panel.title), faded=faded)
        self._draw_plot(faded)
        if page is None or not page.rows:
            said = listing.nothing(page, "" if shown.page and self._draft is not None else shown.error, self.place.fills,
                                   self.rows.cells, filtered=shown.filter, waiting=view.link.state != "live" or not self.room.tables)  # fmt: skip
            self.rows.roll(None, 0, lambda index, at: (), self._title(view), faded=faded)
            self.rows.put(said, None, faded=faded)
            shown.key = None
        else:
            shown.layout.fit(page, self.rows.cells)
            self.rows.roll(
                shown.layout.head(shown.sort),
                len(page.rows),
                partial(self._line, shown, page),
                self._title(view),
                faded=faded,
            )
            shown.key = page.id_of(self.rows.at)
        self._draw_wrong(shown)
        self._draw_detail(view)

    def _draw_plot(self, faded: bool) -> None:
        """Plot the column that measures, where the list has one and there is room."""
        name, values = (
            listing.measured(self.shown.page) if not (self.shown.filter or self.shown.sort) else ("", [])
        )
        board = self.boards["cloud"]
        if board.has_class("-some") != (len(values) > 1):
            board.set_class(len(values) > 1, "-some")
            self.set_class(len(values) > 1, "-plotted")
        if values and board.display:
            board.put(
                cloud(values, board.cells, board.rows),
                f"{name} of {len(values):,}, oldest first; the line is the highest so far",
                faded=faded,
            )

    def _line(self, shown: Shown, page: Page, index: int, at: bool) -> Line:
        today = self._view.snapshot.at[:10] if self._view.snapshot else ""
        return shown.layout.row(page.rows[index], today, marked=page.id_of(index) in shown.marks, at=at)

    def _title(self, view: View) -> str:
        shown = self.shown
        named = listing.title(
            shown.page,
            self.room.tables.get(shown.name, self.place.title),
            filtered=shown.filter,
            sort=shown.sort,
            marks=len(shown.marks),
        )
        others = [name for name in self._there() if name != self._now]
        named += f"   t: {', '.join(others)}" if others else ""
        old = self.room.clock() - shown.came
        if shown.page is not None and (view.trust != "live" or view.frozen or old > 5 + 2 * view.refresh):
            return f"{named} {'‖' if view.frozen else '?'} {duration(old)} old"
        return named

    def _draw_wrong(self, shown: Shown) -> None:
        said = shown.error if shown.error and (self._draft is not None or shown.page is not None) else ""
        board = self.boards["wrong"]
        board.display = bool(said)
        board.put([line(" ", span(f"▲ {said}", "warn"))] if said else [])

    def _draw_detail(self, view: View) -> None:
        board = self.boards["detail"]
        if self.small or not board.display:
            return
        board.put(
            self._detail(board.cells, short=board.rows < 10), self._detail_title(), faded=view.trust != "live"
        )

    def _detail_title(self) -> str:
        shown = self.shown
        return f"{shown.name} {shown.key}" if shown.key else "the row under the cursor"

    def _detail(self, cells: int, *, short: bool = False) -> list[Line]:
        shown, page = self.shown, self.shown.page
        index = page.find(shown.key) if page is not None and shown.key is not None else None
        if page is None or index is None:
            return [line(span("the row under the cursor stands here in full", "dim"))]
        told = self._told[2] if self._told is not None and self._told[:2] == (shown.name, shown.key) else None
        if told is not None and "decision" in told:
            return detail.decision_lines(told, cells)
        lines = detail.row_lines(page, page.rows[index], cells, short=short)
        return lines + (detail.story_lines(told["story"], "in the journal", cells) if told else [])

    # ── the row under the cursor ────────────────────────────────────────────

    def _moved(self) -> None:
        page = self.shown.page
        if page is not None and page.rows:
            self.shown.key = page.id_of(self.rows.at)
        self._draw_detail(self._view)
        self._rest_then_ask()

    def _rest_then_ask(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(SETTLE, self._ask_story)

    def _ask_story(self) -> None:
        shown = self.shown
        if shown.page is not None and shown.key is not None and self._view.link.state == "live":
            self.fetch_story(shown.name, shown.key)

    @work(group="story", exclusive=True, exit_on_error=True)
    async def fetch_story(self, name: str, key: str) -> None:
        """Ask the engine about one row: why a decision was made, what the journal says of anything else."""
        try:
            if name == "decisions":
                told = await self.room.ask("explain", id=int(key))
            else:
                told = await self.room.ask("row", name=name, key=key)
        except Refused:
            return  # the row is gone; the next page says so
        self._told = (name, key, told)
        self._draw_detail(self._view)
        if isinstance(self.app.screen, Sheet):
            self.app.screen.show()

    def on_roll_moved(self, event: Roll.Moved) -> None:
        """Follow the mouse."""
        self._moved()
        if event.opened:
            self.do_open()

    # ── keys ────────────────────────────────────────────────────────────────

    def do_move(self, how: str) -> None:
        """Move the cursor."""
        if self.rows.move(steps(how, self.rows.room, self.rows.count)):
            self._moved()

    def do_open(self) -> None:
        """Show the row in full, with its story."""
        if self.shown.page is not None and self.shown.page.rows:
            self._ask_story()
            self.app.push_screen(Sheet(self._detail_title, self._detail, ascii_only=self._ascii))

    def do_next(self) -> None:
        """Bring the next list to the front."""
        self.do_table()

    def do_previous(self) -> None:
        """Bring the list before to the front."""
        self.do_table(-1)

    def do_table(self, step: int = 1) -> None:
        """Bring another list of this screen to the front."""
        there = self._there()
        if len(there) == 1:
            self.room.say("this screen has one list", "head")
            return
        self.show_table(there[(there.index(self._now) + step) % len(there)])

    def do_sort(self) -> None:
        """Turn the sorting of the column: falling, rising, as the engine sends it."""
        sort, page = self.shown.sort, self.shown.page
        if page is None:
            return
        if not sort:
            first = next((c for c, _ in self.shown.layout.chosen if c.kind == "number"), page.columns[0])
            self._sort_by(f"-{first.name}")
        else:
            self._sort_by(sort.removeprefix("-") if sort.startswith("-") else "")

    def do_sort_next(self, step: int = 1) -> None:
        """Sort by the next column in sight."""
        names = [column.name for column, _ in self.shown.layout.chosen]
        if names:
            sort = self.shown.sort
            at = (
                names.index(sort.removeprefix("-"))
                if sort.removeprefix("-") in names
                else -1
                if step > 0
                else 0
            )
            self._sort_by(("-" if sort.startswith("-") else "") + names[(at + step) % len(names)])

    def do_sort_previous(self) -> None:
        """Sort by the column before."""
        self.do_sort_next(-1)

    def _sort_by(self, sort: str) -> None:
        self.shown.sort = sort
        self._ask(self.shown)
        self.repaint()

    def do_mark(self) -> None:
        """Mark or unmark the row and go on to the next."""
        shown = self.shown
        if shown.key is not None:
            shown.marks ^= {shown.key}
            self.do_move("down")
            self.repaint()

    def copied(self) -> str | None:
        """Return the marked rows as text with tabs."""
        page = self.shown.page
        if page is None or not self.shown.marks:
            return None
        names = [column.name for column in page.columns]
        return "\n".join("\t".join(str(row.get(name, "")) for name in names) for row in self.taken()) + "\n"

    def acts(self, key: str) -> list[Mapping[str, Any]]:
        """Return what a key does to the row under the cursor, as the engine offers it."""
        page = self.shown.page
        return (
            [] if page is None or self.shown.key is None else [act for act in page.acts if act["key"] == key]
        )

    def facts(self) -> list[Line]:
        """Return the row under the cursor as a dialog shows it."""
        return self._detail(70, short=True)[:8]

    def taken(self) -> list[Mapping[str, Any]]:
        """Return the rows that copy and export take: the marked ones, or all that are here."""
        page, marks = self.shown.page, self.shown.marks
        if page is None:
            return []
        return [row for row in page.rows if not marks or str(row.get(page.key)) in marks]

    # ── the filter ──────────────────────────────────────────────────────────

    def do_filter(self) -> None:
        """Open the line in which the filter is typed."""
        asking = self.query_one("#ask", Input)
        asking.display = True
        self._draft = asking.value = self.shown.filter
        asking.focus()

    def do_back(self) -> bool:
        """Leave the line, or clear the filter, or drop the marks."""
        shown = self.shown
        if self._draft is not None:
            self._close_filter()
        elif shown.marks:
            shown.marks.clear()
        elif shown.filter:
            shown.filter = ""
        else:
            return False
        shown.error = ""
        self._ask(shown)
        self.repaint()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Try the filter while it is typed."""
        if self._draft is not None and event.value != self._draft:
            self._draft = event.value
            self._ask(self.shown)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter; the engine says whether it can be read."""
        self._keep(event.value.strip())

    @work(group="page", exclusive=True, exit_on_error=True)
    async def _keep(self, where: str) -> None:
        shown = self.shown
        try:
            data = await self._page(shown, where)
        except Refused as error:
            shown.error = str(error)
        else:
            shown.filter = where
            self._take(shown, Page.read(data))
            self._close_filter()
        self.repaint()

    def _close_filter(self) -> None:
        self._draft = None
        self.query_one("#ask", Input).display = False
        self.rows.focus()

    def on_key(self, event: events.Key) -> None:
        """Let the arrows move the rows while a filter is typed."""
        if self._draft is not None and event.key in ("up", "down"):
            event.stop()
            self.do_move(event.key)


def _at(view: View) -> int | None:
    """Return the event as of which a view shows the room; None = now."""
    return view.snapshot.seq if view.past and view.snapshot is not None else None
