"""A worker on a rig as the compute engine's `Process`: heard on the engine's loop, told on the rigs'."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.rigs.attempt import SELF_TEST
from engine.rigs.payload import Ending, Line, Voice

if TYPE_CHECKING:
    from engine.compute.enrol import OnEvent

HUNG_UP = -1
"""Stands for the exit code of a worker whose link was lost: SIGHUP."""
KILLED, HUNG = "killed by the coordinator", "hung"


class RemoteProcess:
    """A worker on a rig, as the compute engine's `Process`; it lives on the engine's loop, its voice on the rigs'."""

    def __init__(self, on_event: OnEvent) -> None:
        """Be asked for; nothing runs yet."""
        self.pid: int | None = None
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reach: tuple[Voice, asyncio.AbstractEventLoop] | None = None
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._on_event, self._words, self._heard = on_event, "", time.monotonic()
        self._kernel: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Tell whether it has not ended yet, as far as was noticed."""
        return not self._ended.done()

    def attach(self, voice: Voice) -> None:
        """Take the voice that reaches it; called on the rigs' loop."""
        self._reach = (voice, asyncio.get_running_loop())

    def start(self, pid: int) -> None:
        """Take in that it runs; one that nobody waits for any more is ended."""
        self.pid, self._heard = pid, time.monotonic()
        if self.begun.cancelled():
            self.kill()
        elif not self.begun.done():
            self.begun.set_result(None)

    def hear(self, line: Line) -> None:
        """Pass on what it says; the answer to a halt is the guard's alone."""
        self._heard = time.monotonic()
        if line.get("event") != "halted":
            self._on_event(dict(line))

    def end(self, ending: Ending) -> None:
        """Take in its end, or that it never began."""
        self._words, self._kernel = ending.stderr or ending.cause, ending.kernel
        if not self.begun.done():
            self.begun.set_exception(ConnectionError(ending.cause))
        if not self._ended.done():
            self._ended.set_result(HUNG_UP if ending.code is None else ending.code)

    def send(self, line: dict[str, Any]) -> None:
        """Send one line to its stdin."""
        if self._reach is not None and self.alive:
            voice, loop = self._reach
            call(loop, voice.tell, line)

    def silence(self) -> float:
        """Return the seconds since its last line."""
        return time.monotonic() - self._heard

    def kill(self, why: str = "") -> None:
        """Kill it and what it started; its record tells why. A hang counts against its card, a silence may be the link's."""
        self._end(why if why.startswith(HUNG) else f"{KILLED}: {why}" if why else KILLED)

    def _end(self, cause: str) -> None:
        if self._reach is not None and self.alive:
            voice, loop = self._reach
            call(loop, voice.end, cause)

    def refuse(self, why: str) -> None:
        """Kill it; the rig shows its card as failed until somebody has looked at it."""
        self._end(SELF_TEST + why)

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        return await asyncio.shield(self._ended)

    def last_words(self) -> str:
        """Return the end of what it wrote to stderr, or why it ended."""
        return self._words

    async def kernel_log(self, since: float) -> str:
        """Return what the rig's kernel logged while it lived, or why that is not known; it came with its end."""
        return "\n".join(self._kernel)

    async def close(self) -> None:
        """Kill what is left."""
        self.kill()


def call(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    """Call on a loop, from any thread; too late once it has ended."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)
