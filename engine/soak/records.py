"""What the gates judge by: the soak's own chained events and the room's, read once from their journals. Nothing else."""

from __future__ import annotations

from collections import Counter
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
            soak = _until_ended(own.events())
            return cls(tuple(soak), tuple(_until_anchored(soak, other.events())))

    @cached_property
    def begun(self) -> dict[str, Any]:
        """Return what the soak was begun with."""
        return self.of(kinds.BEGUN)[0].data

    @cached_property
    def plan(self) -> Plan:
        """Return the plan."""
        return Plan.model_validate(self.begun["plan"])

    @cached_property
    def interrupted(self) -> bool:
        """Say whether somebody ended this soak before its time: what was open then is still open."""
        ended = self.of(kinds.ENDED)
        return bool(ended) and ended[-1].data["why"] != "done"

    @cached_property
    def asked(self) -> dict[str, dict[str, Any]]:
        """Return what the soak asked for, by key."""
        return {event.data["key"]: event.data for event in self.of(kinds.ASKED)}

    @cached_property
    def kinds_of_requests(self) -> dict[str, str]:
        """Return the kind of every request that the room's queue ever held."""
        entered = [*self.room_of("request.queued"), *self.room_of("request.rejected")]
        return {event.data["request"]: event.data["kind"] for event in entered if "kind" in event.data}

    @cached_property
    def _rows(self) -> list[tuple[str, str]]:
        """Return (key, request) of every row that answers to something the soak asked for."""
        found = []
        files = {event.data["request"]: event.data["file"] for event in self.room_of("inbox.taken")}
        for event in self.room_of("request.queued", "request.rejected"):
            if "kind" not in event.data:
                continue  # a later move of a request that was entered before
            file = str(event.data["args"].get("file") or files.get(event.data["request"], ""))
            key = file.removesuffix(".json")
            key = key if key in self.asked else str(event.data.get("why", ""))
            if key in self.asked:
                found.append((key, event.data["request"]))
        return found

    @cached_property
    def requests_by_key(self) -> dict[str, str]:
        """Return the request that each asked key became."""
        return dict(self._rows)

    @cached_property
    def rows_by_key(self) -> Counter[str]:
        """Return how many requests each asked key became."""
        return Counter(key for key, _ in self._rows)

    @cached_property
    def runs_kind(self) -> dict[str, str]:
        """Return what each run was opened for."""
        return {
            event.data["run"]: event.data["kind"]
            for event in self.room_of("run.running")
            if "kind" in event.data
        }

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


def _until_anchored(soak: Sequence[Event], room: Iterable[Event]) -> Iterable[Event]:
    """Return the room's events up to the last anchor of a soak that has ended: whoever opens its journal later adds to it."""
    ended = bool(soak) and soak[-1].kind == kinds.ENDED
    last = [event.data["seq"] for event in soak if event.kind == kinds.ANCHOR and event.data.get("last")]
    return (event for event in room if event.seq <= last[-1]) if ended and last else room


def _until_ended(events: Iterable[Event]) -> list[Event]:
    """Return a soak's events up to its last end: what was written after it (a verdict) does not change what it judges."""
    every = list(events)
    last = max((place for place, event in enumerate(every) if event.kind == kinds.ENDED), default=None)
    beyond = () if last is None else every[last + 1 :]
    going_on = any(event.kind.startswith("soak.") and event.kind != kinds.VERDICT for event in beyond)
    return every if last is None or going_on else every[: last + 1]
