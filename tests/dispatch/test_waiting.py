"""A halt does not wait for workers to start; what was left starting ends by itself and is heard of where it fails."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine.dispatch.waiting import unless_halted
from engine.errors import Halted, MimicryError


async def test_a_halt_leaves_slow_work_at_once_and_the_work_ends_by_itself() -> None:
    ended = asyncio.Event()
    halted = False

    async def slow() -> None:
        await asyncio.sleep(0.4)
        ended.set()

    def obey() -> None:
        if halted:
            raise Halted("halted")

    waiting = asyncio.create_task(unless_halted(slow(), obey))
    await asyncio.sleep(0.06)
    halted, begun = True, time.monotonic()
    with pytest.raises(Halted):
        await waiting
    assert time.monotonic() - begun < 0.3
    await asyncio.wait_for(ended.wait(), 2)


async def test_without_a_halt_the_work_is_waited_for_and_its_fault_comes_out() -> None:
    done = []

    async def works() -> None:
        await asyncio.sleep(0)
        done.append(1)

    async def fails() -> None:
        raise MimicryError("no worker came up")

    await unless_halted(works(), lambda: None)
    assert done == [1]
    with pytest.raises(MimicryError, match="no worker came up"):
        await unless_halted(fails(), lambda: None)
