"""The banner: as many rows as there is to say (no engine, stale, frozen, halted), none otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.text import Line
from tui.widgets.board import Board


class Banner(Board):
    """A board as high as its lines, gone when it has none."""

    def put(self, lines: Sequence[Line], title: str | None = None, *, faded: bool = False) -> None:
        """Show `lines` and take exactly their height."""
        if len(lines) != len(self.lines) or self.display != bool(lines):
            self.styles.height = len(lines)
            self.display = bool(lines)
        super().put(lines, title, faded=faded)
