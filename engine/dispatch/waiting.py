"""Wait for what cannot be cut short (imports, the start of workers) without making a halt wait too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

LOOK = 0.05
_LEFT: set[asyncio.Future[Any]] = set()
"""Work that a halt left to end by itself; the loop itself keeps no task alive."""
logger = logging.getLogger("mimicry.dispatch")


async def unless_halted(work: Coroutine[Any, Any, object], obey: Callable[[], None]) -> None:
    """Wait for `work`; when `obey` raises Halted, leave at once: the work ends by itself and serves whoever comes next.

    Nothing runs on a device meanwhile, so a halt is reached although workers are still starting.
    """
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK)
            obey()
    except BaseException:
        _LEFT.add(task)
        task.add_done_callback(_heard)
        raise
    task.result()


def _heard(task: asyncio.Future[object]) -> None:
    """Say what became of work that nobody waits for any more."""
    _LEFT.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("work that a halt left behind failed: %s", error)
