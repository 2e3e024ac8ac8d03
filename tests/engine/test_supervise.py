"""The supervisor: a failing service comes back with growing pauses, the others never notice, all of it visible."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time

import pytest

from engine.supervise import Supervisor


async def run_for(supervisor: Supervisor, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await supervisor.run()


async def test_a_failing_service_is_restarted_later_each_time_and_the_other_goes_on() -> None:
    begun: list[float] = []
    beats: list[float] = []

    async def shaky() -> None:
        begun.append(time.monotonic())
        raise RuntimeError("no luck")

    async def steady() -> None:
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.01)

    told: list[tuple[str, str]] = []
    supervisor = Supervisor(lambda name, error: told.append((name, error)), first_delay=0.02, last_delay=1.0)
    supervisor.add("shaky", shaky)
    supervisor.add("steady", steady)
    await run_for(supervisor, 0.6)
    pauses = [later - earlier for earlier, later in itertools.pairwise(begun)]
    assert len(begun) >= 3
    # lower bounds only: a busy machine may make any pause longer
    assert all(pause >= 0.02 * 2**number for number, pause in enumerate(pauses))
    assert told == [("shaky", "RuntimeError: no luck")], "the same words once an hour"
    assert supervisor.states["shaky"].restarts == len(begun)
    assert "no luck" in supervisor.degraded()[0]
    assert supervisor.states["steady"].well
    assert len(beats) > 10


async def test_a_service_that_recovers_stays_visible_with_its_last_fault() -> None:
    calls = 0

    async def once() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("first time")
        await asyncio.Event().wait()

    supervisor = Supervisor(first_delay=0.01)
    supervisor.add("once", once)
    await run_for(supervisor, 0.1)
    state = supervisor.states["once"]
    assert (state.state, state.restarts) == ("running", 1)
    assert state.error == "ValueError: first time"


async def test_services_that_end_end_the_group_and_cancelling_stops_all() -> None:
    async def brief() -> None:
        await asyncio.sleep(0)

    supervisor = Supervisor()
    supervisor.add("brief", brief)
    await asyncio.wait_for(supervisor.run(), 1)
    assert supervisor.states["brief"].state == "ended"
    assert supervisor.degraded() == []


def test_a_name_stands_once() -> None:
    async def nothing() -> None:
        """Do nothing."""

    supervisor = Supervisor()
    supervisor.add("a", nothing)
    with pytest.raises(ValueError, match="already"):
        supervisor.add("a", nothing)


async def test_a_fault_that_repeats_is_told_once_an_hour_and_another_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = itertools.chain(["one"] * 4, ["two"] * 100)

    async def shaky() -> None:
        raise RuntimeError(next(faults))

    told: list[str] = []
    supervisor = Supervisor(lambda name, error: told.append(error), first_delay=0.001, last_delay=0.01)
    supervisor.add("shaky", shaky)
    await run_for(supervisor, 0.3)
    assert told == ["RuntimeError: one", "RuntimeError: two"]
    assert supervisor.states["shaky"].restarts > 5
    monkeypatch.setattr("engine.supervise.AGAIN_SECONDS", 0.0)
    await run_for(supervisor, 0.1)
    assert len(told) > 3


async def test_a_record_that_takes_nothing_does_not_end_what_keeps_services_running() -> None:
    told: list[tuple[str, str]] = []
    calls = 0

    def tell(name: str, error: str) -> None:
        if calls < 3:
            raise OSError("no space left")
        told.append((name, error))

    async def shaky() -> None:
        nonlocal calls
        calls += 1
        if calls <= 3:
            raise RuntimeError(f"fault {calls}")
        await asyncio.Event().wait()

    supervisor = Supervisor(tell, first_delay=0.01, last_delay=0.01)
    supervisor.add("shaky", shaky)
    await run_for(supervisor, 0.4)
    assert supervisor.states["shaky"].state == "running"
    assert told == [("shaky", f"RuntimeError: fault {number}") for number in (1, 2, 3)], (
        "late, in order, once"
    )
