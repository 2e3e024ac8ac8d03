"""A panel of ready-made lines: cuts them to its width, caches them, repaints only the rows that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.model.panel import CORNERS
from tui.model.text import Line, clean, clicked, clip, cut, fold
from tui.widgets.ink import ink


class Board(Widget):
    """Shows lines of spans; scrolls by whole rows and says in its frame what is out of sight."""

    ALLOW_SELECT = False

    class Resized(Message):
        """The board has a new size, so what was painted for it no longer fits."""

    def __init__(self, *, id: str, classes: str = "", focus: bool = False, ascii_only: bool = False) -> None:
        super().__init__(id=id, classes=classes)
        self.can_focus = focus
        self.top = 0
        """Index of the first line shown."""
        self._ascii = ascii_only
        self._lines: tuple[Line, ...] = ()
        self._strips: dict[int, Strip] = {}
        self._styles: dict[str, Style] = {}
        self._labels = ("", "", 0)
        self._faded = False
        self.cells = 0
        """Width of the content; kept, because asking the toolkit walks the whole layout."""
        self.rows = 0
        """Height of the content."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return what is shown, out of sight rows included."""
        return self._lines

    def put(self, lines: Sequence[Line], title: str | None = None, *, faded: bool = False) -> None:
        """Show `lines`; only rows that differ from the last ones are painted again."""
        if faded != self._faded:
            self._faded = faded
            self._forget()
        old, self._lines = self._lines, tuple(lines)
        changed = [
            index
            for index in range(max(len(old), len(self._lines)))
            if index >= len(old) or index >= len(self._lines) or old[index] != self._lines[index]
        ]
        self._scroll(0)
        for index in changed:
            self._strips.pop(index, None)
            self._refresh_row(index)
        self._label(title)

    def rest(self) -> None:
        """Give up painted rows while the screen is out of sight: each is a kilobyte, a screen has hundreds."""
        self._strips.clear()
        self._styles_cache.clear()

    def scroll_rows(self, rows: int) -> None:
        """Move by `rows`, stopping at the ends."""
        if self._scroll(rows):
            self.refresh()
            self._label(None)

    def render(self) -> RenderResult:
        """Refuse: this widget paints by `render_line` alone."""
        raise NotImplementedError("a board paints line by line")

    def render_line(self, y: int) -> Strip:
        """Return one row, from the cache when it did not change."""
        index = y + self.top
        if index >= len(self._lines):
            return Strip.blank(self.cells, self._style(""))
        strip = self._strips.get(index)
        if strip is None:
            strip = self._strips[index] = self._paint(self._lines[index])
        return strip

    def notify_style_update(self) -> None:
        """Forget painted rows when theme, focus or classes change the colours."""
        super().notify_style_update()
        self._forget()

    def on_resize(self, event: events.Resize) -> None:
        """Forget painted rows: they have the old width; ask for new ones."""
        self.cells, self.rows = self.size
        self._strips.clear()
        self.refit()
        self.refresh()  # rows may have been painted between the new size and this message
        self.post_message(self.Resized())

    def refit(self) -> None:
        """Fit what is shown into a new size, before its owner paints it anew."""
        self._scroll(0)

    async def on_click(self, event: events.Click) -> None:
        """Run what the words under the mouse do."""
        spot = event.get_content_offset(self)
        if spot is None or not 0 <= spot.y + self.top < len(self._lines):
            return
        does = clicked(cut(self._lines[spot.y + self.top], self.cells), spot.x)
        if does:
            event.stop()
            await self.app.run_action(does)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        self.scroll_rows(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        self.scroll_rows(-3)

    def _forget(self) -> None:
        self._strips.clear()
        self._styles.clear()
        self.refresh()

    def _scroll(self, rows: int) -> bool:
        before = self.top
        self.top = max(0, min(self.top + rows, len(self._lines) - self.rows))
        if moved := self.top != before:
            self.refresh()
        return moved

    def _refresh_row(self, index: int) -> None:
        y = index - self.top
        if 0 <= y < self.rows:
            self.refresh(Region(0, y, self.cells, 1))

    def _label(self, title: str | None) -> None:
        note = self._note()
        label = (self._labels[0] if title is None else clean(title), note)
        if (*label, self.cells) == self._labels:
            return
        self._labels = (*label, self.cells)
        # As content, not as markup: a title may hold words from the wire.
        fit = clip(label[0], self.cells - CORNERS) if self.cells > CORNERS else label[0]
        self.border_title = Content(fold(fit) if self._ascii else fit)
        self.border_subtitle = Content(note)

    def _note(self) -> str:
        total, last = len(self._lines), min(self.top + self.rows, len(self._lines))
        return f"{self.top + 1:,}-{last:,} of {total:,}" if total > self.rows > 0 else ""

    def _paint(self, parts: Line) -> Strip:
        fit = cut(parts, self.cells)
        segments = [
            Segment(fold(part.text) if self._ascii else part.text, self._style(part.role)) for part in fit
        ]
        return Strip(segments).adjust_cell_length(self.cells, self._style(""))

    def _style(self, role: str) -> Style:
        style = self._styles.get(role)
        if style is None:
            style = self.rich_style
            if role:
                style += ink(role, self.app.theme_variables, faded=self._faded)
            self._styles[role] = style
        return style
