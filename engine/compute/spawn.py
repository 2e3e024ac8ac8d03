"""Start a child process whole: asyncio (CPython 3.11) never comes back from a start that is cancelled while the child's pipes are being tied."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Coroutine
from typing import Any


async def started(start: Coroutine[Any, Any, Process]) -> Process:
    """Return the process that `start` makes, the leader of a session of its own; where we are cancelled meanwhile, it is killed once it is there."""
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_end)
        await asyncio.wait({starting})
        raise


def _end(starting: asyncio.Task[Process]) -> None:
    """Kill a process that nobody waits for, and what it started."""
    if not starting.cancelled() and starting.exception() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(starting.result().pid, signal.SIGKILL)
