"""What the engine weighs over time: every series of readings as a plot, with its slope and how sure it is."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Grid

from tui.feed import Refused
from tui.model.plot import plot
from tui.model.readings import KNOWN, TITLES, known_as, titled, trend, weighed
from tui.model.soak import compared_lines, faults_line, growers_line, soak_line
from tui.model.text import Line, line, span
from tui.model.view import View
from tui.model.words import duration
from tui.screens.frame import Framed, steps
from tui.widgets.page import Page
from tui.widgets.pick import Pick

PANELS = 9
WINDOWS = ((5, 60), (20, 90), (160, 90), (1920, 90))
"""Seconds of a cell and cells: 5 minutes, half an hour, 4 hours, 2 days."""
EVERY = 5.0
MOST = 16
"""Series that one question may name."""
SOAKS = 50
"""Soaks that are offered to compare with."""


class Soak(Framed):
    """A page of plots; `w` sets the window, the movement keys bring further series."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._window = 1
        self._first = 0
        self._names: list[str] = []
        self._series: dict[str, dict[str, Any]] = {}
        self._asked = -inf
        self._error = ""
        self._soak: dict[str, Any] | None = None
        self._faults: list[dict[str, Any]] = []
        """The faults that were fired at it, the newest first."""
        self._until: str | None = None
        """The time at which the window ends, in a replay; None = now."""

    def body(self) -> ComposeResult:
        """Yield as many panels as the largest terminal has room for, and one list for the smallest."""
        soak = self._row("soak-line")
        soak.styles.height = 1
        yield soak
        with Grid(id="plots"):
            for index in range(PANELS):
                yield self.panel(f"plot-{index}")
        yield self.panel("list")

    def paint_body(self, view: View) -> None:
        """Ask for readings when it is time, and draw those that are here."""
        if view.link.state == "live" and not view.frozen and self._due(view):
            self._asked, self._until = self.room.clock(), _until(view)
            self.fetch(self._wanted())
        self._draw(view)

    def _due(self, view: View) -> bool:
        if view.past or self._until is not None:
            return _until(view) != self._until  # the past does not change
        return self.room.clock() - self._asked >= (EVERY if self._series else max(view.refresh, 1.0))

    def _every(self) -> list[str]:
        """Return all series: those that we know by name first, then all others of the engine."""
        known = [name for name in KNOWN if name in self._names]
        return [*known, *(name for name in self._names if name not in KNOWN)]

    def _named(self) -> list[str]:
        """Return the series on this page."""
        every = self._every()
        self._first = max(0, min(self._first, len(every) - 1))
        return every[self._first : self._first + PANELS]

    def _wanted(self) -> list[str]:
        """Return what is asked for: the page, and as many others as one question may hold, for what grows."""
        page = self._named()
        return [*page, *(name for name in self._every() if name not in page)][:MOST]

    @work(group="page", exclusive=True, exit_on_error=True)
    async def fetch(self, names: list[str]) -> None:
        """Ask the engine for the readings of a page."""
        seconds, count = WINDOWS[self._window]
        try:
            if not self._names:
                self._names = (await self.room.ask("series"))["names"]
                names = self._wanted()
            told = await self.room.ask("series", names=names, seconds=seconds, count=count, until=self._until)
            self._soak, self._faults = await self._asked_soak()
        except Refused as error:
            self._error = str(error)
        else:
            self._names, self._series, self._error = told["names"], told["series"], ""
        self.repaint()

    async def _asked_soak(self) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Return the status of the running soak and its faults; an engine that knows of none has none."""
        if self._until is not None:
            return None, []  # the past has no runner
        try:
            told = await self.room.ask("soak")
        except Refused:
            return None, []
        return told["soak"], told["faults"]

    def _draw(self, view: View) -> None:
        faded = view.trust != "live"
        head = self.boards["soak-line"]
        lines = [soak_line(self._soak, head.cells, past=view.past)]
        if not self.small:
            lines.append(growers_line(weighed(self._series), TITLES, head.cells))
            lines += [faults_line(self._faults, head.cells)] if self._faults else []
        if head.styles.height is None or head.styles.height.value != len(lines):
            head.styles.height = len(lines)
        head.put(lines, faded=faded)
        if self.small:
            board = self.boards["list"]
            board.put(
                [trend(name, self._series.get(name), board.cells) for name in self._named()]
                or self._nothing(),
                "Soak",
                faded=faded,
            )
            return
        names = self._named()
        for index in range(PANELS):
            board = self.boards[f"plot-{index}"]
            if not board.display or board.rows < 3:
                continue
            name = names[index] if index < len(names) else ""
            got = self._series.get(name)
            if got is None:
                board.put(self._nothing() if index == 0 else [], "Soak" if index == 0 else "", faded=faded)
                continue
            known, shown = known_as(name, got)
            lines = plot(
                shown["values"],
                shown["seconds"],
                board.cells,
                board.rows,
                zero=known.zero,
                dots=name.endswith("lag_ms"),
                end="then" if view.past else "now",
            )
            board.put(lines, self.aged(view, titled(known, shown, board.cells)), faded=faded)

    def _nothing(self) -> list[Line]:
        text = self._error or "readings appear here: the engine takes one every 5 s"
        return [line(span(text, "warn" if self._error else "dim"))]

    # ── keys ────────────────────────────────────────────────────────────────

    def do_window(self) -> None:
        """Look further back, then begin again."""
        self._window = (self._window + 1) % len(WINDOWS)
        seconds, count = WINDOWS[self._window]
        self.room.say(f"window {duration(seconds * count)}", "head")
        self._again()

    def do_move(self, how: str) -> None:
        """Bring other series."""
        self._first = max(0, self._first + steps(how, 4, len(self._names)))
        self._again()

    def on_mouse_scroll_down(self) -> None:
        """Bring other series with the wheel."""
        self.do_move("down")

    def on_mouse_scroll_up(self) -> None:
        """Bring the series before with the wheel."""
        self.do_move("up")

    def _again(self) -> None:
        self._asked = self.room.clock()
        self.fetch(self._wanted())

    @property
    def soak(self) -> dict[str, Any] | None:
        """Return the status of the soak that runs here."""
        return self._soak

    @work(group="beside", exclusive=True, exit_on_error=True)
    async def do_beside(self) -> None:
        """Choose an earlier soak and show it beside the newest one that has a report."""
        try:
            page = await self.room.ask("table", name="soaks", filter="minutes>0", sort="", limit=SOAKS)
        except Refused as error:
            self.room.say(str(error), "warn")
            return
        newest, *earlier = page["rows"] or [None]
        if not earlier:
            self.room.say("d: two soaks with a report are needed; `mimicry soak list` shows what ran", "head")
            return
        choices = [
            (row["id"], f"{row['state']}, {row['minutes']:.0f} min, beside {newest['id']}") for row in earlier
        ]
        self.app.push_screen(
            Pick("Compare with", choices, ascii_only=self._ascii),
            lambda at: None if at is None else self._compare(earlier[at]["id"], newest["id"]),
        )

    def _compare(self, a: str, b: str) -> None:
        self.fetch_compared(a, b)

    @work(group="beside", exclusive=True, exit_on_error=True)
    async def fetch_compared(self, a: str, b: str) -> None:
        """Ask the engine for two soaks side by side and show them."""
        try:
            told = await self.room.ask("soak_compare", a=a, b=b)
        except Refused as error:
            self.room.say(str(error), "warn")
            return
        self.app.push_screen(Page(f"{a} beside {b}", partial(compared_lines, told), ascii_only=self._ascii))


def _until(view: View) -> str | None:
    """Return the time at which a view's window ends, None = now."""
    return view.snapshot.at if view.past and view.snapshot is not None else None
