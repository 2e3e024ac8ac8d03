"""A start of a process that is cancelled at any moment comes back, and leaves nothing."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE

import psutil
from conformance import until

from engine.compute.spawn import started


async def test_a_start_that_is_cancelled_while_pipes_are_tied_comes_back_and_leaves_nothing() -> None:
    before = set(psutil.Process().children(recursive=True))
    for turns in range(1, 7):
        start = asyncio.create_subprocess_shell(
            "sleep 600 & wait", stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
        asked = asyncio.create_task(started(start))
        for _ in range(turns):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait({asked}, timeout=20)
        assert asked.cancelled(), f"cancelled after {turns} turns of the loop"
    await until(lambda: set(psutil.Process().children(recursive=True)) <= before)
