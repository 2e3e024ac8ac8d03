"""Dialogs that are filled in: the parameters of a request, a draw of the test mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.app import ComposeResult
from textual.widgets import Input

from tui.model.text import line, span
from tui.widgets.board import Board
from tui.widgets.dialog import Dialog, Order


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
