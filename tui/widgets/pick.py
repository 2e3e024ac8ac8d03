"""A choice of few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.model.text import line, span
from tui.widgets.board import Board


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
        """Paint the lines."""
        board = self.query_one("#choices", Board)
        board.styles.height = len(self._choices) + 1
        rows = [
            line(span(f"{'▸' if i == self.at else ' '} {word:<8} {does}", "chosen" if i == self.at else ""))
            for i, (word, does) in enumerate(self._choices)
        ]
        enter = line(span("Enter", "key"), f" {self._choices[self.at][0]}   ", span("Esc", "key"), " back")
        board.put([*rows, enter])

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
