"""Dialogs: what each shares, and the one that asks before an order is sent. What its last line says is exactly what Enter does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.model.halts import RESUME_WORD
from tui.model.text import BLANK, Line, Span, clickable, fold, line, span
from tui.widgets.board import Board
from tui.widgets.typing import typing_line


class Order(NamedTuple):
    """What a dialog asks the engine to do."""

    verb: str
    args: dict[str, Any]


def last_line(does: str, *between: Span, after: str = "") -> Line:
    """Return the last line of a question: what Enter does and what Esc does, by a click as by the key."""
    enter = clickable(line(span("Enter", "key"), f" {does}   "), "screen.take")
    return (*enter, *between, *clickable(line(span("Esc", "key"), f" back{after}"), "screen.leave"))


class Dialog(ModalScreen[Order | None]):
    """A framed question over the screen; Esc leaves it and sends nothing."""

    BINDINGS = [
        Binding("escape", "leave", "back", show=False),
        # By the application itself, before it hands out the next key: letters of the same burst go where the focus went.
        Binding("tab", "step(1)", show=False, priority=True),
        Binding("shift+tab", "step(-1)", show=False, priority=True),
    ]
    TITLE_TEXT = ""

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__()
        self._ascii = ascii_only

    def compose(self) -> ComposeResult:
        """Frame the body."""
        with Vertical(id="frame") as frame:
            frame.border_title = fold(self.named()) if self._ascii else self.named()
            yield from self.body()

    def named(self) -> str:
        """Return what stands in the frame."""
        return self.TITLE_TEXT

    def body(self) -> ComposeResult:
        """Yield the parts of the question."""
        yield Board(id="said", ascii_only=self._ascii)

    def on_board_resized(self) -> None:
        """Paint when the parts know their width."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Paint the parts of the question."""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what Enter would do."""
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do exactly what the last line says."""
        self.action_take()

    def action_take(self) -> None:
        """Do what the last line says of Enter."""

    def action_step(self, step: int) -> None:
        """Go to the next line, or to the one before."""
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_leave(self) -> None:
        """Close without an order."""
        self.dismiss(None)

    def _put(self, name: str, lines: Sequence[Line]) -> None:
        board = self.query_one(f"#{name}", Board)
        board.styles.height = len(lines)
        board.put(lines)

    def _field(self, name: str, label: str, hint: str = "", *, wide: int = 0) -> Horizontal:
        """Return a line to type in, behind its label; the hint stands there until something is typed."""
        shown = Board(id=f"label-{name}", ascii_only=self._ascii)
        shown.styles.width = max(wide, len(label)) + 1
        shown.put([line(span(label, "dim"))])
        field = typing_line(name, fold(hint) if self._ascii else hint)
        return Horizontal(shown, field, classes="field")

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()


class Confirm(Dialog):
    """Asks before one order is sent: facts, a reason, and where it is costly the typed word."""

    def __init__(
        self,
        title: str,
        facts: Sequence[Line],
        order: Order,
        *,
        does: str,
        reason: bool = True,
        word: str = "",
        asks: str = "",
        hint: str = "",
        ascii_only: bool,
    ) -> None:
        super().__init__(ascii_only=ascii_only)
        self._title, self._facts, self._order, self._does = title, tuple(facts), order, does
        self._reason, self._word, self._asks, self._hint = reason, word, asks, hint

    def named(self) -> str:
        """Return the title of this question."""
        return self._title

    def body(self) -> ComposeResult:
        """Yield what is known, the reason and, if needed, the word."""
        yield Board(id="facts", ascii_only=self._ascii)
        wide = max(len(each) for each in ("reason", self._asks))
        if self._asks:
            yield self._field("value", self._asks, self._hint, wide=wide)
        if self._reason:
            yield self._field("reason", "reason", "stays on the record", wide=wide)
        if self._word:
            yield self._field("word", "word", f"type  {self._word}  to go on", wide=wide)
        yield Board(id="said", focus=not self._typing, ascii_only=self._ascii)

    def show(self) -> None:
        """Paint the facts and what Enter does now."""
        self._put("facts", self._facts)
        self._put("said", [BLANK, self._enter()])

    def on_key(self, event: events.Key) -> None:
        """Take Enter where there is nothing to type."""
        if event.key == "enter" and not self._typing:
            event.stop()
            self.action_take()

    def action_take(self) -> None:
        """Send the order, or go to the line that is still missing."""
        if (lack := self._lacking()) is not None:
            self.query_one(f"#{lack}", Input).focus()
            return
        said: dict[str, Any] = {"reason": self._typed("reason")} if self._reason else {}
        if self._asks:
            said[self._asks] = int(self._typed("value"))
        self.dismiss(Order(self._order.verb, {**self._order.args, **said}))

    @property
    def _typing(self) -> bool:
        return bool(self._reason or self._word or self._asks)

    def _lacking(self) -> str | None:
        """Return the line that still keeps Enter from acting."""
        if self._asks and not (self._typed("value").isdecimal() and self._typed("value").isascii()):
            return "value"
        return "word" if self._word and self._typed("word") != self._word else None

    def _enter(self) -> Line:
        lack = self._lacking()
        said = self._does.replace("{}", self._typed("value")) if self._asks else self._does
        does = {
            None: said,
            "value": f"does nothing until a whole number is typed as {self._asks}",
            "word": f"does nothing until the word {self._word} is typed",
        }[lack]
        return last_line(does)


class ResumeDialog(Confirm):
    """Asks before work goes on; after a safety halt the word has to be typed."""

    def __init__(self, facts: Sequence[Line], *, word: bool, ascii_only: bool) -> None:
        super().__init__(
            "Resume",
            facts,
            Order("resume", {}),
            does="resume",
            word=RESUME_WORD if word else "",
            ascii_only=ascii_only,
        )
