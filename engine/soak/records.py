"""What the gates judge by: the soak's own chained events and the room's, read once from their journals. Nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.soak import kinds
from engine.soak.plan import Plan
from state.chain import Event
from state.journal import Journal


@dataclass(frozen=True)
class Records:
    """Both journals as they stand: `soak` is the referee's, `room` the daemon's."""

    soak: Sequence[Event]
    room: Sequence[Event]
    _by_kind: dict[tuple[str, str], list[Event]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def load(cls, directory: Path, room: Path) -> Records:
        """Read both journals, beside a running daemon or after it."""
        with Journal.read_only(directory) as own, Journal.read_only(room) as other:
            return cls(tuple(own.events()), tuple(other.events()))

    @cached_property
    def begun(self) -> dict[str, Any]:
        """Return what the soak was begun with."""
        return self.of(kinds.BEGUN)[0].data

    @cached_property
    def plan(self) -> Plan:
        """Return the plan."""
        return Plan.model_validate(self.begun["plan"])

    def of(self, kind: str) -> list[Event]:
        """Return the soak's own events of a kind."""
        return self._kind("soak", kind)

    def room_of(self, *names: str) -> list[Event]:
        """Return the room's events of these kinds, oldest first; a name that ends in a dot takes all below it."""
        if len(names) == 1 and not names[0].endswith("."):
            return self._kind("room", names[0])
        return [event for event in self.room if _is(event.kind, names)]

    def _kind(self, whose: str, kind: str) -> list[Event]:
        key = (whose, kind)
        if key not in self._by_kind:
            events: Iterable[Event] = self.soak if whose == "soak" else self.room
            self._by_kind[key] = [event for event in events if event.kind == kind]
        return self._by_kind[key]


def _is(kind: str, names: Sequence[str]) -> bool:
    return any(kind.startswith(name) if name.endswith(".") else kind == name for name in names)
