"""Start a child process whole and see its end: asyncio (CPython 3.11) hangs in a start that is cancelled, and in a wait for one whose pipes others hold."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Coroutine
from functools import partial
from typing import Any

GIVE_UP = 5.0
"""Seconds for a start that nobody wants any more to come back by itself, and for a killed process to be gone."""
_LOOK = 0.2


async def started(*command: str, session: bool = True, **how: Any) -> Process:
    """Start a program, the leader of a session of its own unless told otherwise; where we are cancelled meanwhile, it is killed once it is there."""
    return await _whole(
        asyncio.create_subprocess_exec(*command, start_new_session=session, **how), group=session
    )


async def shell_started(line: str, **how: Any) -> Process:
    """Start a line of shell in the same way, the leader of a session of its own."""
    return await _whole(asyncio.create_subprocess_shell(line, start_new_session=True, **how), group=True)


async def _whole(start: Coroutine[Any, Any, Process], *, group: bool) -> Process:
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(partial(_unwanted, group))
        await asyncio.wait({starting}, timeout=GIVE_UP)
        starting.cancel()  # the end of asyncio.run cancels it beside us: it has killed its process then, and waits for pipes that are never tied
        raise


def _unwanted(group: bool, starting: asyncio.Task[Process]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        kill(starting.result(), group=group)


def kill(process: Process, *, group: bool = True) -> None:
    """Kill a process, and what it started in the session that it leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


async def ended(process: Process) -> int:
    """Return a process's exit code once it is gone: its own `wait` also waits for all that hold its pipes, and for ours that are full."""
    waiting = asyncio.ensure_future(process.wait())
    try:
        while process.returncode is None:
            await asyncio.wait({waiting}, timeout=_LOOK)
    finally:
        waiting.cancel()
    return process.returncode


async def end(process: Process) -> None:
    """Kill a process that leads a session, with what it started there, and let go of its pipes, whoever else holds them.

    The number of one that has ended may be another's by now: nothing is killed then.
    """
    if process.returncode is None:
        kill(process)
    with contextlib.suppress(TimeoutError):  # one that sleeps in a driver cannot be killed by anybody
        async with asyncio.timeout(GIVE_UP):
            await ended(process)
    process._transport.close()  # type: ignore[attr-defined]  # there is no public way to it
