"""When a request will have ended: what is left of the running one, those before it, its own usual length; nothing where that is unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.eta import etas, usual
from engine.status import StepAt

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def at(minute: int) -> str:
    return f"2026-11-27T{11 + minute // 60:02d}:{minute % 60:02d}:00Z"


def run(name: str, kind: str, minutes: int, state: str = "done") -> Any:
    return SimpleNamespace(id=name, kind=kind, state=state, started=at(0), finished=at(minutes))


def request(number: int, kind: str, state: str, priority: int = 50, run: str | None = None) -> Any:
    return SimpleNamespace(
        id=f"r-{number}", kind=kind, state=state, priority=priority, run=run, changed=at(50)
    )


RUNS = [run("run-1", "learn", 30), run("run-2", "learn", 10), run("run-3", "learn", 20), run("run-4", "learn", 1, "failed"),
        run("run-5", "play", 5), SimpleNamespace(id="run-6", kind="learn", state="running", started=at(45), finished=None)]  # fmt: skip


def test_a_kind_takes_as_long_as_the_median_of_its_runs_that_ended_well() -> None:
    assert usual(RUNS) == {"learn": 1200.0, "play": 300.0}


def test_waiting_requests_add_up_in_their_order_and_held_ones_are_left_out() -> None:
    rows = [
        request(1, "learn", "running", run="run-6"),
        request(2, "play", "queued"),
        request(3, "learn", "queued", priority=80),
        request(4, "play", "deferred", priority=90),
    ]
    left = etas(rows, RUNS, lambda row: row.id == "r-4", step=None, now=NOON)
    assert left == pytest.approx({"r-1": 300.0, "r-3": 1500.0, "r-2": 1800.0})


def test_a_running_step_that_needs_longer_counts_and_an_unknown_kind_says_nothing_from_there_on() -> None:
    rows = [
        request(1, "learn", "running", run="run-6"),
        request(2, "new", "queued"),
        request(3, "play", "queued"),
    ]
    slow = StepAt("3", done=1, total=5, begun=0.0)
    assert etas(rows, RUNS, lambda row: False, step=slow, now=NOON, clock=250.0) == {"r-1": 1000.0}
    assert etas(rows[1:], [], lambda row: False, step=None, now=NOON) == {}
