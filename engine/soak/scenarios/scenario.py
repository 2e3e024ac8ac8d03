"""The shape of a scenario: the room's settings, the truth behind its draws, and a coroutine that keeps the room at work."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from engine.soak.plan import Plan
from engine.soak.stage import Stage
from engine.soak.streams import Stream

RANGE = (0, 999)
FAMILY = "lcg48/java"
FIRST_DRAWS = 60


@dataclass(frozen=True)
class Scenario:
    """One row of the table: how the room is set up, what its draws are, what keeps it busy."""

    letter: str
    title: str
    proves: str
    settings: Callable[[Plan, Mapping[str, Any]], dict[str, Any]]
    stream: Callable[[Plan], Stream]
    drive: Callable[[Stage], Coroutine[Any, Any, None]]
    first: int = 0
    """Draws that are there before the daemon starts: in the file that it follows, or in its store where draws come as requests."""
    halt_every_s: float = 60.0
    """Mean seconds between two halts; compression shortens them, but not below what a step of work needs."""


def room(seeds: int, *, follow: str | None, starts: int = 0) -> dict[str, Any]:
    """Return the settings that all scenarios share: one family below `seeds`, and the file that draws come from.

    A generator that took over is noticed some draws late: `starts` calls before the first draw of its epoch are searched.
    """
    told: dict[str, Any] = {
        "history.range": f"{RANGE[0]}:{RANGE[1]}",
        "search.families": [FAMILY],
        "search.mappings": ["java_bounded"],
        "search.seeds": f"0:{seeds - 1}",
        "search.starts": f"0:{starts}",
        "search.gaps": "0:4",
    }
    return told | (
        {} if follow is None else {"history.file": follow, "history.poll_s": 1.0, "history.column": "value"}
    )
