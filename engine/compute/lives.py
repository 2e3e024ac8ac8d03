"""One life of the cluster after the other: the first is tried a few times, each that is lost is replaced, a little later while it fails."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from engine.compute.life import Ground, Life
from engine.compute.place import Place
from engine.compute.slot import FIRST_DELAY, LAST_DELAY, START_LIMIT
from engine.compute.traffic import Traffic
from engine.compute.wire import Wire
from engine.errors import EnvironmentFault, UsageError

logger = logging.getLogger(__name__)

FIRST_DELAYS = (0.5, 2.0)
"""Seconds before the second and the third try to come up at all."""


class Lives:
    """All lives of one coordinator; `now` is the present one, and the traffic's."""

    def __init__(self, ground: Ground, places: dict[str, Place], traffic: Traffic) -> None:
        """Begin with none."""
        self.now: Life | None = None
        self.port = 0
        """The scheduler's loopback port; it stays the same over lives where it can."""
        self._ground, self._places, self._traffic = ground, places, traffic

    async def begin(self) -> None:
        """Start scheduler and workers; a process that something kills while it comes up must not cost the work that waits."""
        begun = time.monotonic()
        for delay in FIRST_DELAYS:
            try:
                return await self._next()
            except EnvironmentFault as error:
                if time.monotonic() - begun > START_LIMIT:
                    raise
                logger.warning("%s; next try in %.1f s", error, delay)
                await asyncio.sleep(delay)
        return await self._next()

    async def _next(self) -> None:
        traffic = self._traffic
        wire = Wire(traffic.answered, traffic.ended)
        life = await Life.start(self._ground, list(self._places.values()), traffic, wire, self.port)
        self.now = traffic.life = life
        self.port = life.port
        await self._match(life)

    async def _match(self, life: Life) -> None:
        """Let a life keep the places that there are now: some may have come, gone or changed while it came up."""
        for slot in list(life.slots.values()):
            if self._places.get(slot.name) is not slot.place:
                await life.remove(slot.name)
        for place in self._places.values():
            if place.name not in life.slots:
                life.add(place)

    async def supervise(self) -> None:
        """Replace a life that was lost, each time a little later while it keeps failing."""
        delay = FIRST_DELAY
        while True:
            assert self.now is not None
            await self.now.lost.wait()
            try:
                self._traffic.bury()
                await self.now.close()
                await self._next()
                delay = FIRST_DELAY
            except Exception:
                logger.exception("the cluster did not come up again; next try in %.1f s", delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_DELAY)
                continue
            self._traffic.deal_soon()

    # -- places, over all lives ---------------------------------------------------------------------------------------

    def add(self, place: Place) -> None:
        """Keep a worker at one more place; UsageError if the name is taken."""
        if place.name in self._places:
            raise UsageError(f"a worker called {place.name} is there already; dismiss it first")
        self._places[place.name] = place
        if self.now is not None and not self.now.lost.is_set():  # the next life finds it among the places
            self.now.add(place)

    async def remove(self, name: str) -> None:
        """Keep no worker at a place any more."""
        self._places.pop(name, None)
        if self.now is not None:
            await self.now.remove(name)

    async def use_card(self, name: str, used: bool) -> None:
        """Start the worker of a place again with its GPU or without; the place is never gone meanwhile."""
        place = self._places[name]
        if place.gpu == used:
            return
        life, self._places[name] = self.now, replace(place, gpu=used)
        if life is not None:
            await life.remove(name)
            if life is self.now and not life.lost.is_set():
                life.add(self._places[name])
