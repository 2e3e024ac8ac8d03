"""A choice of few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.model.text import Line, line, span
from tui.widgets.board import Board

FRAME = 3
"""Rows that frame and last line take."""


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
            frame.border_title = self._title
            yield Board(id="choices", ascii_only=self._ascii)

    def on_board_resized(self) -> None:
        """Paint when the width is known."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Paint the lines, of more than fit those around the highlighted one."""
        board, count = self.query_one("#choices", Board), len(self._choices)
        room = max(1, min(count, self.size.height - FRAME))
        first = max(0, min(self.at - room // 2, count - room))
        wide = max(len(word) for word, _ in self._choices)
        board.styles.height = room + 1
        rows = [self._row(i, wide) for i in range(first, first + room)]
        place = f"   {self.at + 1} of {count}" if room < count else ""
        enter = line(
            span("Enter", "key"), f" {self._choices[self.at][0]}   ", span("Esc", "key"), f" back{place}"
        )
        board.put([*rows, enter])

    def _row(self, index: int, wide: int) -> Line:
        word, does = self._choices[index]
        here = index == self.at
        return line(span(f"{'▸' if here else ' '} {word:<{wide}} {does}".rstrip(), "chosen" if here else ""))

    def action_move(self, step: int) -> None:
        """Move the highlight."""
        self.at = (self.at + step) % len(self._choices)
        self.show()

    def action_take(self) -> None:
        """Choose the highlighted line."""
        self.dismiss(self.at)

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
