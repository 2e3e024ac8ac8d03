"""What one check of a record came to: its line, and what all of them make of the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.errors import Exit

State = Literal["ok", "failed", "not checkable here"]
EXITS: dict[State, Exit] = {
    "ok": Exit.OK,
    "not checkable here": Exit.ENVIRONMENT,
    "failed": Exit.BAD_INPUT,
}


@dataclass(frozen=True)
class Check:
    """One thing that was checked, how it came out, and why."""

    name: str
    state: State
    note: str

    def line(self) -> str:
        """Return the check as one line."""
        return f"{self.name:<12}{self.state}: {self.note}"


def check(name: str, held: bool, note: str, otherwise: str) -> Check:
    """Return what was checked with the note that fits how it came out."""
    return Check(name, "ok", note) if held else Check(name, "failed", otherwise)


def exit_code(checks: Iterable[Check]) -> Exit:
    """Return 0 where all is ok, 3 where a check failed, 5 where one could not be made here."""
    states = {one.state for one in checks}
    return next((EXITS[state] for state in ("failed", "not checkable here") if state in states), Exit.OK)
