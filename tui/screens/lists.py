"""Any list of the room: rows, the row under the cursor in full, filter, sort, marks. The engine filters and sorts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
from tui.model.advisor import advisor
from tui.model.beside import beside_lines, judged_lines, policy_lines, rows_pairs
from tui.model.coverage import coverage_map
from tui.model.listing import Layout, Page, Plan
from tui.model.panels import Painter, Panel, evidence, fleet, pipeline
from tui.model.plot import PRUNED, cloud, scores_plot, spans_plot
from tui.model.study import study_lines
from tui.model.text import BLANK, Line, Span, line, span
from tui.model.trace import trace_lines
from tui.model.trails import Trails
from tui.model.view import View
from tui.model.words import duration
from tui.places import BY_ID, Place
from tui.screens.frame import Framed, steps
from tui.widgets.dialog import Sheet
from tui.widgets.roll import Roll

LIMIT = 1000
"""Rows that are asked for at once; of a longer list, those around what is in sight."""
REACH = 5000
"""How far one gets into a list that is filtered or sorted and longer than a page."""
EVERY_ROW = 100_000
"""Rows that an export takes at most."""
HEADED = ("gpus", "pipeline", "evidence", "llm")
"""Places with a panel of the Overview above their lists."""
HEADS: Mapping[str, Painter] = {"fleet": fleet, "pipeline": pipeline, "evidence": evidence}
SHARE = 20.0
"""A list is asked for again after this many times of what it took: never more than a twentieth of the time."""
A_ROW = 1e-4
"""Seconds that a row costs on its way here, beside what is measured: read, sent, parsed."""
POINTS = 320
"""Spans of a plot of a long list: two dots a cell of a wide terminal."""
LETTERS = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM"
"""Jump letters, those under the fingers first."""
TRAILED: Mapping[str, tuple[str, ...]] = {"gpus": ("util", "hot", "temp", "power", "rate", "clock", "vram")}
"""Columns of which the console keeps the last ten minutes, for the plots of a row."""
POLICIES = ("candidates", "policy")
"""Lists whose rows are policies."""
HEAD_VERBS: Mapping[str, str] = {"advisor": "llm_status", "pipeline": "study"}
"""Panels for which the engine is asked, and the verb."""
HEAD_EVERY = 5.0
EXCHANGE = 1 << 20
"""Bytes of an exchange with the advisor that are shown."""
BRIEF = 9
"""Rows of a list that leaves its room to the row in full, where that stands below it."""
ROOMY = 27
"""Rows of a terminal from which that makes the row in full larger."""
SETTLE = 0.15
"""Seconds for which the cursor rests before the row's story is asked for."""


