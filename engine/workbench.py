"""Where the daemon's work runs: the compute engine, started with the first work and released after idle minutes."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.compute.attempts import Attempt
    from engine.compute.cluster import Compute
    from engine.compute.here import Cards
    from engine.compute.place import WorkerInfo

logger = logging.getLogger("mimicry.workbench")
LOOK = 1.0


class Recruits(Protocol):
    """What brings the GPUs of rigs in: other machines' (`engine.rigs.recruits`), this one's (`engine.rigs.own`)."""

    def join(self, compute: Compute) -> None:
        """Offer them to an engine that has come up."""

    def leave(self) -> None:
        """Forget an engine that is about to end."""


class Workbench:
    """Lends the compute engine. Nothing of it is imported before the first loan; importing happens off the loop."""

    def __init__(
        self,
        state: Path,
        *,
        workers: int | None,
        memory_mb: int | None,
        idle_seconds: float,
        hung_s: float | None = None,
    ) -> None:
        """Remember the settings; nothing starts yet."""
        self._state, self._workers, self._idle, self._hung = state, workers, idle_seconds, hung_s
        self._memory = None if memory_mb is None else memory_mb << 20
        self._compute: Compute | None = None
        self.recruits: Sequence[Recruits] = ()
        """What brings the rigs' GPUs in, where the room has rigs."""
        self.cards: Cards | None = None
        """This machine's GPUs, where room.toml describes them."""
        self._lock = asyncio.Lock()
        self._users, self._used = 0, time.monotonic()

    @property
    def planned_workers(self) -> int:
        """Return how many workers there are or will be."""
        return self._workers or len(os.sched_getaffinity(0))

    @property
    def gpus_here(self) -> int:
        """Return how many GPUs of this machine its workers own or will own."""
        from engine.compute import here

        found = len(here.gpus() if self.cards is None else self.cards.shown)
        return found if self._workers is None else min(found, self._workers)

    @property
    def busy(self) -> bool:
        """Say whether somebody holds a loan."""
        return self._users > 0

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Compute]:
        """Lend the compute engine for a piece of work, starting it if need be."""
        async with self._lock:
            self._users += 1
            try:
                compute = self._compute or await self._start()
                if self._compute is None:
                    for one in self.recruits:
                        one.join(compute)
                self._compute = compute
            except BaseException:
                self._users -= 1
                raise
        try:
            yield compute
        finally:
            self._users -= 1
            self._used = time.monotonic()

    async def ready(self) -> None:
        """Start the compute engine if need be; whoever stops waiting for it leaves it to start by itself."""
        async with self.lend():
            return

    async def _start(self) -> Compute:
        def load() -> type[Compute]:
            from engine.compute.cluster import Compute

            return Compute

        logger.info("starting %d CPU workers", self.planned_workers)
        compute = await asyncio.to_thread(load)
        starting = compute.start(
            self._state, workers=self._workers, memory=self._memory, hung=self._hung, cards=self.cards
        )
        # It outlives the work that asked for it, so its lines must not carry that work's ids.
        return await asyncio.create_task(starting, context=Context())

    def workers(self) -> list[WorkerInfo] | None:
        """Return the workers, None while there are none."""
        return None if self._compute is None else self._compute.workers()

    def workers_here(self) -> list[WorkerInfo] | None:
        """Return the workers of this machine; a rig's are its GPUs, and shown there."""
        workers = self.workers()
        return None if workers is None else [worker for worker in workers if "/" not in worker.name]

    def rate(self) -> float | None:
        """Return hypotheses per second over the last whole seconds, None while nothing runs."""
        if self._compute is None:
            return None
        series = self._compute.rate_series(15)[:-3] or [0.0]
        return sum(series) / len(series)

    def attempts(self, most: int) -> list[Attempt]:
        """Return the latest tries of tasks that gave no result, newest first; also those of earlier workers."""
        if self._compute is not None:
            return self._compute.attempts(most)
        from engine.compute.attempts import FILE_NAME, AttemptLog

        return AttemptLog(self._state / "logs" / FILE_NAME).newest(most)

    def degraded(self) -> list[str]:
        """Return what of the workers runs otherwise than it was asked to."""
        return [] if self._compute is None else self._compute.degraded()

    def resume(self) -> None:
        """Let work run again after a halt."""
        if self._compute is not None:
            self._compute.resume()

    async def run(self) -> None:
        """Release the workers whenever they were idle long enough, forever."""
        while True:
            await asyncio.sleep(min(LOOK, self._idle))
            if self._compute is not None and not self.busy and time.monotonic() - self._used >= self._idle:
                await self.close()

    async def close(self) -> None:
        """End the workers, if there are any."""
        async with self._lock:
            if self._compute is not None and not self.busy:
                compute, self._compute = self._compute, None
                for one in self.recruits:
                    one.leave()
                logger.info("releasing the workers")
                await compute.close()
