"""Pages to read over the screen: help, a comparison, a row in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tui.model.text import Line
from tui.widgets.board import Board


class Page(ModalScreen[None]):
    """A page to read: help, alerts. Any of Esc, q, ? and ! closes it."""

    BINDINGS = [
        Binding("escape,q,question_mark,exclamation_mark,enter", "leave", "back", show=False),
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown,space", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]

    def __init__(self, title: str, lines: Callable[[int], Sequence[Line]], *, ascii_only: bool) -> None:
        super().__init__()
        self._title, self._lines, self._ascii = title, lines, ascii_only

    def title_now(self) -> str:
        """Return what stands in the frame."""
        return self._title

    def compose(self) -> ComposeResult:
        """Show the text in one scrolling board."""
        yield Board(id="page", classes="panel", focus=True, ascii_only=self._ascii)

    def on_board_resized(self) -> None:
        """Paint when the width is known."""
        self.show()

    def show(self) -> None:
        """Paint what the page says now; before it has its board there is nothing to do, the board asks once it knows its width."""
        for board in self.query("#page").results(Board):
            board.put(self._lines(board.cells), f"{self.title_now()}   (Esc closes)")

    def on_click(self, event: events.Click) -> None:
        """Close the page by a click on its title, which says so."""
        if event.screen_y == self.query_one("#page").region.y:
            self.action_leave()

    def action_move(self, rows: int) -> None:
        """Scroll."""
        for board in self.query("#page").results(Board):
            board.scroll_rows(rows)

    def action_leave(self) -> None:
        """Close the page."""
        self.dismiss(None)


class Sheet(Page):
    """A row in full: its title and lines are asked for again when there is more to say."""

    def __init__(
        self, title: Callable[[], str], lines: Callable[[int], Sequence[Line]], *, ascii_only: bool
    ) -> None:
        super().__init__("", lines, ascii_only=ascii_only)
        self._named = title

    def title_now(self) -> str:
        """Return the name of the row."""
        return self._named()
