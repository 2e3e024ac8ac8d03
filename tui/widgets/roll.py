"""A long list of which only the rows in sight are made: a cursor, a fixed row of titles, any number of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.style import Style
from textual import events
from textual.color import Color
from textual.message import Message
from textual.strip import Strip

from tui.model.text import BLANK, Line
from tui.widgets.board import Board

Maker = Callable[[int, bool], Line]
"""Makes the line of one row; the flag says whether the cursor stands there."""


class Roll(Board):
    """Shows a window of a list; what is out of sight costs nothing."""

    class Moved(Message):
        """The cursor stands on another row, or a click opened one."""

        def __init__(self, opened: bool = False) -> None:
            super().__init__()
            self.opened = opened

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.at = 0
        """Index of the row under the cursor."""
        self.first = 0
        """Index of the first row in sight."""
        self.count = 0
        self._make: Maker = lambda index, at: BLANK
        self._head: Line | None = None

    @property
    def room(self) -> int:
        """Return how many rows are in sight."""
        return max(1, self.rows - (self._head is not None))

    def roll(self, head: Line | None, count: int, make: Maker, title: str, *, faded: bool = False) -> None:
        """Show a list; the cursor stays on its index, which the caller moves with its row."""
        self._head, self.count, self._make = head, count, make
        self._draw(title, faded=faded)

    def refit(self) -> None:
        """Make the rows that a new size has in sight: until the owner paints, there would be too many or too few."""
        super().refit()
        if self.count:
            self._draw(None, faded=self._faded)

    def move(self, rows: int) -> bool:
        """Move the cursor, stopping at the ends; tell whether it moved."""
        before = self.at
        self.at = max(0, min(self.at + rows, self.count - 1))
        if self.at != before:
            self._draw(None, faded=self._faded)
        return self.at != before

    def render_line(self, y: int) -> Strip:
        """Return one row; the one under the cursor stands out."""
        strip = super().render_line(y)
        index = y - (self._head is not None) + self.first
        if self.count and index == self.at and y >= (self._head is not None):
            return strip.apply_style(self._bar())
        return strip

    async def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens."""
        spot = event.get_content_offset(self)
        if spot is None or spot.y < (self._head is not None):
            return
        index = spot.y - (self._head is not None) + self.first
        if index < self.count:
            again = index == self.at
            self.move(index - self.at)
            self.post_message(self.Moved(opened=again))

    def scroll_rows(self, rows: int) -> None:
        """Move the cursor with the wheel."""
        if self.move(rows):
            self.post_message(self.Moved())

    def _draw(self, title: str | None, *, faded: bool) -> None:
        self.at = max(0, min(self.at, self.count - 1))
        last = max(0, self.count - self.room)
        self.first = max(0, min(max(self.first, self.at - self.room + 1), self.at, last))
        shown = range(self.first, min(self.count, self.first + self.room))
        lines = [self._make(index, index == self.at) for index in shown]
        self.put([*([self._head] if self._head is not None else []), *lines], title, faded=faded)

    def _bar(self) -> Style:
        value = self.app.theme_variables["surface"]
        if value.startswith("ansi"):
            return Style(reverse=True)
        return Style(bgcolor=Color.parse(value).rich_color, bold=True)

    def _note(self) -> str:
        last = min(self.count, self.first + self.room)
        return f"{self.first + 1:,}-{last:,} of {self.count:,}" if self.count > self.room > 0 else ""
