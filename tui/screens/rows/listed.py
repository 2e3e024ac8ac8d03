"""What every part of a list's screen needs: the boards, the lists, and which of them is in front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container

from tui.model.listing import Row
from tui.model.shown import Shown
from tui.model.view import View
from tui.screens.frame import Framed
from tui.widgets.roll import Roll
from tui.widgets.typing import typing_line


class Listed(Framed):
    """The lists of all places, one at a time: one screen, because each costs a megabyte."""

    AUTO_FOCUS = "#rows"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lists = {name: Shown(name) for name in self.place.tables}
        self._now = self.place.tables[0]
        self._told: tuple[str, str, dict[str, Any]] | None = None
        """List, row and what the engine told about that row."""
        self._draft: str | None = None
        """The filter as it is being typed; None while nobody types."""

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
        yield typing_line("ask", "hot>90 & host~rig-   (& and |, = != < <= > >= ~ !~)", 300)

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

    @property
    def row(self) -> Row | None:
        """Return the row under the cursor; None where none is, or where it was not sent."""
        page, key = self.shown.page, self.shown.key
        found = page.find(key) if page is not None and key is not None else None
        return page.row(found) if page is not None and found is not None else None

    @property
    def told(self) -> Mapping[str, Any] | None:
        """Return what the engine told about the row under the cursor."""
        here = (self._now, self.shown.key)
        return self._told[2] if self._told is not None and self._told[:2] == here else None


def as_of(view: View) -> int | None:
    """Return the event as of which a view shows the room; None = now."""
    return view.snapshot.seq if view.past and view.snapshot is not None else None
