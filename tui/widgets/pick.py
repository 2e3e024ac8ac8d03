"""A choice of few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.model.text import Line, fold, line, span, wrap
from tui.widgets.board import Board
from tui.widgets.dialog import last_line

FRAME = 3
"""Rows that frame and last line take."""
NARROW, EDGES = 76, 6
"""Cells of the frame at least, and those that it takes itself with the mark before a line."""


class Pick(ModalScreen[int | None]):
    """A choice of few words: the highlighted line is exactly what Enter does; Esc chooses nothing."""

    BINDINGS = [
        Binding("escape,q", "leave", "back", show=False),
        Binding("enter", "take", show=False),
        Binding("j,down,tab", "move(1)", show=False),
        Binding("k,up,shift+tab", "move(-1)", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]], *, ascii_only: bool) -> None:
        super().__init__()
        self._title, self._choices, self._ascii = title, tuple(choices), ascii_only
        self.at = 0
        """Index of the highlighted line."""

    def compose(self) -> ComposeResult:
        """Frame the lines."""
        with Vertical(id="frame") as frame:
            frame.border_title = fold(self._title) if self._ascii else self._title
            wide = max(len(word) for word, _ in self._choices) + max(len(does) for _, does in self._choices)
            frame.styles.width = max(NARROW, wide + EDGES + 1)
            yield Board(id="choices", ascii_only=self._ascii)

    def on_board_resized(self) -> None:
        """Paint when the width is known."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Paint the lines, of more than fit those around the highlighted one."""
        board, count = self.query_one("#choices", Board), len(self._choices)
        wide = max(len(word) for word, _ in self._choices)
        rest = self._rest(board.cells - wide - 3, board.cells)
        room = max(1, min(count, self.size.height - FRAME - len(rest)))
        first = max(0, min(self.at - room // 2, count - room))
        rows = [self._row(i, wide) for i in range(first, first + room)]
        place = f"   {self.at + 1} of {count}" if room < count else ""
        lines = [*rows, *rest, last_line(self._choices[self.at][0], after=place)]
        board.styles.height = len(lines)
        board.put(lines)

    def _rest(self, fits: int, cells: int) -> list[Line]:
        """Return what the highlighted line does in full, where some line has no room for that; as many rows for each."""
        if all(len(does) <= fits for _, does in self._choices):
            return []
        told = [wrap(does, max(12, cells)) for _, does in self._choices]
        most = max(len(rows) for rows in told)
        here = told[self.at]
        return [line(span(row, "dim")) for row in (*here, *[""] * (most - len(here)))]

    def _row(self, index: int, wide: int) -> Line:
        word, does = self._choices[index]
        here = index == self.at
        text = f"{'▸' if here else ' '} {word:<{wide}} {does}".rstrip()
        return line(span(text, "chosen" if here else "", f"screen.point({index})"))

    def action_move(self, step: int) -> None:
        """Move the highlight."""
        self.at = (self.at + step) % len(self._choices)
        self.show()

    def action_point(self, index: int) -> None:
        """Highlight the line that is clicked; a second click chooses it."""
        if index == self.at:
            self.action_take()
        else:
            self.at = index
            self.show()

    def action_take(self) -> None:
        """Choose the highlighted line."""
        self.dismiss(self.at)

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
