"""The Overview: is it healthy, what is it doing, why, what may be claimed."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from tui.model import chrome, compact, panels
from tui.model.panels import Painter, Panel
from tui.model.text import Span
from tui.model.view import View
from tui.model.words import duration
from tui.widgets.banner import Banner
from tui.widgets.board import Board


@dataclass(frozen=True)
class Place:
    """One panel of the screen: the id of its board and what paints it."""

    id: str
    paint: Painter


ROWS: tuple[tuple[Place, ...], ...] = (
    (Place("evidence", panels.evidence),),
    (Place("fleet", panels.fleet), Place("pipeline", panels.pipeline)),
    (Place("requests", panels.requests), Place("decisions", panels.decisions)),
    (Place("engine", panels.engine), Place("throughput", panels.throughput), Place("alerts", panels.alerts)),
)
LIST = Place("list", compact.overview)
PLACES = (*(place for row in ROWS for place in row), LIST)


class Overview(Screen[None]):
    """Paints a view; decides nothing and keeps nothing but where the operator looks."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-std"), (120, "-wide"), (160, "-full")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-norm"), (34, "-roomy"), (48, "-tall")]
    ALLOW_IN_MAXIMIZED_VIEW = ".chrome"
    AUTO_FOCUS = "#fleet"

    def __init__(self, view: View, *, ascii_only: bool) -> None:
        super().__init__(id="overview")
        self._view = view
        self._ascii = ascii_only
        self._message: Span | None = None
        self._stale_layout = False
        self._boards: dict[str, Board] = {}

    def compose(self) -> ComposeResult:
        """Lay out the chrome and the panels; the stylesheet arranges them by size."""
        with Vertical(id="above", classes="chrome"):
            yield self._row("header")
            yield self._row("status")
            yield Banner(id="banner", ascii_only=self._ascii)
        for index, row in enumerate(ROWS):
            with Horizontal(id=f"row-{index}", classes="row"):
                for place in row:
                    yield Board(id=place.id, classes="panel", focus=True, ascii_only=self._ascii)
        yield Board(id=LIST.id, classes="panel", focus=True, ascii_only=self._ascii)
        with Vertical(id="below", classes="chrome"):
            yield self._row("alert")
            yield self._row("footer")

    def paint(self, view: View, message: Span | None = None) -> None:
        """Show a view; boards repaint only the rows that changed."""
        self._view, self._message = view, message
        if not self._boards:
            return
        with self.app.batch_update():
            self._frame(view)
            self._paint_chrome(view, message)
            for place in self._shown():
                board = self._boards[place.id]
                part = place.paint(view, board.cells, board.rows)
                board.put(part.lines, self._title(view, part), faded=view.trust != "live")

    def on_mount(self) -> None:
        """Remember the boards: looking them up by name on each paint is measurable."""
        self._boards = {board.id or "": board for board in self.query(Board)}

    def on_board_resized(self) -> None:
        """Paint again, once, when panels got new sizes (terminal, banner, zoom)."""
        if not self._stale_layout:
            self._stale_layout = True
            self.call_after_refresh(self.repaint)

    def repaint(self) -> None:
        """Paint the same view again."""
        self._stale_layout = False
        self.paint(self._view, self._message)

    def board(self) -> Board:
        """Return the board that scrolling keys move: the focused one, or the list of the smallest layout."""
        if isinstance(self.focused, Board) and self.focused.display:
            return self.focused
        return self._boards[LIST.id]

    def _row(self, name: str) -> Board:
        return Board(id=name, ascii_only=self._ascii)

    def _shown(self) -> list[Place]:
        if self.maximized is not None:
            return [place for place in PLACES if self._boards[place.id] is self.maximized]
        if self.size.width < 80 or self.size.height < 24:
            return [LIST]
        return [place for place in PLACES if self._boards[place.id].display]

    def _frame(self, view: View) -> None:
        states = {
            "-crowded": bool(chrome.banner(view, self.size.width, 2)),
            "-test": view.snapshot is not None and view.snapshot.test_mode,
            "-old": view.snapshot is not None and view.trust != "live",
        }
        for name, wanted in states.items():
            if self.has_class(name) != wanted:
                self.set_class(wanted, name)

    def _paint_chrome(self, view: View, message: Span | None) -> None:
        cells = self.size.width
        self._boards["banner"].put(chrome.banner(view, cells, self._banner_rows()))
        for name, parts in (
            ("header", chrome.header(view, cells)),
            ("status", chrome.status(view, cells)),
            ("alert", chrome.alert(view, cells)),
            ("footer", chrome.footer(view, cells, message)),
        ):
            self._boards[name].put([parts], faded=name == "alert" and view.trust != "live")

    def _banner_rows(self) -> int:
        return 2 if self.size.height < 15 else 3 if self.size.height < 34 else 5

    def _title(self, view: View, part: Panel) -> str:
        if view.snapshot is None or (view.trust == "live" and not view.frozen):
            return part.title
        return f"{part.title} {'‖' if view.trust == 'live' else '?'} {duration(view.age)} old"
