"""Dialogs: halt and resume, where the highlighted line is exactly what Enter does, and pages to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.model.halts import RESUME_WORD, Choice
from tui.model.text import BLANK, Line, Span, cell, fold, line, span
from tui.widgets.board import Board


class Order(NamedTuple):
    """What a dialog asks the engine to do."""

    verb: str
    args: dict[str, Any]


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

    def _field(self, name: str, label: str) -> Input:
        field = Input(
            id=name, placeholder=fold(label) if self._ascii else label, compact=True, max_length=200
        )
        field.cursor_blink = False  # a blinking cursor costs bytes for nothing over SSH
        return field


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
        yield self._field("reason", "reason, for the log")
        yield Board(id="said", ascii_only=self._ascii)

    def show(self) -> None:
        """Paint the kinds and, in words, what Enter does."""
        width = self.query_one("#kinds", Board).cells
        self._put("kinds", [self._row(i, choice, width) for i, choice in enumerate(self._choices)])
        enter = line(
            span("Enter", "key"),
            f" halt {self.chosen.kind}  ",
            span("↑↓", "key"),
            " choose  ",
            span("Esc", "key"),
            " back",
        )
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
        self.at = (self.at + step) % len(self._choices)
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Order exactly the highlighted kind, with the reason as typed."""
        self.dismiss(Order("halt", {"kind": self.chosen.kind, "reason": event.value.strip()}))

    def _row(self, index: int, choice: Choice, width: int) -> Line:
        mark, role = ("▸ ", "chosen") if index == self.at else ("  ", "")
        room = max(0, width - 13 - len(choice.wait) - 1)
        text = f"{choice.kind:<11}"
        return (Span(mark + text, role), cell(choice.does, room, role), Span(f" {choice.wait}", role))


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
        if self._asks:
            yield self._field("value", f"{self._asks}: {self._hint}")
        if self._reason:
            yield self._field("reason", "reason")
        if self._word:
            yield self._field("word", f"type  {self._word}  to go on")
        yield Board(id="said", focus=not self._typing, ascii_only=self._ascii)

    def show(self) -> None:
        """Paint the facts and what Enter does now."""
        self._put("facts", self._facts)
        self._put("said", [BLANK, self._enter()])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once whether Enter would act."""
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the order, or go to the word that is still missing."""
        self._send()

    def on_key(self, event: events.Key) -> None:
        """Take Enter where there is nothing to type."""
        if event.key == "enter" and not self._typing:
            event.stop()
            self._send()

    def _send(self) -> None:
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

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _lacking(self) -> str | None:
        """Return the line that still keeps Enter from acting."""
        if self._asks and not (self._typed("value").isdecimal() and self._typed("value").isascii()):
            return "value"
        return "word" if self._word and self._typed("word") != self._word else None

    def _enter(self) -> Line:
        lack = self._lacking()
        said = self._does.replace("{}", self._typed("value")) if self._asks else self._does
        does = {
            None: f" {said}   ",
            "value": f" does nothing until a whole number is typed as {self._asks}   ",
            "word": f" does nothing until the word {self._word} is typed   ",
        }[lack]
        return line(span("Enter", "key"), does, span("Esc", "key"), " back")


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


class RequestDialog(Dialog):
    """Asks for the parameters of one type of request, each with its help; what is left empty is the engine's default."""

    def __init__(
        self,
        form: Mapping[str, Any],
        *,
        ascii_only: bool,
        order: Callable[[dict[str, str]], Order] | None = None,
    ) -> None:
        """Ask what a form asks for; `order` makes what is sent of the parameters that were filled in, by default a request."""
        super().__init__(ascii_only=ascii_only)
        self._form, self._order = form, order

    def named(self) -> str:
        """Return the type that is asked for."""
        return f"Ask for {self._form['type']}"

    def body(self) -> ComposeResult:
        """Yield one line for each parameter."""
        yield Board(id="facts", ascii_only=self._ascii)
        for each in self._form["parameters"]:
            usual = "needed" if each["needed"] else each["default"] and f"empty = {each['default']}"
            label = f"{each['name']}: {each['help']}" + (f" ({usual})" if usual else "")
            yield self._field(f"of-{each['name']}", label)
        yield Board(id="said", ascii_only=self._ascii)

    def show(self) -> None:
        """Say what Enter does now."""
        lack = self._lacking()
        does = f" does nothing until {lack} is typed   " if lack else f" ask for {' '.join(self._words())}   "
        self._put("facts", [line(span(self._form["about"], "dim"))])
        tab = (span("Tab", "key"), " next line  ")
        self._put("said", [line(span("Enter", "key"), does, *tab, span("Esc", "key"), " back")])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what Enter would ask for."""
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Order exactly what the line below says."""
        if (lack := self._lacking()) is not None:
            self.query_one(f"#of-{lack}", Input).focus()
        else:
            self.dismiss(self._made())

    def _made(self) -> Order:
        if self._order is None:
            return Order("submit", {"type": self._form["type"], "arg": self._words()[1:]})
        names = [each["name"] for each in self._form["parameters"]]
        return self._order({name: self._value(name) for name in names if self._value(name)})

    def _value(self, name: str) -> str:
        return self.query_one(f"#of-{name}", Input).value.strip()

    def _lacking(self) -> str | None:
        return next(
            (
                each["name"]
                for each in self._form["parameters"]
                if each["needed"] and not self._value(each["name"])
            ),
            None,
        )

    def _words(self) -> list[str]:
        """Return the type and what was typed, as on the command line."""
        names = [each["name"] for each in self._form["parameters"]]
        return [self._form["type"], *(f"{name}={self._value(name)}" for name in names if self._value(name))]


class InjectDialog(Dialog):
    """Asks for one draw to give to a room in test mode."""

    TITLE_TEXT = "Inject a draw"

    def __init__(self, draws: int, *, ascii_only: bool) -> None:
        super().__init__(ascii_only=ascii_only)
        self._draws = draws

    def body(self) -> ComposeResult:
        """Yield the value and what Enter would do."""
        yield self._field("value", "value of the draw, a whole number")
        yield Board(id="said", ascii_only=self._ascii)

    def show(self) -> None:
        """Say what Enter does now."""
        value = self._value()
        does = (
            " does nothing until a whole number is typed   "
            if value is None
            else f" inject {value} as draw {self._draws}   "
        )
        facts = line(
            span("test mode: the room takes it as a draw from its source; it stays in the record", "dim")
        )
        self._put("said", [facts, line(span("Enter", "key"), does, span("Esc", "key"), " back")])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once whether Enter would act."""
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Order exactly the value as typed."""
        value = self._value()
        if value is not None:
            self.dismiss(Order("inject", {"value": value}))

    def _value(self) -> int | None:
        text = self.query_one("#value", Input).value.strip()
        return int(text) if text.removeprefix("-").isdecimal() and text.isascii() else None


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
        """Paint what the page says now."""
        board = self.query_one("#page", Board)
        board.put(self._lines(board.cells), f"{self.title_now()}   (Esc closes)")

    def action_move(self, rows: int) -> None:
        """Scroll."""
        self.query_one("#page", Board).scroll_rows(rows)

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