@dataclass
class Shown:
    """One list as this screen shows it, and when its rows came."""

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
        self._reaching = False
        self._facts: dict[str, dict[str, Any]] = {}
        """What the engine told for the panel above, by verb."""
        self._facts_asked: dict[str, tuple[float, int | None]] = {}
        """When that was asked for, and as of which event."""
        self._headed()
        self._draft: str | None = None
        """The filter as it is being typed; None while nobody types."""
        self._letters: dict[str, int] = {}
        """Jump letters and the lines that they lead to, while they are shown."""

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
        if not self.boards:
            self._now = name  # not mounted yet
        elif name != self._now:
            self.shown.first, self._now, self._told = self.rows.first, name, None
            self.rows.first = self.shown.first
            self._letters = {}
            page, key = self.shown.page, self.shown.key
            at = page.find(key) if page is not None and key is not None else None
            self.rows.at = 0 if at is None else self.shown.plan.place(at)

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
        elif page is not None and wanted and page.name in listing.PLOTTED and not page.whole:
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
        shown.page, shown.error, shown.came = page, "", self.room.clock()
        if shown.name in TRAILED:
            shown.trails = shown.trails or Trails(TRAILED[shown.name])
            shown.trails.take(page, shown.came)
        if page.whole and shown.marks:
            shown.marks &= {str(row.get(page.key)) for row in page.rows}
        self._lay(shown)
        if page.rows and (before is None or before.rows != page.rows):
            self._rest_then_ask()

    def _lay(self, shown: Shown) -> None:
        """Lay the rows out again, with the cursor on the row where it was."""
        page = shown.page
        assert page is not None
        narrowed = bool(shown.filter or shown.sort) and not page.whole
        shown.plan = Plan.of(page, shown.group, reach=REACH if narrowed else 1 << 62)
        if shown is self.shown:
            found = page.find(shown.key) if shown.key is not None else None
            self.rows.at = shown.plan.settle(self.rows.at if found is None else shown.plan.place(found))

    def _draw(self, view: View) -> None:
        shown, page = self.shown, self.shown.page
        faded = view.trust != "live"
        self._draw_head(view, faded)
        self._draw_plot(faded)
        none = page is None or not page.rows
        brief = not none and not self.place.head and shown.plan.count <= BRIEF and self.size.height >= ROOMY
        for name, wanted in (("-none", none), ("-brief", brief)):
            if self.has_class(name) != wanted:
                self.set_class(wanted, name)
        if page is None or none:
            said = listing.nothing(page, "" if shown.page and self._draft is not None else shown.error, self.place.fills,
                                   self.rows.cells, filtered=shown.filter, waiting=view.link.state != "live" or not self.room.tables)  # fmt: skip
            self.rows.roll(None, 0, lambda index, at: (), self._title(view), faded=faded)
            self.rows.put(said, None, faded=faded)
            shown.key = None
        else:
            shown.layout.fit(page, self.rows.cells)
            self.rows.roll(
                shown.layout.head(shown.sort),
                shown.plan.count,
                partial(self._line, shown, page),
                self._title(view),
                faded=faded,
            )
            shown.key = self._key_here()
            self._reach()
        self._draw_wrong(shown)
        self._draw_detail(view)

    def _draw_head(self, view: View, faded: bool) -> None:
        board, head = self.boards["head"], self.place.head
        if not head:
            return
        told = self._head_facts(view, head)
        if head == "advisor":
            panel = advisor(told, board.cells)
        else:
            now = view.snapshot.at if view.snapshot is not None else ""
            more = study_lines(told, now, board.cells, board.rows) if head == "pipeline" else []
            panel = HEADS[head](view, board.cells, board.rows - len(more))
            panel = Panel(panel.title, [*panel.lines[: max(0, board.rows - len(more))], *more])
        board.put(panel.lines, self.aged(view, panel.title), faded=faded)

    def _head_facts(self, view: View, head: str) -> dict[str, Any] | None:
        """Return what the engine told for the panel above, and ask again when it is time."""
        verb, at = HEAD_VERBS.get(head, ""), _at(view)
        if not verb or (view.past and head == "advisor"):
            return None
        asked, as_of = self._facts_asked.get(verb, (-inf, None))
        due = as_of != at or (not view.past and self.room.clock() - asked >= HEAD_EVERY)
        if view.link.state == "live" and not view.frozen and due:
            self._facts_asked[verb] = self.room.clock(), at
            self.fetch_facts(verb, at)
        return self._facts.get(verb)

    @work(group="head", exclusive=True, exit_on_error=True)
    async def fetch_facts(self, verb: str, at: int | None) -> None:
        """Ask the engine for what the panel above shows."""
        then: dict[str, Any] = {} if at is None else {"at": at}
        try:
            self._facts[verb] = await self.room.ask(verb, **then)
        except Refused as error:
            self._facts.pop(verb, None)
            if verb == "llm_status":
                self._facts[verb] = {"state": "none", "why": str(error)}
        self.repaint()

    def _key_here(self) -> str | None:
        """Return the name of the row under the cursor."""
        page, row = self.shown.page, self.shown.plan.row(self.rows.at) if self.shown.plan.count else None
        return page.id_of(row) if page is not None and row is not None else None

    def _reach(self) -> None:
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
        self._ask(self.shown)

    def _draw_plot(self, faded: bool) -> None:
        """Plot the column that measures, where the list has one and there is room."""
        board = self.boards["cloud"]
        drawn = self._plot(board.cells, board.rows)
        if board.has_class("-some") != (drawn is not None):
            board.set_class(drawn is not None, "-some")
            self.set_class(drawn is not None, "-plotted")
        if drawn is not None and board.display:
            board.put(drawn.lines, drawn.title, faded=faded)

    def _plot(self, cells: int, rows: int) -> Panel | None:
        """Return the plot of the list in front; None where it has none."""
        shown, page = self.shown, self.shown.page
        if page is None or shown.filter or shown.sort:
            return None
        if page.name == "coverage":
            return coverage_map(page, cells, rows)
        if shown.curve is not None:
            return (scores_plot if page.name == "survivors" else spans_plot)(shown.curve, cells, rows)
        name, values = listing.measured(page)
        if len(values) < 2:
            return None
        marks = listing.marked(page)
        pruned = f"; {PRUNED} pruned" if any(marks) else ""
        said = f"{name} of {len(values):,}, oldest first; the line is the highest so far{pruned}"
        return Panel(said, cloud(values, cells, rows, marks))

    def _line(self, shown: Shown, page: Page, index: int, at: bool) -> Line:
        group = shown.plan.group(index)
        if group is not None:
            return group.line
        row = page.row(shown.plan.row(index) or 0)
        letter = self._letter_of(index)
        if row is None:
            return line(span("  …", "dim"))
        today = self._view.snapshot.at[:10] if self._view.snapshot else ""
        made = shown.layout.row(row, today, marked=str(row.get(page.key)) in shown.marks, at=at)
        return made if not letter else (Span(letter, "chosen"), Span(" "), *made[1:])

    def _letter_of(self, index: int) -> str:
        return next((letter for letter, where in self._letters.items() if where == index), "")

    def _title(self, view: View) -> str:
        shown = self.shown
        named = listing.title(
            shown.page,
            self.room.tables.get(shown.name, self.place.title),
            filtered=shown.filter,
            sort=shown.sort,
            marks=len(shown.marks),
            group=shown.group,
        )
        if self._letters:
            return f"{named} · a letter jumps, Esc stays"
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
        if told is not None and "trace" in told:
            return trace_lines(told["trace"], cells)
        row = page.row(index)
        assert row is not None
        lines = detail.row_lines(page, row, cells, short=short)
        if shown.trails is not None and not short:
            lines = [*shown.trails.lines(str(shown.key), page, cells), *lines]
        if told and "of_step" in told:
            rests = [line(span(f"decision {told['rests']} rests on it", "head"))] if "rests" in told else []
            return [*lines, BLANK, *rests, *detail.decision_lines(told["of_step"], cells)]
        return lines + (
            detail.story_lines(told["story"], "in the journal", cells) if told and "story" in told else []
        )

    # ── the row under the cursor ────────────────────────────────────────────

    def _moved(self, step: int = 1) -> None:
        self.rows.move(self.shown.plan.settle(self.rows.at, step) - self.rows.at)
        self.shown.key = self._key_here()
        self._reach()
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
        at = self.shown.at
        then: dict[str, Any] = {} if at is None else {"at": at}
        try:
            if name == "survivors":
                told = {"trace": await self.room.ask("trace", survivor=key)}
            elif name == "steps":
                told = await self._step(key)
            elif name == "decisions":
                told = await self.room.ask("explain", id=int(key))
            elif name == "llm_calls" and at is None:
                told = await self._call(key)
            else:
                told = await self.room.ask("row", name=name, key=key, **then)
        except Refused:
            return  # the row is gone; the next page says so
        self._told = (name, key, told)
        self._draw_detail(self._view)
        if isinstance(self.app.screen, Sheet):
            self.app.screen.show()

    async def _call(self, key: str) -> dict[str, Any]:
        """Return the decision that rests on a call, where one does, else the journal's records of the call."""
        number = (await self.room.ask("llm_call", id=key))["decision"]
        if number is None:
            return await self.room.ask("row", name="llm_calls", key=key)
        return {"rests": number, "of_step": await self.room.ask("explain", id=number)}

    async def _step(self, key: str) -> dict[str, Any]:
        """Return the last decision on a step, where one was made."""
        page = self.shown.page
        row = page.row(found) if page is not None and (found := page.find(key)) is not None else None
        number = row.get("number") if row is not None else None
        return {} if number is None else {"of_step": await self.room.ask("explain", id=number)}

    def on_roll_moved(self, event: Roll.Moved) -> None:
        """Follow the mouse."""
        self._moved()
        if event.opened:
            self.do_open()

    # ── keys ────────────────────────────────────────────────────────────────

    def do_move(self, how: str) -> None:
        """Move the cursor."""
        step = steps(how, self.rows.room, self.rows.count)
        if self.rows.move(step):
            self._moved(step)

    def do_open(self) -> None:
        """Show the row in full, with its story."""
        if self.shown.page is not None and self.shown.page.rows:
            self._ask_story()
            self.app.push_screen(Sheet(self._detail_title, self._detail, ascii_only=self._ascii))

    def do_raw(self) -> None:
        """Show the row as the engine sent it."""
        page, key = self.shown.page, self.shown.key
        row = page.row(found) if page is not None and key and (found := page.find(key)) is not None else None
        if row is not None:
            told = self._told[2] if self._told is not None and self._told[:2] == (self._now, key) else {}
            text = json.dumps({**row, **({"told": told} if told else {})}, indent=1, ensure_ascii=False)
            self.app.push_screen(
                Sheet(
                    lambda: f"{self._now} {key} as JSON",
                    lambda cells: [line(each) for each in text.splitlines()],
                    ascii_only=self._ascii,
                )
            )

    def do_prompt(self) -> None:
        """Show the whole exchange behind a call to the advisor: prompt, answers, timings; secrets were masked when it was written."""
        page, key = self.shown.page, self.shown.key
        row = page.row(found) if page is not None and key and (found := page.find(key)) is not None else None
        if self._now == "decisions" and key is not None:
            self.fetch_call(key)
        elif row is None or not row.get("file"):
            self.room.say("p: this row has no exchange with the advisor", "head")
        else:
            self._open_exchange(str(row["file"]))

    @work(group="beside", exclusive=True, exit_on_error=True)
    async def fetch_call(self, decision: str) -> None:
        """Ask for the call behind a decision and show its exchange."""
        try:
            call = (await self.room.ask("decision", id=decision))["call"]
        except Refused as error:
            self.room.say(str(error), "warn")
            return
        if call is None:
            self.room.say(f"p: the advisor was not asked about decision {decision}", "head")
        else:
            self._open_exchange(f"llm_calls/{call}.json")

    def _open_exchange(self, name: str) -> None:
        key, file = self.shown.key, self.room.logs.parent / name
        try:
            with file.open(encoding="utf-8", errors="replace") as source:
                text = source.read(EXCHANGE)
        except OSError as error:
            self.room.say(f"{error.strerror}: {file}", "warn")
            return
        self.app.push_screen(
            Sheet(lambda: f"{self._now} {key}", partial(detail.exchange_lines, text), ascii_only=self._ascii)
        )

    def do_beside(self) -> None:
        """Show two things side by side: marked rows; a policy and the active one; the advice and the code's decision."""
        page, shown = self.shown.page, self.shown
        if page is None or shown.key is None:
            return
        marked = [
            key for key in (page.id_of(i) for i in range(page.offset, page.count)) if key in shown.marks
        ]
        if shown.name in POLICIES and len(marked) in (0, 2):
            a, b = marked[::-1] if marked else ("active", shown.key)
            self._compare(f"{a} beside {b}", policy_lines, "policy_diff", a=a, b=b)
        elif shown.name == "decisions" and not marked:
            self._compare(f"decision {shown.key}", judged_lines, "decision", id=shown.key)
        elif shown.name == "llm_calls" and not marked:
            told = (
                self._told[2] if self._told is not None and self._told[:2] == (shown.name, shown.key) else {}
            )
            if "rests" in told:
                self._compare(f"decision {told['rests']}", judged_lines, "decision", id=told["rests"])
            else:
                self.room.say("d: no decision rests on this call", "head")
        elif len(marked) == 2:
            first, second = (page.row(found) for key in marked if (found := page.find(key)) is not None)
            assert first is not None
            assert second is not None
            lines = partial(beside_lines, marked[0], marked[1], rows_pairs(page, first, second))
            self.app.push_screen(Sheet(lambda: f"{shown.name}, two rows", lines, ascii_only=self._ascii))
        else:
            self.room.say("d: mark two rows with b, then d shows them side by side", "head")

    @work(group="beside", exclusive=True, exit_on_error=True)
    async def _compare(
        self, title: str, lines: Callable[[Mapping[str, Any], int], list[Line]], verb: str, **args: Any
    ) -> None:
        """Ask the engine for two things and show them side by side."""
        try:
            told = await self.room.ask(verb, **args)
        except Refused as error:
            self.room.say(str(error), "warn")
            return
        self.app.push_screen(Sheet(lambda: title, partial(lines, told), ascii_only=self._ascii))

    def do_group(self) -> None:
        """Group the rows by the next column that has few values, then by none."""
        shown, page = self.shown, self.shown.page
        offered = listing.groupings(page) if page is not None else []
        if not offered and not shown.group:
            self.room.say(
                "nothing to group by here: no column has few values, or the list is too long", "head"
            )
            return
        at = offered.index(shown.group) + 1 if shown.group in offered else 0
        shown.group = "" if shown.group and at >= len(offered) else offered[at] if at < len(offered) else ""
        self._lay(shown)
        self.repaint()

    def do_jump(self) -> None:
        """Put a letter before every row in sight; the next key goes there."""
        plan = self.shown.plan
        seen = range(self.rows.first, min(plan.count, self.rows.first + self.rows.room))
        self._letters = dict(zip(LETTERS, (at for at in seen if plan.row(at) is not None), strict=False))
        self.repaint()

    def _jumped(self, key: str) -> None:
        where, self._letters = self._letters.get(key), {}
        if where is not None:
            self.rows.move(where - self.rows.at)
            self._moved()
        self.repaint()

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

    def do_survivors(self) -> None:
        """Bring the survivors to the front, from there the trials."""
        there = "trials" if self._now == "survivors" else "survivors"
        self.room.go(BY_ID["pipeline"])
        self.show_table(there)

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

    @property
    def advisor(self) -> Mapping[str, Any] | None:
        """Return the report of an advisor that can be switched; None elsewhere, or where there is none."""
        told = self._facts.get("llm_status") if self.place.head == "advisor" else None
        return told if told is not None and "answers" in told else None

    def facts(self) -> list[Line]:
        """Return the row under the cursor as a dialog shows it."""
        return self._detail(70, short=True)[:8]

    def taken(self) -> list[Mapping[str, Any]]:
        """Return the rows that copy and export take: the marked ones, or all that are here."""
        page, marks = self.shown.page, self.shown.marks
        if page is None:
            return []
        return [row for row in page.rows if not marks or str(row.get(page.key)) in marks]

    async def every_row(self) -> list[Mapping[str, Any]]:
        """Return the marked rows, or all that pass the filter, in their order: a long list is asked for page by page."""
        shown, page = self.shown, self.shown.page
        if page is None or shown.marks or page.whole or page.cut:
            return self.taken()
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
        """Take a jump letter; let the arrows move the rows while a filter is typed."""
        if self._letters:
            event.stop()
            event.prevent_default()
            self._jumped(event.key)
        elif self._draft is not None and event.key in ("up", "down"):
            event.stop()
            self.do_move(event.key)


def _at(view: View) -> int | None:
    """Return the event as of which a view shows the room; None = now."""
    return view.snapshot.seq if view.past and view.snapshot is not None else None
