"""One GPU's worker on a rig, kept running: attempt after attempt, each a little later while it keeps dying, unless something holds it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from engine.rigs.attempt import LOOK, Attempt, Gate, Held, Running, State
from engine.rigs.guardlink import Event, GuardLink, Terms
from engine.rigs.payload import Crew, Place, visibility
from engine.rigs.reach import Reach
from engine.rigs.staging import folder

FIRST_DELAY, LAST_DELAY, STEADY = 1.0, 60.0, 60.0
"""Seconds before the first relaunch and at most before any; seconds of work after which the delay starts over."""
KEPT = 20


class RigWorker:
    """Keeps one worker at one place for as long as the guard's link lasts."""

    def __init__(
        self, rig: Reach, terms: Terms, slot: int, pci: str, *, backend: str, env: Mapping[str, str], crew: Crew,
        gate: Gate, held: Held, ended: Callable[[Attempt], None], number: Callable[[], int | None],
    ) -> None:  # fmt: skip
        """`held()` says whether at once and why it may not run; `number()` what the runtime calls its card now; `ended` takes every attempt."""
        self.slot, self.pci = slot, pci
        self.place = Place(
            rig.name,
            slot,
            pci,
            terms.python,
            env,
            folder(terms.staging),
            terms.reserve,
        )
        self.attempts: deque[Attempt] = deque(maxlen=KEPT)
        self.starts = 0
        self.running: Running | None = None
        self._rig, self._terms, self._crew, self._gate = rig, terms, crew, gate
        self._held, self._ended, self._backend, self._number = held, ended, backend, number
        self._state: State = "off"
        self._note = ""
        self._seen_to = False

    @property
    def state(self) -> State:
        """Return where it is in its life."""
        return self.running.state if self.running is not None else self._state

    @property
    def note(self) -> str:
        """Return why it is not ready, or how the last attempt ended."""
        return (self.running.note if self.running is not None else "") or self._note

    @property
    def pid(self) -> int | None:
        """Return its pid on the rig."""
        return self.running.pid if self.running is not None else None

    def take(self, event: Event) -> None:
        """Take in an event of the guard that names this worker."""
        if self.running is not None:
            self.running.take(event)

    async def keep(self, link: GuardLink, tunnel: Callable[[int], Awaitable[int]]) -> None:
        """Start it again and again until the link ends; one whose self-test failed waits until somebody has looked at it."""
        delay = FIRST_DELAY
        while not link.closed.is_set():
            if (held := self._held()) is not None:
                self._state, self._note = "held", held[1]
                await self._pause(link, LOOK)
                continue
            running = await self._attempt(link, tunnel)
            if self._state == "refused":
                await self._until_looked_at(link)
                continue
            steady = running.ready_at is not None and time.monotonic() - running.ready_at > STEADY
            delay = FIRST_DELAY if steady else delay
            await self._pause(link, 0 if self._crew.paced else delay)
            delay = min(delay * 2, LAST_DELAY)
        self._state, self._note = "off", link.why

    async def _attempt(self, link: GuardLink, tunnel: Callable[[int], Awaitable[int]]) -> Running:
        """Go through one attempt."""
        number = self._number()
        shown = visibility(self._backend, self.slot if number is None else number)
        running = self.running = Running(
            self._rig, link, replace(self.place, env={**shown, **self.place.env}), self.starts + 1, crew=self._crew, gate=self._gate, held=self._held,
            tunnel=tunnel, delay=self._terms.delay, start_limit=self._terms.start_limit,
        )  # fmt: skip
        self._note = ""
        try:
            attempt = await running.run()
        finally:
            self.running = None
        self._state = "waiting"
        if attempt is not None:
            self.starts += 1
            self._state = "refused" if running.state == "refused" else "waiting"
            self._note = attempt.cause
            self.attempts.append(attempt)
            self._ended(attempt)
        return running

    async def _pause(self, link: GuardLink, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await link.closed.wait()
        except TimeoutError:
            return

    async def _until_looked_at(self, link: GuardLink) -> None:
        """Wait until somebody includes the card, or sets it aside, from where it is included again, or the link ends."""
        self._seen_to = False
        while not (link.closed.is_set() or self._seen_to) and self._held() is None:
            await self._pause(link, LOOK)

    def look_again(self) -> None:
        """Try it again where it was refused."""
        self._seen_to = True
