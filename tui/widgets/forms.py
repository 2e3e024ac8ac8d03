"""Dialogs that are filled in: the parameters of a request, a draw of the test mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.app import ComposeResult
from textual.widgets import Input

from tui.model.text import Line, line, span, wrap
from tui.widgets.board import Board
from tui.widgets.dialog import Dialog, Order, last_line


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
        wide = max((len(each["name"]) for each in self._form["parameters"]), default=0)
        for each in self._form["parameters"]:
            yield self._field(f"of-{each['name']}", each["name"], _hint(each), wide=wide)
        yield Board(id="said", ascii_only=self._ascii)

    def show(self) -> None:
        """Say what Enter does now."""
        lack, cells = self._lacking(), max(12, self.query_one("#facts", Board).cells)
        does = f"does nothing until {lack} is typed" if lack else f"ask for {' '.join(self._words())}"
        self._put("facts", [line(span(row, "dim")) for row in wrap(self._form["about"], cells)])
        tab = (span("Tab", "key"), span(" next line   "))
        self._put("said", [*self._typing(cells), last_line(does, *tab)])

    def _typing(self, cells: int) -> list[Line]:
        """Return what the line in focus asks for, in full; as many rows for each, so that nothing moves."""
        told = {f"of-{each['name']}": wrap(_hint(each), cells) for each in self._form["parameters"]}
        here = told.get(self.focused.id or "", []) if self.focused is not None else []
        most = max((len(rows) for rows in told.values()), default=0)
        return [line(span(row, "dim")) for row in (*here, *[""] * (most - len(here)))]

    def on_descendant_focus(self) -> None:
        """Say what is typed in the line that has the focus now."""
        self.show()

    def action_take(self) -> None:
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
        return self._typed(f"of-{name}")

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


def _hint(each: Mapping[str, Any]) -> str:
    """Return what a parameter is, and what it is where nothing is typed."""
    usual = "needed" if each["needed"] else each["default"] and f"empty = {each['default']}"
    return f"{each['help']} ({usual})" if usual else str(each["help"])


class InjectDialog(Dialog):
    """Asks for one draw to give to a room in test mode."""

    TITLE_TEXT = "Inject a draw"

    def __init__(self, draws: int, *, ascii_only: bool) -> None:
        super().__init__(ascii_only=ascii_only)
        self._draws = draws

    def body(self) -> ComposeResult:
        """Yield the value and what Enter would do."""
        yield self._field("value", "value", "of the draw, a whole number")
        yield Board(id="said", ascii_only=self._ascii)

    def show(self) -> None:
        """Say what Enter does now."""
        value = self._value()
        lacks = "does nothing until a whole number is typed"
        does = lacks if value is None else f"inject {value} as draw {self._draws}"
        facts = line(span("test mode: taken as a draw from its source; it stays in the record", "dim"))
        self._put("said", [facts, last_line(does)])

    def action_take(self) -> None:
        """Order exactly the value as typed."""
        value = self._value()
        if value is not None:
            self.dismiss(Order("inject", {"value": value}))

    def _value(self) -> int | None:
        text = self._typed("value")
        return int(text) if text.removeprefix("-").isdecimal() and text.isascii() else None
