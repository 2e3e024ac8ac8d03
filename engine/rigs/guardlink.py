"""The engine's end of one rig's guard: pushes it, starts it, beats the lease, passes lines both ways, notices its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.compute.awake import awake
from engine.errors import BadInput
from engine.rigs import kernel
from engine.rigs.faults import LinkFault, RigFault
from engine.rigs.heard import event_of
from engine.rigs.reach import Lines, Reach

logger = logging.getLogger(__name__)

PREFIX = "mimicry-run-"
UP_LIMIT = 20.0
BEATS, LOOKS = 5, 4
"""Beats in a lease, and looks at the guard's silence in a beat: a cut link must not wait for the next beat to be noticed."""
SCRIPTS = Path(__file__).parent / "onrig"
PROBE = ("probe.py", "vendors.py")
"""What a reading needs."""
GUARD = ("guard.py", "talk.py", "gate.py", "launch.py", "workers.py", "kmsg.py", "leftovers.py", *PROBE)
"""What a connection needs."""
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Terms:
    """On which terms workers live on one rig."""

    python: str = "python3"
    staging: str = "/dev/shm"
    slots: int = 1
    """How many may initialise their GPU at once."""
    delay: float = 2.0
    """Seconds that a slot stays taken after an initialisation."""
    lease: float = 10.0
    """Seconds without a word from the engine after which all workers end."""
    silence: float = 8.0
    """Seconds without a word from a working worker after which it is killed."""
    start_limit: float = 90.0
    """Seconds that a start, an initialisation or a self-test may take, each."""
    reserve: int = 0
    """Bytes of host memory that work leaves free."""
    kmsg: str = "/dev/kmsg"
    slot_dir: str = ""
    """Where the slots are; empty: `mimicry-slots` in the staging folder."""

    def spec(self) -> dict[str, Any]:
        """Return the guard's first line."""
        return {
            "prefix": PREFIX,
            "lease": self.lease,
            "slots": self.slots,
            "delay": self.delay,
            "silence": self.silence,
            "kmsg": self.kmsg,
            "slot_dir": self.slot_dir or f"{self.staging}/mimicry-slots",
        }


class GuardLink:
    """A running guard. `on_event` hears every line that it says; `closed` is set once it has gone, `why` says the reason."""

    def __init__(self, channel: Lines, run: str, on_event: Callable[[Event], None]) -> None:
        """Wrap a started guard; use `GuardLink.open`."""
        self.run, self.closed, self.why, self.pid = run, asyncio.Event(), "", 0
        self.blind = ""
        """Why the guard may not read the kernel's log, empty if it may."""
        self._channel, self._on_event = channel, on_event
        self._refusal = ""
        self._up = asyncio.Event()
        self._heard = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, rig: Reach, terms: Terms, on_event: Callable[[Event], None]) -> GuardLink:
        """Push the scripts into a fresh private folder on a connected rig and start the guard; RigFault if it does not come up."""
        run = f"{terms.staging}/{PREFIX}{secrets.token_hex(6)}"
        try:
            return await cls._opened(rig, terms, run, on_event)
        except RigFault:
            # Nobody else clears it away where no guard comes up, and the next try makes another.
            with contextlib.suppress(RigFault):
                await rig.run(f"rm -rf {shlex.quote(run)}")
            raise

    @classmethod
    async def _opened(
        cls, rig: Reach, terms: Terms, run: str, on_event: Callable[[Event], None]
    ) -> GuardLink:
        await rig.push(run, {name: (SCRIPTS / name).read_bytes() for name in GUARD})
        channel = await rig.channel(f"exec {shlex.quote(terms.python)} -I {run}/guard.py")
        link = cls(channel, run, on_event)
        channel.send(json.dumps(terms.spec()).encode())
        link._tasks = [asyncio.create_task(link._listen()), asyncio.create_task(link._beat(terms.lease))]
        try:
            async with asyncio.timeout(UP_LIMIT):
                await link._up.wait()
        except TimeoutError:
            link.why = f"no word from it within {UP_LIMIT:g} s"
        except asyncio.CancelledError:
            await link.close()
            raise
        if not link.pid:
            await link.close()
            raise LinkFault(
                f"rig {rig.name}: the guard did not come up: {link.why or 'it ended'}; check `python` ({terms.python}) in room.toml"
            )
        return link

    async def _listen(self) -> None:
        """Take in the guard's lines until it ends, or something breaks that hears them."""
        try:
            async for text in self._channel.lines():
                self._heard = time.monotonic()
                self._hear(text)
            if not self.pid:
                self.why = self.why or "".join((await self._channel.complaint()).splitlines()[-1:])
        except Exception as error:
            logger.exception("the guard in %s is heard no more", self.run)
            self.why = self.why or f"{type(error).__name__}: {error}; see the log"
        self.why = self.why or "the link broke"
        self.closed.set()
        self._up.set()

    def _hear(self, text: bytes) -> None:
        try:
            event = event_of(text)
        except BadInput as error:
            logger.warning("guard said %.100r, which nobody understands: %s", text, error)
            return
        if event["event"] == "up":
            self.pid, self.blind = event["pid"], event.get("blind", "")[:200]
            self._up.set()
        elif event["event"] == "down":
            self.why = event["why"]
        self._on_event(event)

    async def _beat(self, lease: float) -> None:
        """Beat the lease; a guard that does not answer for as long as that has let its workers go: so do we."""
        looks = 0
        while not self.closed.is_set():
            if looks % LOOKS == 0:
                self.send(op="beat")
            looks += 1
            if await awake(lease / BEATS / LOOKS) and time.monotonic() - self._heard > lease:
                self.why = self.why or f"the guard was silent for {time.monotonic() - self._heard:.0f} s"
                self.closed.set()

    async def kernel_log(self, rig: Reach, seconds: float) -> list[str]:
        """Return what the kernel's log says of the last seconds, asked over the connection because the guard may not read it.

        A rig that refuses is not asked again over this link.
        """
        if not self._refusal:
            lines, self._refusal = await kernel.ask(rig, seconds)
            if lines or not self._refusal:
                return lines
        return [f"kernel log not readable: {self.blind}; {self._refusal}"[:300]]

    def send(self, **line: Any) -> None:
        """Send the guard one line."""
        self._channel.send(json.dumps(line).encode())

    async def close(self) -> None:
        """End the guard and with it every worker; wait a little until it has gone."""
        self.send(op="end")
        try:
            async with asyncio.timeout(3.0):
                if self.pid and not self.closed.is_set():
                    await self.closed.wait()
        except TimeoutError:
            logger.warning("the guard in %s did not say good-bye", self.run)
        self._channel.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.closed.set()
