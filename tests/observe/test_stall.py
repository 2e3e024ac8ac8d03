"""The stall watch: a loop that does not tick leaves its stack in log and journal, a stopped process does not, and all of it is bounded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest

from engine.observe import stall
from engine.observe.stall import AN_HOUR, RECOVERED, STALLED, StallWatch
from state.errors import StateError


class World:
    """A clock, a processor clock and a journal under the test's hand; the watch looks only when it is told to."""

    def __init__(self) -> None:
        self.now, self.used = 1000.0, 50.0
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.watch = StallWatch(2.0, self.record, clock=lambda: self.now, used=lambda: self.used)

    def record(self, kind: str, data: Mapping[str, Any]) -> int:
        self.events.append((kind, dict(data)))
        return len(self.events)

    def passes(self, seconds: float, *, ticking: bool, looks: bool = True, worked: float = 0.0) -> None:
        """Let time pass in steps of half a second, with the loop ticking or not."""
        self.used += worked
        if not looks:
            self.now += seconds
            self.watch.look()
            return
        for _ in range(round(seconds / 0.5)):
            self.now += 0.5
            if ticking:
                self.watch._ticked = self.now
            self.watch.look()


def blocking(seconds: float) -> None:
    """Stand still, as a call that nobody moved off the loop."""
    time.sleep(seconds)


async def test_a_real_stall_names_the_call_that_blocks(caplog: pytest.LogCaptureFixture) -> None:
    events: list[tuple[str, dict[str, Any]]] = []

    def record(kind: str, data: Mapping[str, Any]) -> int:
        events.append((kind, dict(data)))
        return len(events)

    watch = StallWatch(0.4, record)
    ticking = asyncio.create_task(watch.run())
    watch.start()
    with caplog.at_level(logging.WARNING):
        await asyncio.sleep(0.15)
        blocking(1.5)
        async with asyncio.timeout(20):
            while len(events) < 2:  # noqa: ASYNC110 - the watch tells nobody
                await asyncio.sleep(0.02)
    ticking.cancel()
    await watch.close()
    (first, stalled), (second, recovered) = events
    assert (first, second) == (STALLED, RECOVERED)
    assert any("blocking" in frame for frame in stalled["stack"])
    assert "tests/observe/test_stall.py" in stalled["text"]
    assert recovered["stall"] == 1
    assert 1.0 < recovered["seconds"] < 20
    assert "blocking" in caplog.text
    assert "stood still for" in watch.degraded()[0]
    assert watch.readings() == {"loop.stalls": 1.0}


def test_a_loop_that_ticks_late_but_in_time_is_no_stall() -> None:
    world = World()
    world.passes(2.0, ticking=False)
    world.passes(1.0, ticking=True)
    assert world.events == []
    assert world.watch.degraded() == []


def test_one_stall_is_one_record_however_long_it_takes() -> None:
    world = World()
    world.passes(60.0, ticking=False)
    assert [kind for kind, _ in world.events] == [STALLED]
    assert "and still stands" in world.watch.degraded()[0]
    world.passes(1.0, ticking=True)
    assert [kind for kind, _ in world.events] == [STALLED, RECOVERED]
    world.passes(stall.SHOWN_SECONDS, ticking=True)
    assert world.watch.degraded() == [], "no news after ten minutes"


def test_a_process_that_was_stopped_as_a_whole_is_not_held_against_its_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.passes(30.0, ticking=False, looks=False)
    world.passes(1.0, ticking=True)
    assert world.events == []
    assert "whole process stood still for 29.5 s" in caplog.text


def test_a_call_that_keeps_the_interpreter_is_a_stall_although_the_watch_stood_too() -> None:
    world = World()
    world.passes(30.0, ticking=False, looks=False, worked=29.0)
    assert [kind for kind, _ in world.events] == [STALLED]


def test_stalls_without_end_leave_a_bounded_number_of_records_an_hour() -> None:
    world = World()
    for _ in range(3 * AN_HOUR):
        world.passes(3.0, ticking=False)
        world.passes(0.5, ticking=True)
    assert len([kind for kind, _ in world.events if kind == STALLED]) == AN_HOUR
    assert (world.watch.count, world.watch.uncounted) == (3 * AN_HOUR, 2 * AN_HOUR)
    world.passes(3600.0, ticking=True)
    world.passes(3.0, ticking=False)
    assert len([kind for kind, _ in world.events if kind == STALLED]) == AN_HOUR + 1


def test_a_journal_that_cannot_be_written_costs_the_record_and_not_the_watch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()

    def full(kind: str, data: Mapping[str, Any]) -> int:
        raise StateError("disk full")

    world.watch._record = full
    world.passes(5.0, ticking=False)
    world.passes(1.0, ticking=True)
    assert "loop.stalled is not on record: disk full" in caplog.text
    assert world.watch.count == 1
