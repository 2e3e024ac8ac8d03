"""When a request will have ended: what is left of the running one, then everything that goes before it, each as long as its kind usually takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.status import StepAt
    from state.requests import RequestRow
    from state.runs import RunRow

RUNS = 50
"""Newest runs that a kind's usual length is read from."""


def usual(runs: Sequence[RunRow]) -> dict[str, float]:
    """Return the median seconds of each kind's runs that came to their end."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        if run.state == "done" and run.finished is not None:
            found[run.kind].append(_seconds(run.started, run.finished))
    return {kind: median(each) for kind, each in found.items()}


def etas(
    rows: Sequence[RequestRow], runs: Sequence[RunRow], held: Callable[[RequestRow], bool], *,
    step: StepAt | None, now: datetime | None = None, clock: float = 0.0,
) -> dict[str, float]:  # fmt: skip
    """Return the seconds left by request; one is missing where it is held, or where nothing of its kind has ended yet.

    `step` is how far the running step is, `clock` the monotonic time of now.
    """
    lasts, begun = usual(runs), {run.id: run.started for run in runs}
    now = now or datetime.now(UTC)
    found: dict[str, float] = {}
    left: float | None = 0.0
    for row in rows:
        if row.state in ("claimed", "running"):
            left = _left(row, lasts, begun, step, now, clock)
            if left is not None:
                found[row.id] = left
    for row in sorted((row for row in rows if row.state in ("queued", "deferred")), key=_turn):
        if held(row):
            continue  # those behind it go first
        own = lasts.get(row.kind)
        left = None if left is None or own is None else left + own
        if left is not None:
            found[row.id] = left
    return found


def _left(
    row: RequestRow, lasts: Mapping[str, float], begun: Mapping[str, str], step: StepAt | None, now: datetime, clock: float
) -> float | None:  # fmt: skip
    """Return the seconds left of a running request: at least what is left of its step."""
    own, since = lasts.get(row.kind), begun.get(row.run or "", row.changed)
    if own is None:
        return None
    of_step = step.eta(clock) if step is not None else None
    return max(own - (now - datetime.fromisoformat(since)).total_seconds(), of_step or 0.0)


def _turn(row: RequestRow) -> tuple[int, int]:
    """Return a waiting request's place: priority, then age."""
    return -row.priority, int(row.id.removeprefix("r-"))


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
