"""A framed part of a screen, and what stands in it while there is nothing to show."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.model.text import Line, line, span

if TYPE_CHECKING:
    from tui.model.view import View


CORNERS = 3
"""Cells of a frame beside its title, of those that the content has."""


class Panel(NamedTuple):
    """One framed part of a screen."""

    title: str
    lines: Sequence[Line]


Painter = Callable[["View", int, int], Panel]

EMPTY: dict[str, tuple[str, str]] = {
    "evidence": (
        "mimicry pipeline",
        "verdict, best evidence against what is required, and the excluded share",
    ),
    "fleet": ("mimicry --no-ui", "one line per machine, one glyph per device"),
    "pipeline": ("mimicry pipeline", "steps 1, 2.5, 3, 4, 5, 6 with progress, and best against null"),
    "requests": ("mimicry pipeline", "work that waits, runs or has ended, and why"),
    "decisions": ("mimicry pipeline", "PROCEED, RETRY, ESCALATE; what code decided and advice, apart"),
    "engine": ("mimicry --no-ui", "memory and handles with their slopes"),
    "throughput": ("mimicry pipeline", "the rate over the last half hour"),
}


AWAITED: dict[str, str] = {
    "decisions": "none yet: one is made when a step ends",
    "throughput": "no rate yet: it is counted from the first piece that is done",
}
"""What is said instead while a run is on its way that will fill the panel."""


def empty(part: str, cells: int, view: View) -> list[Line]:
    """Say which command fills an empty panel and what will appear in it; while a run goes on, what it waits for."""
    command, what = EMPTY[part]
    run = view.snapshot.pipeline if view.snapshot is not None else None
    if (
        part in AWAITED
        and run is not None
        and any(step.status in ("waiting", "running") for step in run.steps)
    ):
        return [line(span(row, "dim")) for row in textwrap.wrap(AWAITED[part], max(10, cells))]
    fills = line(span("empty until  ", "dim"), span(command, "key"))
    if view.snapshot is None and view.link.state == "connecting":
        fills = line(span("waits for the engine", "dim"))
    return [fills, *(line(span(row, "dim")) for row in textwrap.wrap(f"here: {what}", max(10, cells)))]
