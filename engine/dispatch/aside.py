"""The model server steps aside while other work has the machine: stopped, memory measured free, and back again after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from engine.errors import EnvironmentFault
from engine.status import ALERT

if TYPE_CHECKING:
    from engine.desk import Desk


@asynccontextmanager
async def advisor_aside(desk: Desk, reason: str) -> AsyncIterator[None]:
    """Hold the advisor stopped; EnvironmentFault if the memory of the GPUs is not free, as measured.

    It is started again whatever became of the work; one that does not come back is an alert and a degraded room.
    """
    freed = await desk.advisor.release(reason)
    try:
        if not freed.freed:
            raise EnvironmentFault(f"{reason}: the GPUs are not free: {freed.text}; nothing was started")
        yield
    finally:
        missing = await desk.advisor.restore()
        if missing is not None and desk.settings.llm.command:
            desk.journal.append(
                ALERT, {"level": "warn", "text": f"the advisor did not come back: {missing}"[:400]}
            )
