"""One life of the cluster: a scheduler process, its workers and our client; it ends as a whole when the scheduler ends."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from engine.compute import settings
from engine.compute.child import Child
from engine.compute.host import host_report
from engine.compute.perform import describe
from engine.compute.slot import LOOK, START_LIMIT, Slot, SlotSpec
from engine.errors import EnvironmentFault

logger = logging.getLogger(__name__)

TOO_LATE = f"no answer within {START_LIMIT:.0f} s"
KEY = "mimicry"
"""First part of every Dask key; a constant, because Dask remembers each prefix for ever."""


class WorkerFault(Exception):
    """The workers could not answer: they died under the task too often, or could not even read it."""


class ConnectionLost(Exception):
    """Dask let the task go: the connection to the scheduler was cut, or is being closed."""


class Life:
    """Scheduler, workers and client. The scheduler holds nothing that the coordinator could not submit again."""

    def __init__(self, state: Path) -> None:
        """Prepare; use `Life.start`."""
        self.state = state
        self.lost = asyncio.Event()
        """Set once the scheduler is gone; everything in flight must be submitted again elsewhere."""
        self.slots: list[Slot] = []
        self._client: Any = None
        self._scheduler: Child | None = None
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[Any]] = []

    @classmethod
    async def start(cls, state: Path, workers: int, kinds: Mapping[str, str], memory: int | None) -> Life:
        """Start everything at once and return when each worker has come up or failed; EnvironmentFault if none is up."""
        life = cls(state)
        try:
            await life._start(workers, kinds, memory)
        except BaseException:
            await life.close()
            raise
        return life

    async def _start(self, workers: int, kinds: Mapping[str, str], memory: int | None) -> None:
        shutil.rmtree(self.state / "compute", ignore_errors=True)
        log = self.state / "logs" / "compute-scheduler.log"
        scheduler = await Child.spawn("engine.compute.scheduler", {"name": "scheduler"}, log, self._on_event)
        self._scheduler = scheduler
        self._begin(self._watch_scheduler(scheduler))
        report = asyncio.ensure_future(asyncio.to_thread(host_report, False))
        spec = SlotSpec(self.state, kinds, report, self._address, memory)
        self.slots = [Slot(f"worker-{index}", spec) for index in range(workers)]
        try:
            async with asyncio.timeout(START_LIMIT):
                # The interpreters of the children start meanwhile.
                await asyncio.to_thread(_import_distributed)
                await report
                self._client = await _connect(await self._address)
                await asyncio.gather(*(slot.settled.wait() for slot in self.slots))
        except OSError as error:
            # TimeoutError is one of them.
            raise EnvironmentFault(self._complaint(f"not up: {error or TOO_LATE}", log)) from error
        if not any(slot.alive for slot in self.slots):
            raise EnvironmentFault(self._complaint("no worker came up", log))

    def _complaint(self, what: str, log: Path) -> str:
        notes = "; ".join(f"{slot.name}: {slot.info().note}" for slot in self.slots if not slot.alive)
        return f"compute: {what} ({notes or 'scheduler'}); read {log.parent}/compute-*.log"

    def _begin(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "ready" and not self._address.done():
            self._address.set_result(event["address"])

    async def _watch_scheduler(self, scheduler: Child) -> None:
        """Declare this life lost when the scheduler ends or falls silent."""
        ended = asyncio.create_task(scheduler.wait())
        try:
            while not ended.done() and scheduler.silence() < settings.SILENCE:
                await asyncio.wait({ended}, timeout=LOOK)
        finally:
            ended.cancel()
        logger.error("the scheduler is gone; everything restarts and what is missing is submitted again")
        scheduler.kill()
        self.lost.set()
        if not self._address.done():
            self._address.set_exception(
                EnvironmentFault("compute: the scheduler did not start; read its log")
            )

    def submit(self, serial: int, payload: bytes) -> Any:
        """Submit one payload and return Dask's future."""
        from engine.compute.worker import execute

        return self._client.submit(execute, payload, key=(KEY, serial), pure=False)

    async def answer(self, future: Any) -> bytes:
        """Wait for the answer of a submitted payload; ConnectionLost if Dask let go of it, WorkerFault if it cannot come."""
        from distributed import KilledWorker

        try:
            answer = await future
        except KilledWorker as error:
            raise WorkerFault(
                f"its worker died {error.allowed_failures + 1} times while running it"
            ) from error
        except (CancelledError, OSError) as error:
            raise ConnectionLost(str(error)) from error
        except Exception as error:
            raise WorkerFault(describe(error)) from error
        if not isinstance(answer, bytes):
            raise WorkerFault(f"a worker answered with {type(answer).__name__}, bytes are the rule")
        return answer

    def drop(self, serial: int) -> None:
        """Tell the workers that nobody waits for this job."""
        for slot in self.slots:
            slot.drop(serial)

    def kill_running(self, serial: int) -> bool:
        """Kill the worker that runs this job; True if there was one."""
        return any(slot.kill_if_running(serial) for slot in self.slots)

    @property
    def scheduler_pid(self) -> int | None:
        """The scheduler's process id."""
        return self._scheduler.pid if self._scheduler is not None else None

    def up(self) -> int:
        """Return how many workers take work."""
        return sum(slot.alive for slot in self.slots)

    async def close(self) -> None:
        """End every process of this life, and everything that waits for one."""
        self.lost.set()
        for task in self._tasks:
            task.cancel()
        # Workers first: those of a dead scheduler would be started again under it.
        await asyncio.gather(*self._tasks, *(slot.close() for slot in self.slots), return_exceptions=True)
        if self._client is not None:
            # The fast way, which Dask keeps to itself: its polite one waits seconds for a scheduler that is gone.
            await asyncio.gather(self._client._close(fast=True), return_exceptions=True)
            self._client = None
        if self._scheduler is not None:
            await self._scheduler.close()
        shutil.rmtree(self.state / "compute", ignore_errors=True)


def _import_distributed() -> None:
    """Import the client library with our settings, off the loop: it takes most of a second."""
    settings.apply(logging.CRITICAL)
    import distributed  # noqa: F401


async def _connect(address: str) -> Any:
    """Return a Dask client of our own loop."""
    from distributed import Client

    return await Client(address, asynchronous=True, set_as_default=False, name="mimicry", timeout=10)
