"""What a rig's worker has said and nobody has heard yet: in order, bounded, and of what each word replaces only the newest."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Hashable

from engine.rigs.guardlink import Event

REPLACED = frozenset({"begin", "beat"})
"""Words of a worker that make its earlier ones of that name worthless: a stalled loop owes nobody the jobs that came and went."""


class Inbox:
    """Events that wait. Its bound holds for what a sound worker says a few times in its life, however fast its jobs are."""

    def __init__(self, most: int) -> None:
        """Have room for `most` events."""
        self._most, self._numbers = most, itertools.count()
        self._waiting: dict[Hashable, Event] = {}
        self._news = asyncio.Event()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def put(self, event: Event) -> bool:
        """Take in an event, in the place of the one that it replaces; False where the oldest had to go for it."""
        line = event.get("line") or {}
        word = line.get("event")
        key = (event.get("attempt"), word) if word in REPLACED else next(self._numbers)
        room = key in self._waiting or len(self._waiting) < self._most
        if not room:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[key] = event
        self._news.set()
        return room

    async def get(self) -> Event:
        """Return the oldest event; wait for one where there is none."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.pop(next(iter(self._waiting)))
