"""What a scenario is asked for and what it returns: draws, and apart from them the truth that no analysis may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

SCHEMA = "scenario_truth/1"


@dataclass(frozen=True)
class Asked:
    """The numbers that a scenario may be told; each scenario's file says which of them it reads."""

    draws: int = 400
    seed: int = 1
    range: tuple[int, int] = (0, 999)
    families: tuple[str, ...] = ("lcg48/java",)
    seeds: int = 1 << 20
    starts: int = 1
    gap: int = 2
    noise: float = 0.2
    every: int = 200
    sessions: int = 2
    strength: float = 0.6
    first: int = 0
    ball: str = ""

    @property
    def size(self) -> int:
        """Return how many values a draw can take."""
        return self.range[1] - self.range[0] + 1


@dataclass(frozen=True)
class Segment:
    """One stream of the truth: from which draw on, for whom, and the hypothesis that made it; where gaps vary, `gaps` are all of them."""

    first: int
    family: str
    mapping: str
    seed: int
    start: int
    gap: int
    session: str | None = None
    gaps: tuple[int, ...] = ()


@dataclass(frozen=True)
class Truth:
    """What made the draws: the streams, what each draw would have been without noise, and which draws are wrong."""

    segments: tuple[Segment, ...] = ()
    right: tuple[int, ...] = ()
    wrong: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Scenario:
    """A finished history: values and sessions oldest first, in `range`, and its truth."""

    values: tuple[int, ...]
    range: tuple[int, int]
    truth: Truth
    sessions: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def csv(self) -> str:
        """Return the history as CSV; nothing in it tells the truth."""
        if self.sessions is None:
            return "value\n" + "".join(f"{value}\n" for value in self.values)
        rows = zip(self.sessions, self.values, strict=True)
        return "session,value\n" + "".join(f"{session},{value}\n" for session, value in rows)

    def revealed(self, name: str) -> dict[str, Any]:
        """Return the truth as a record, for a verdict on the analysis and for nothing else."""
        head = {"schema": SCHEMA, "scenario": name, "options": dict(self.options), "range": list(self.range)}
        return {**head, "draws": len(self.values), **asdict(self.truth)}


Make = Callable[[Asked, np.random.Generator], Scenario]
