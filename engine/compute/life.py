"""One life of the cluster: a scheduler process, its workers and our connection; it ends as a whole when the scheduler ends."""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.compute import settings
from engine.compute.awake import awake
from engine.compute.child import Child
from engine.compute.host import HostReport, host_report
from engine.compute.pki import Authority, Credentials
from engine.compute.place import Place, SlotSpec
from engine.compute.slot import LOOK, START_LIMIT, Listener, Slot
from engine.compute.wire import Wire, import_distributed
from engine.errors import EnvironmentFault

logger = logging.getLogger(__name__)

TOO_LATE = f"no answer within {START_LIMIT:.0f} s"


@dataclass(frozen=True)
class Ground:
    """What all lives of one coordinator have in common."""

    state: Path
    kinds: Mapping[str, str]
    memory: int | None
    generation: Callable[[], int]
    halted: Callable[[], bool]


class Life:
    """Scheduler, workers and connection. The scheduler holds nothing that the coordinator could not submit again."""

    def __init__(self, ground: Ground, listener: Listener, wire: Wire) -> None:
        """Prepare; use `Life.start`."""
        self.lost = asyncio.Event()
        """Set once the scheduler is gone; everything in flight must be submitted again elsewhere."""
        self.slots: dict[str, Slot] = {}
        self.wire = wire
        self.port = 0
        """Loopback port of the scheduler."""
        self.refusals = 0
        """Connections and messages that the fence turned away."""
        self._ground, self._listener = ground, listener
        self._scheduler: Child | None = None
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[Any]] = []
        self._spec: SlotSpec | None = None

    @classmethod
    async def start(
        cls, ground: Ground, places: Sequence[Place], listener: Listener, wire: Wire, port: int = 0
    ) -> Life:
        """Start everything at once and return when each worker of this machine has come up or failed.

        `port` is the one that tunnels lead to; another one is taken if it is not free. EnvironmentFault if none is up.
        """
        life = cls(ground, listener, wire)
        try:
            await life._start(places, port)
        except BaseException:
            await life.close()
            raise
        return life

    async def _start(self, places: Sequence[Place], port: int) -> None:
        shutil.rmtree(self._ground.state / "compute", ignore_errors=True)
        log = self._ground.state / "logs" / "compute-scheduler.log"
        authority = await asyncio.to_thread(Authority)
        self._scheduler = await self._started(authority.leaf("scheduler", "scheduler"), log, port)
        self._begin(self._watch_scheduler(self._scheduler))
        report: asyncio.Future[HostReport] = asyncio.ensure_future(asyncio.to_thread(host_report, False))
        ground, launches = self._ground, itertools.count(1)
        self._spec = SlotSpec(
            ground.kinds,
            report,
            self._address,
            ground.memory,
            authority,
            ground.generation,
            ground.halted,
            lambda: next(launches),
        )
        for place in places:
            self.add(place)
        try:
            async with asyncio.timeout(START_LIMIT):
                # The interpreters of the children start meanwhile.
                await asyncio.to_thread(import_distributed)
                await report
                address = await self._address
                self.port = int(address.rsplit(":", 1)[1])
                await self.wire.open(address, authority.leaf("client", "engine"))
                here = [slot for slot in self.slots.values() if not slot.place.remote]
                await asyncio.gather(*(slot.settled.wait() for slot in here))
        except OSError as error:
            # TimeoutError is one of them.
            raise EnvironmentFault(self._complaint(f"not up: {error or TOO_LATE}", log)) from error
        if here and not any(slot.alive for slot in here):
            raise EnvironmentFault(self._complaint("no worker came up", log))

    async def _started(self, credentials: Credentials, log: Path, port: int) -> Child:
        spec = {"name": "scheduler", "port": port, "tls": asdict(credentials)}
        try:
            return await Child.spawn("engine.compute.scheduler", spec, log, self._on_event)
        except OSError as error:
            raise EnvironmentFault(self._complaint(f"its scheduler does not start: {error}", log)) from error

    def add(self, place: Place) -> None:
        """Begin to keep a worker at a place."""
        assert self._spec is not None
        self.slots[place.name] = Slot(place, self._spec, self._listener)

    async def remove(self, name: str) -> None:
        """End the worker of a place and keep none there."""
        slot = self.slots.pop(name, None)
        if slot is not None:
            await slot.close()

    def _complaint(self, what: str, log: Path) -> str:
        notes = "; ".join(
            f"{slot.name}: {slot.info().note}" for slot in self.slots.values() if not slot.alive
        )
        return f"compute: {what} ({notes or 'scheduler'}); read {log.parent}/compute-*.log"

    def _begin(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _on_event(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "ready" if not self._address.done():
                self._address.set_result(event["address"])
            case "refused":
                self.refusals += 1
                logger.error("the scheduler refused: %s", event.get("why"))

    async def _watch_scheduler(self, scheduler: Child) -> None:
        """Declare this life lost when the scheduler ends or falls silent, or our connection to it is cut."""
        ended, cut = asyncio.create_task(scheduler.wait()), asyncio.create_task(self.wire.cut.wait())
        silent = asyncio.create_task(_silent(scheduler, self._address))
        try:
            await asyncio.wait({ended, cut, silent}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ended, cut, silent):
                task.cancel()
        logger.error("the scheduler is gone; everything restarts and what is missing is submitted again")
        scheduler.kill()
        self.lost.set()
        if not self._address.done():
            self._address.set_exception(
                EnvironmentFault("compute: the scheduler did not start; read its log")
            )

    def slot(self, alias: str) -> Slot | None:
        """Return the slot whose present worker has this name."""
        slot = self.slots.get(alias.partition("#")[0])
        return slot if slot is not None and slot.alias == alias else None

    @property
    def scheduler_pid(self) -> int | None:
        """The scheduler's process id."""
        return self._scheduler.pid if self._scheduler is not None else None

    async def close(self) -> None:
        """End every process of this life, and everything that waits for one."""
        self.lost.set()
        for task in self._tasks:
            task.cancel()
        # Workers first: those of a dead scheduler would be started again under it.
        slots = [slot.close() for slot in self.slots.values()]
        await asyncio.gather(*self._tasks, *slots, return_exceptions=True)
        if self._scheduler is not None:
            await self._scheduler.close()
        # Last: Dask waits until a scheduler that stands still has read what was sent, and one that is gone is not waited for.
        await self.wire.close()
        shutil.rmtree(self._ground.state / "compute", ignore_errors=True)


async def _silent(scheduler: Child, up: asyncio.Future[str]) -> None:
    """Return once a scheduler that has come up has been silent for too long; on a starved machine its imports alone may take longer."""
    await asyncio.wait([up])
    while not await awake(LOOK) or scheduler.silence() < settings.SILENCE:
        pass
