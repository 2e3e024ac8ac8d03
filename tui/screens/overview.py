"""The Overview: is it healthy, what is it doing, why, what may be claimed."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal

from tui.model import compact, panels
from tui.model.panels import Painter
from tui.model.view import View
from tui.screens.frame import Framed, steps
from tui.widgets.board import Board


@dataclass(frozen=True)
class Part:
    """One panel of the screen: the id of its board and what paints it."""

    id: str
    paint: Painter


ROWS: tuple[tuple[Part, ...], ...] = (
    (Part("evidence", panels.evidence),),
    (Part("fleet", panels.fleet), Part("pipeline", panels.pipeline)),
    (Part("requests", panels.requests), Part("decisions", panels.decisions)),
    (Part("engine", panels.engine), Part("throughput", panels.throughput), Part("alerts", panels.alerts)),
)
LIST = Part("list", compact.overview)
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

    def paint_body(self, view: View) -> None:
        """Paint the panels that are in sight."""
        for part in self._shown():
            board = self.boards[part.id]
            shown = part.paint(view, board.cells, board.rows)
            board.put(shown.lines, self.aged(view, shown.title), faded=view.trust != "live")

    def board(self) -> Board:
        """Return the board that scrolling keys move: the focused one, or the list of the smallest layout."""
        if isinstance(self.focused, Board) and self.focused.display:
            return self.focused
        return self.boards[LIST.id]

    def do_open(self) -> None:
        """Give the focused panel the whole middle."""
        if self.focused is not None:
            self.maximize(self.focused)

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
