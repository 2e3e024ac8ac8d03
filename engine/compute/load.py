"""What the dealer keeps account of: a task, a worker that takes work, and what one is handed at once. Pure."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field


@dataclass(eq=False)
class Load:
    """One task as the dealer sees it."""

    number: int
    """Order of arrival; a task that comes back keeps it and so goes first."""
    kind: str
    priority: int = 0
    memory: int = 0
    """Bytes of host memory that it needs."""
    limit: float | None = None
    """Seconds that it may take; None leaves it to the measured pace."""
    home: bool = False
    """Only workers of the coordinator's own machine have what it needs."""
    inputs: frozenset[str] = frozenset()
    """Digests of the files that a machine must have confirmed before it gets this."""
    deaths: int = 0
    """Workers that died while they ran it."""
    landed: bool = False
    """Its result is known, or nobody waits for it."""
    at: tuple[str, int] | None = None
    """Worker and serial under which it is out; one at a time."""

    def __lt__(self, other: Load) -> bool:
        """Tell whether it goes before another one."""
        return (-self.priority, self.number) < (-other.priority, other.number)


@dataclass(eq=False)
class Asked:
    """A task in the hands of one worker; `load` is None once nobody waits for that answer."""

    serial: int
    load: Load | None
    kind: str
    at: float
    """When it was handed over: nobody can have worked on it for longer."""


@dataclass(eq=False)
class Member:
    """A worker that takes work."""

    name: str
    free: int | None = None
    """Bytes of memory that its host has left for a task; None if it does not say."""
    used: int = 0
    """Bytes that it has taken for the task that it works on: they are missing from `free` already."""
    host: str = ""
    """Whose memory it shares with its neighbours; empty for the coordinator's own machine."""
    held: bool = False
    """Gets nothing new."""
    since: float = 0.0
    """When the first of `ahead` can have begun."""
    ahead: dict[int, Asked] = field(default_factory=dict)
    """What it holds by serial; it works in this order."""
    pace: dict[str, float] = field(default_factory=dict)
    """Measured seconds of a task by kind."""

    def claim(self, load: Load | None = None) -> int:
        """Return the bytes of memory that it will still take for what it holds, and for one task more; it works on one at a time."""
        held = [one.load for one in self.ahead.values() if one.load is not None]
        needs = [one.memory for one in (*held, *([] if load is None else [load]))]
        return max(0, max(needs, default=0) - self.used)

    def backlog(self, now: float) -> float:
        """Return the seconds of work that it holds; infinite where a task's pace is unknown."""
        pending = (self.pace.get(one.kind, math.inf) for one in self.ahead.values() if one.load is not None)
        return max(0.0, sum(pending) - (now - self.since))

    def unbegun(self) -> list[Asked]:
        """Return what it holds and has not begun, in its order of work."""
        return [one for one in itertools.islice(self.ahead.values(), 1, None) if one.load is not None]


@dataclass(frozen=True)
class Lot:
    """What one worker is handed at once: (serial, task) in the order of work."""

    member: str
    tasks: list[tuple[int, Load]]
