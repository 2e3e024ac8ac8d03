"""The model server steps aside while other work has the machine's GPUs: stopped, memory measured free, and back again after."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from engine.errors import Halted, NotFree
from engine.status import ALERT

if TYPE_CHECKING:
    from engine.desk import Desk

logger = logging.getLogger("mimicry.dispatch")
LOOK = 0.1
_COMING: set[asyncio.Task[None]] = set()
"""Starts under way that nobody waits for; the loop itself keeps no task alive."""


@asynccontextmanager
async def advisor_aside(desk: Desk, reason: str) -> AsyncIterator[None]:
    """Hold the advisor stopped; NotFree if the memory of the GPUs is not free, as measured.

    It is started again whatever became of the work; one that does not come back is an alert and a degraded room. Where a halt ended
    the work, it comes back after the halt: loading a model is work, and nothing works in a halted room.
    """
    freed = await desk.advisor.release(reason)
    try:
        if not freed.freed:
            raise NotFree(f"{reason} was not started: {freed.text}")
        yield
    except Halted:
        task = asyncio.create_task(_back_later(desk))
        _COMING.add(task)
        task.add_done_callback(_COMING.discard)
        raise
    except BaseException:
        await _back(desk)
        raise
    await _back(desk)


@asynccontextmanager
async def gpu_phase(desk: Desk, reason: str) -> AsyncIterator[None]:
    """Hold the advisor stopped where workers of this machine search on its GPUs; elsewhere it is in nobody's way."""
    if desk.bench.gpus_here == 0:
        yield
        return
    async with advisor_aside(desk, reason):
        yield


async def _back(desk: Desk) -> None:
    missing = await desk.advisor.restore()
    if missing is not None and desk.settings.llm.command:
        desk.journal.append(
            ALERT, {"level": "warn", "text": f"the advisor did not come back: {missing}"[:400]}
        )


async def _back_later(desk: Desk) -> None:
    """Start it once the room is not halted any more; work that resumes and wants it aside again is no fault of its own."""
    while desk.halt.state is not None:  # noqa: ASYNC110 - a halt is a row of the journal
        await asyncio.sleep(LOOK)
    if desk.board.stopping:
        return
    missing = await desk.advisor.restore()
    if missing is not None:
        logger.info("the advisor is not back after a halt: %s", missing)
