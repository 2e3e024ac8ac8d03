"""Launches of the compute engine meet the places of rigs: none is lost between two loops, none begins that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from engine.rigs.payload import Place
from engine.rigs.recruits import Recruits

NAME = "rig-a/gpu0"
PLACE = Place("rig-a", 0, "0000:03:00.0", "python3", {})
ORDER: Any = SimpleNamespace(name=NAME)


def nothing(event: dict[str, Any]) -> None:
    return


class Voice:
    """Hears how a worker is ended."""

    def __init__(self) -> None:
        self.causes: list[str] = []

    def end(self, cause: str) -> None:
        self.causes.append(cause)


async def test_a_worker_that_begins_in_the_moment_when_nobody_waits_any_more_is_ended() -> None:
    recruits, voice = Recruits(), Voice()
    recruits.offer(PLACE)
    launch = asyncio.create_task(recruits.launch(ORDER, nothing))
    _, process = await recruits._launch_of(NAME)
    process.attach(voice)  # type: ignore[arg-type]
    process.start(7)
    launch.cancel()
    await asyncio.gather(launch, return_exceptions=True)
    await asyncio.sleep(0)
    assert voice.causes == ["killed by the coordinator"]


async def test_a_launch_waits_while_the_rigs_loop_is_started_anew() -> None:
    recruits, taken = Recruits(), []  # type: ignore[var-annotated]

    async def rigs(*, take: bool) -> None:
        recruits.offer(PLACE)
        waiting = asyncio.create_task(recruits._launch_of(NAME))
        await asyncio.sleep(0.01)
        if take:
            taken.append(await waiting)

    def service(take: bool) -> None:
        thread = threading.Thread(target=lambda: asyncio.run(rigs(take=take)))
        thread.start()
        thread.join(5)

    await asyncio.to_thread(service, False)
    launch = asyncio.create_task(recruits.launch(ORDER, nothing))
    await asyncio.sleep(0)
    await asyncio.to_thread(service, True)
    assert [order for order, _ in taken] == [ORDER]
    launch.cancel()


async def test_launches_that_no_rig_takes_do_not_pile_up_and_one_that_was_given_up_is_passed_over() -> None:
    recruits = Recruits()
    recruits.offer(PLACE)
    launches = [asyncio.create_task(recruits.launch(ORDER, nothing)) for _ in range(3)]
    await asyncio.sleep(0)
    for launch in launches[:2]:
        with pytest.raises(ConnectionError, match="another launch took its place"):
            await launch
    waiting = asyncio.create_task(recruits._launch_of(NAME))
    launches[2].cancel()
    await asyncio.sleep(0)
    again = asyncio.create_task(recruits.launch(ORDER, nothing))
    _, process = await asyncio.wait_for(waiting, 1)
    assert not process.begun.done()
    again.cancel()


class Leaving(Recruits):
    """Its engine leaves between any two looks at it: they are on two threads."""

    looks = 0

    @property
    def _engine(self) -> Any:
        self.looks += 1
        compute = SimpleNamespace(wanted_inputs=lambda: frozenset("a"))
        return (compute, asyncio.get_running_loop()) if self.looks % 2 else None

    @_engine.setter
    def _engine(self, engine: Any) -> None:
        pass


async def test_an_engine_may_leave_at_any_moment_while_the_rigs_speak_of_it() -> None:
    recruits, berth = Leaving(), SimpleNamespace(name="rig-a")
    assert recruits.wanted() == frozenset("a")
    recruits.looks = 0
    recruits.reached(berth)  # type: ignore[arg-type]
    recruits.looks = 0
    recruits.lost(berth)  # type: ignore[arg-type]
