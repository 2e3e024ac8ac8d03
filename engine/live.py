"""The live loop as services of the room: draws as they come, the search that the history calls for, a missed stream found again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.dispatch.forms import PipelineRerun
from engine.feedback.searches import due

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.dispatch.queue import Queue
    from engine.feedback.consult import Consultant


class Live:
    """Takes draws in order and asks for what they call for; nothing of the analysis is imported before the first draw."""

    def __init__(
        self, desk: Desk, queue: Queue, consultant: Consultant, news: asyncio.Event, wake: Callable[[], None]
    ) -> None:
        """`news` is set when draws came; `wake()` tells the watcher to look."""
        self._desk, self._queue, self._consultant = desk, queue, consultant
        self._news, self._wake = news, wake
        self._forecasting = asyncio.Event()

    async def serve(self) -> None:
        """Take draws as they come, forever."""
        while True:
            self._news.clear()
            if not self._desk.intake.empty:
                await asyncio.to_thread(lambda: self._desk.intake.store)
                await self._turn()
            await self._news.wait()

    async def _turn(self) -> None:
        cycle = self._desk.cycle()
        judged = await cycle.drain()
        for fired in judged.fired:
            self._consultant.tell(fired, self._desk.intake.count, cycle.health.summary())
        if judged.pool_for is not None:
            self._forecasting.set()
        if self._forecasting.is_set() and await self._desk.reacquirer(self._news.set).turn():
            await cycle.issue()
        self._ask_for_search()

    async def reacquire(self) -> None:
        """Look for missed streams, forever, once there are pools."""
        await self._forecasting.wait()
        await self._desk.reacquirer(self._news.set).serve()

    def _ask_for_search(self) -> None:
        desk, epoch = self._desk, self._desk.epochs.now
        verdict = desk.shelf.last_verdict(epoch.since)
        asked = due(epoch, desk.intake.count, verdict, desk.journal)
        key = None if asked is None else asked.unasked(desk.journal.requests)
        if asked is not None and key is not None:
            self._queue.submit(PipelineRerun(reason=asked.why[:500]), origin="history", key=key)
            self._wake()
