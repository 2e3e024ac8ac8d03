"""The registry of tunable parameters: structure is fixed, only what stands here may change, within bounds, on the record."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from engine.errors import BadInput, UsageError

Who = Literal["code", "watcher", "operator"]
Value = int | float
CHANGED = "parameter.changed"


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(Record):
    """One tunable number: bounds include both ends; `step` is what one retry moves it by (a factor when `scale` is log)."""

    name: str
    type: Literal["int", "float"]
    lo: float
    hi: float
    default: Value
    step: float
    scale: Literal["linear", "log"] = "linear"
    who: tuple[Who, ...]
    meaning: str

    def check(self, value: Value) -> Value:
        """Return the value in the parameter's type; UsageError if it breaks type or bounds."""
        fits = isinstance(value, int) if self.type == "int" else isinstance(value, (int, float))
        if isinstance(value, bool) or not fits:
            raise UsageError(f"parameter {self.name} = {value!r}: must be {self.type}")
        if not self.lo <= value <= self.hi:
            raise UsageError(f"parameter {self.name} = {value}: allowed are {self.lo:g} to {self.hi:g}")
        return value if self.type == "int" else float(value)

    def moved(self, value: Value, direction: Literal["up", "down"]) -> Value | None:
        """Return the value one step further, cut to the bounds; None if it stands at the bound already."""
        if self.scale == "log":
            raw = value * self.step if direction == "up" else value / self.step
        else:
            raw = value + self.step if direction == "up" else value - self.step
        cut = min(max(raw, self.lo), self.hi)
        new: Value = round(cut) if self.type == "int" else float(cut)
        return None if new == value else new


class Change(Record):
    """One change on the record: who, why, before, after."""

    name: str
    before: Value
    after: Value
    by: Who
    why: str


def _int(
    name: str, lo: int, hi: int, default: int, step: float, meaning: str, *, scale: str = "linear"
) -> Parameter:
    return Parameter(
        name=name, type="int", lo=lo, hi=hi, default=default, step=step, meaning=meaning,
        scale="log" if scale == "log" else "linear", who=("code", "watcher", "operator"),
    )  # fmt: skip


REGISTRY: tuple[Parameter, ...] = ()


class Registry:
    """Known parameters by name; unknown names are refused with the nearest."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self._by_name = {parameter.name: parameter for parameter in parameters}

    def __iter__(self) -> Any:
        return iter(self._by_name.values())

    def get(self, name: str) -> Parameter:
        """Return one parameter; UsageError names the nearest known one."""
        if name not in self._by_name:
            nearest = difflib.get_close_matches(name, self._by_name, n=1, cutoff=0.0)
            raise UsageError(
                f"parameter {name!r} is not registered; the nearest is {nearest[0] if nearest else None!r}"
            )
        return self._by_name[name]

    def defaults(self) -> dict[str, Value]:
        """Return the default of every parameter."""
        return {parameter.name: parameter.default for parameter in self}


class Ledger(Protocol):
    """The part of the journal that parameters need."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int: ...
    def events(self, *, after: int = 0, kinds: Any = None, limit: Any = None) -> Any: ...


class Parameters:
    """Current values: defaults plus every change in the journal. Changing one is the only way it changes."""

    def __init__(self, journal: Ledger, registry: Registry) -> None:
        self._journal, self.registry = journal, registry
        self._values = registry.defaults()
        for event in journal.events(kinds=(CHANGED,)):
            self._apply(Change.model_validate(event.data))

    def values(self) -> dict[str, Value]:
        """Return a copy of the current values by name."""
        return dict(self._values)

    def change(self, name: str, value: Value, *, by: Who, why: str) -> Change:
        """Record a change, then apply it; UsageError for an unknown name, a broken bound or one who may not."""
        parameter = self.registry.get(name)
        if by not in parameter.who:
            raise UsageError(f"parameter {name}: {by} may not change it; {', '.join(parameter.who)} may")
        change = Change(name=name, before=self._values[name], after=parameter.check(value), by=by, why=why)
        self._journal.append(CHANGED, change.model_dump())
        self._apply(change)
        return change

    def _apply(self, change: Change) -> None:
        try:
            self.registry.get(change.name).check(change.after)
        except UsageError as error:
            raise BadInput(f"journal: recorded change no longer fits the registry: {error}") from error
        self._values[change.name] = change.after
