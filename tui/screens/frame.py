"""What every screen shares: the rows above and below, how sizes choose a layout, and what it may ask of the console."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import Screen

from tui.model import chrome
from tui.model.banner import banner
from tui.model.text import Span
from tui.model.view import View
from tui.model.words import duration
from tui.places import Place
from tui.widgets.banner import Banner
from tui.widgets.board import Board

WHILE_RUNNING = ("checkpoint", "skip")
"""Acting keys that are offered only while a step of the pipeline runs."""


class Room(Protocol):
    """What a screen may ask of the console; the console itself is above this module."""

    tables: Mapping[str, str]
    """The engine's lists: name to title; empty until it told them."""

    @property
    def logs(self) -> Path:
        """Return the folder of the log files."""

    def clock(self) -> float:
        """Return monotonic seconds."""

    def view(self) -> View:
        """Return what shall be shown now."""

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """Ask the engine something that only looks; `Refused` carries one line."""

    def say(self, text: str, role: str = "") -> None:
        """Show one line in place of the keys."""

    def go(self, place: Place) -> None:
        """Bring a screen to the front."""


class Framed(Screen[None]):
    """A screen with chrome; paints a view, decides nothing."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-std"), (120, "-wide"), (160, "-full")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-norm"), (34, "-roomy"), (48, "-tall")]
    ALLOW_IN_MAXIMIZED_VIEW = ".chrome"

    def __init__(self, place: Place, room: Room, *, ascii_only: bool) -> None:
        super().__init__(id=f"at-{place.kind}")
        self.place, self.room = place, room
        self._view = room.view()
        self._ascii = ascii_only
        self._message: Span | None = None
        self._stale_layout = False
        self.boards: dict[str, Board] = {}
        # The first style and layout shall be those of the first picture: each further one costs a tenth of the start.
        self._size_classes(self.app.size)
        self._frame(self._view)

    def _size_classes(self, size: Size) -> None:
        """Take the classes of the layout that fits a terminal."""
        for points, cells in (
            (self.HORIZONTAL_BREAKPOINTS, size.width),
            (self.VERTICAL_BREAKPOINTS, size.height),
        ):
            self.add_class(max((least, name) for least, name in points if least <= cells)[1], update=False)

    def compose(self) -> ComposeResult:
        """Lay out the chrome and the body; the stylesheet arranges them by size."""
        with Vertical(id="above", classes="chrome"):
            yield self._row("header")
            yield self._row("status")
            yield Banner(id="banner", ascii_only=self._ascii)
        yield from self.body()
        with Vertical(id="below", classes="chrome"):
            yield from self.asking()
            yield self._row("alert")
            yield self._row("footer")

    def body(self) -> ComposeResult:
        """Yield the panels."""
        yield from ()

    def asking(self) -> ComposeResult:
        """Yield what stands below the panels, as a line to type in."""
        yield from ()

    def panel(self, name: str) -> Board:
        """Return a new framed board."""
        return Board(id=name, classes="panel", focus=True, ascii_only=self._ascii)

    def _row(self, name: str) -> Board:
        return Board(id=name, ascii_only=self._ascii)

    def paint(self, view: View, message: Span | None = None) -> None:
        """Show a view; boards repaint only the rows that changed."""
        self._view, self._message = view, message
        if not self.boards:
            return
        with self.app.batch_update():
            self._frame(view)
            self.paint_body(view)
            # Last: the footer names what may be done to the row that is shown.
            self._paint_chrome(view, message)

    def paint_body(self, view: View) -> None:
        """Show the part that is this screen's own."""

    def on_mount(self) -> None:
        """Remember the boards: looking them up by name on each paint is measurable."""
        self.boards = {board.id or "": board for board in self.query(Board)}

    def on_board_resized(self) -> None:
        """Paint again, once, when panels got new sizes (terminal, banner, zoom)."""
        if not self._stale_layout:
            self._stale_layout = True
            self.call_after_refresh(self.repaint)

    def on_screen_resume(self) -> None:
        """Show what is new since the screen was left."""
        self.paint(self.room.view())

    def on_screen_suspend(self) -> None:
        """Keep what was chosen, not what was painted."""
        for board in self.boards.values():
            board.rest()

    def repaint(self) -> None:
        """Paint the same view again."""
        self._stale_layout = False
        self.paint(self._view, self._message)

    @property
    def small(self) -> bool:
        """Say whether the terminal has room for one list only."""
        return self.size.width < 80 or self.size.height < 24

    def aged(self, view: View, title: str) -> str:
        """Return a panel's title, with its age where the numbers may not be current."""
        if view.snapshot is None or (view.trust == "live" and not view.frozen):
            return title
        return f"{title} {'‖' if view.trust == 'live' else '?'} {duration(view.age)} old"

    # ── keys that every screen has ──────────────────────────────────────────

    def do_open(self) -> None:
        """Open what is chosen."""

    def do_back(self) -> bool:
        """Close what is open; tell whether something was."""
        return False

    def do_move(self, how: str) -> None:
        """Move by `down`, `up`, `page_down`, `page_up`, `top` or `bottom`."""

    def do_next(self) -> None:
        """Move the focus on."""
        self.focus_next()

    def do_previous(self) -> None:
        """Move the focus back."""
        self.focus_previous()

    @property
    def offered(self) -> Mapping[str, str]:
        """Return the acting keys, by id, that have something to act on here, and what each does where its own word is too wide."""
        shot = self._view.newest
        runs = shot is not None and any(step.status == "running" for step in shot.pipeline.steps)
        return {key: "" for key in self.place.offers if runs or key not in WHILE_RUNNING}

    def copied(self) -> str | None:
        """Return what `copy` takes instead of the screen."""
        return None

    # ── inside ──────────────────────────────────────────────────────────────

    def _frame(self, view: View) -> None:
        states = {
            "-crowded": bool(banner(view, self.app.size.width, 2)),
            "-test": view.snapshot is not None and view.snapshot.test_mode,
            "-old": view.snapshot is not None and view.trust != "live",
        }
        self.update_classes(states, update=self.is_mounted, animate=False)

    def _paint_chrome(self, view: View, message: Span | None) -> None:
        cells = self.size.width
        self.boards["banner"].put(banner(view, cells, self._banner_rows()))
        for name, parts in (
            ("header", chrome.header(view, cells)),
            ("status", chrome.status(view, cells)),
            ("alert", chrome.alert(view, cells)),
            ("footer", chrome.footer(view, cells, message, self.offered)),
        ):
            self.boards[name].put([parts], faded=name == "alert" and view.trust != "live")

    def _banner_rows(self) -> int:
        return 2 if self.size.height < 15 else 3 if self.size.height < 34 else 5


def steps(how: str, page: int, count: int) -> int:
    """Return by how many rows a movement goes."""
    return {"down": 1, "up": -1, "page_down": page, "page_up": -page, "top": -count, "bottom": count}[how]
