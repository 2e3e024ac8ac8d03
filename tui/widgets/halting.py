"""The dialog of a halt: the highlighted line is exactly what Enter does."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult

from tui.model.halts import Choice
from tui.model.text import Line, Span, cell, clickable, line, span
from tui.widgets.board import Board
from tui.widgets.dialog import Dialog, Order, last_line


class HaltDialog(Dialog):
    """Asks how to halt; `now` is highlighted at first, as the engine's own default is, unless the key named another kind."""

    TITLE_TEXT = "Halt the engine"

    def __init__(self, choices: Sequence[Choice], facts: str, *, at: str = "now", ascii_only: bool) -> None:
        super().__init__(ascii_only=ascii_only)
        self._choices = tuple(choices)
        self._facts = facts
        self.at = next((i for i, choice in enumerate(choices) if choice.kind == at), 0)
        """Index of the highlighted line."""

    @property
    def chosen(self) -> Choice:
        """Return the highlighted choice."""
        return self._choices[self.at]

    def body(self) -> ComposeResult:
        """Yield the kinds, the reason and what Enter would do."""
        yield Board(id="kinds", ascii_only=self._ascii)
        yield self._field("reason", "reason", "for the log")
        yield Board(id="said", ascii_only=self._ascii)

    def show(self) -> None:
        """Paint the kinds and, in words, what Enter does."""
        width = self.query_one("#kinds", Board).cells
        self._put("kinds", [self._row(i, choice, width) for i, choice in enumerate(self._choices)])
        enter = last_line(f"halt {self.chosen.kind}", span("↑↓", "key"), span(" choose   "))
        self._put("said", [line(span(self._facts, "dim")), enter])

    def on_key(self, event: events.Key) -> None:
        """Move the highlight; letters stay with the reason."""
        step = {"up": -1, "down": 1}.get(event.key)
        if step is not None:
            event.stop()
            event.prevent_default()
            self.action_step(step)

    def action_step(self, step: int) -> None:
        """Move the highlight."""
        self.action_point((self.at + step) % len(self._choices))

    def action_point(self, index: int) -> None:
        """Highlight one line; only Enter acts."""
        self.at = index
        self.show()

    def action_take(self) -> None:
        """Order exactly the highlighted kind, with the reason as typed."""
        self.dismiss(Order("halt", {"kind": self.chosen.kind, "reason": self._typed("reason")}))

    def _row(self, index: int, choice: Choice, width: int) -> Line:
        mark, role = ("▸ ", "chosen") if index == self.at else ("  ", "")
        room = max(0, width - 13 - len(choice.wait) - 1)
        text = f"{choice.kind:<11}"
        row = (Span(mark + text, role), cell(choice.does, room, role), Span(f" {choice.wait}", role))
        return clickable(row, f"screen.point({index})")
