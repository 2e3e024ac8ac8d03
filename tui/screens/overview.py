"""The Overview: is it healthy, what is it doing, why, what may be claimed. Every panel leads to its screen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from tui.feed import Refused
from tui.model import compact, panels, run
from tui.model.panel import Painter
from tui.model.view import View
from tui.model.words import duration
from tui.places import ALERTS, BY_ID, Place
from tui.screens.frame import Framed, steps
from tui.widgets.board import Board
from tui.wire import Series

WINDOWS = ((30, 60), (5, 60), (240, 60), (2880, 60))
"""Seconds of a cell and cells of the throughput: half an hour, which every snapshot brings, 5 minutes, 4 hours, 2 days."""
EVERY = 5.0
RATE = "compute.rate"
SCALES = {"k": 1e-3, "M": 1e-6, "G": 1e-9}


@dataclass(frozen=True)
class Part:
    """One panel of the screen: the id of its board, what paints it, and the screen that it leads to."""

    id: str
    paint: Painter
    leads: str = ""

    @property
    def place(self) -> Place | None:
        """Return the screen that the panel leads to."""
        return BY_ID.get(self.leads)

    def titled(self, title: str) -> str:
        """Return the title behind the digit of its screen."""
        return f"{self.place.key} {title}" if self.place is not None else title


ROWS: tuple[tuple[Part, ...], ...] = (
    (Part("evidence", panels.evidence, "evidence"),),
    (Part("fleet", panels.fleet, "gpus"), Part("pipeline", run.pipeline, "pipeline")),
    (Part("requests", panels.requests, "requests"), Part("decisions", panels.decisions, "decisions")),
    (Part("engine", panels.engine, "soak"), Part("throughput", panels.throughput), Part("alerts", panels.alerts, ALERTS.id)),
)  # fmt: skip
LIST = Part("list", compact.overview)
LETTERS = "asdfghjk"
PARTS = (*(part for row in ROWS for part in row), LIST)


class Overview(Framed):
    """Every panel of the room at once."""

    AUTO_FOCUS = "#fleet"

    def body(self) -> ComposeResult:
        """Yield the panels in rows, and the one list of small terminals."""
        for index, row in enumerate(ROWS):
            with Horizontal(id=f"row-{index}", classes="row"):
                for part in row:
                    yield self.panel(part.id)
        yield self.panel(LIST.id)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._window = 0
        self._rate: Series | None = None
        """The throughput over another window than the snapshot's."""
        self._asked = -inf
        self._letters: dict[str, str] = {}
        """Jump letters and the boards that they lead to, while they are shown."""

    def paint_body(self, view: View) -> None:
        """Paint the panels that are in sight."""
        if self._window and view.link.state == "live" and not view.frozen:
            self._ask(view)
        shown = self._windowed(view)
        for part in self._shown():
            board = self.boards[part.id]
            panel = part.paint(shown, board.cells, board.rows)
            letter = next((f"[{each}] " for each, name in self._letters.items() if name == part.id), "")
            board.put(
                panel.lines,
                letter + part.titled(self.aged(view, panel.title)),
                faded=view.trust != "live",
            )

    def _windowed(self, view: View) -> View:
        """Return the view with the throughput of the chosen window."""
        shot = view.snapshot
        if not self._window or self._rate is None or shot is None:
            return view
        series = Series(shot.throughput.unit, self._rate.seconds, self._rate.values)
        return replace(view, window=series)

    def _ask(self, view: View) -> None:
        if self.room.clock() - self._asked >= EVERY:
            self._asked = self.room.clock()
            self.fetch(view.snapshot.at if view.past and view.snapshot is not None else None)

    @work(group="window", exclusive=True, exit_on_error=True)
    async def fetch(self, until: str | None) -> None:
        """Ask the engine for the throughput of the chosen window."""
        seconds, count = WINDOWS[self._window]
        shot = self.room.view().snapshot
        scale = SCALES.get(shot.throughput.unit[:1], 1.0) if shot is not None else 1.0
        try:
            told = await self.room.ask("series", names=[RATE], seconds=seconds, count=count, until=until)
        except Refused as error:
            self.room.say(str(error), "warn")
            return
        values = [None if value is None else value * scale for value in told["series"][RATE]["values"]]
        self._rate = Series("", seconds, values)
        self.repaint()

    def board(self) -> Board:
        """Return the board that scrolling keys move: the focused one, or the list of the smallest layout."""
        if isinstance(self.focused, Board) and self.focused.display:
            return self.focused
        return self.boards[LIST.id]

    def do_open(self) -> None:
        """Bring the screen of the focused panel to the front."""
        part = next((part for part in PARTS if self.focused is not None and part.id == self.focused.id), LIST)
        if part.place is not None:
            self.room.go(part.place)
        else:
            self.do_zoom()

    def do_zoom(self) -> None:
        """Give the focused panel the whole middle, or show all again."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)

    def do_window(self) -> None:
        """Look further back, then begin again."""
        self._window = (self._window + 1) % len(WINDOWS)
        self._asked, self._rate = -inf, None
        seconds, count = WINDOWS[self._window]
        self.room.say(f"throughput over {duration(seconds * count)}", "head")
        self.repaint()

    def do_jump(self) -> None:
        """Put a letter on every panel in sight; the next key moves the focus there."""
        self._letters = dict(zip(LETTERS, (part.id for part in self._shown()), strict=False))
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Take a jump letter."""
        if self._letters:
            event.stop()
            event.prevent_default()
            name, self._letters = self._letters.get(event.key), {}
            if name is not None:
                self.boards[name].focus()
            self.repaint()

    def on_click(self, event: events.Click) -> None:
        """Open the screen of a panel that is clicked twice."""
        if event.chain == 2 and self.get_widget_at(*event.screen_offset)[0] is self.focused:
            self.do_open()

    def do_back(self) -> bool:
        """Show all panels again."""
        if self.maximized is None:
            return False
        self.minimize()
        return True

    def do_move(self, how: str) -> None:
        """Scroll the focused panel."""
        board = self.board()
        board.scroll_rows(steps(how, board.rows, len(board.lines)))

    def _shown(self) -> list[Part]:
        if self.maximized is not None:
            return [part for part in PARTS if self.boards[part.id] is self.maximized]
        if self.small:
            return [LIST]
        return [part for part in PARTS if self.boards[part.id].display]
