"""One place for a worker: start it, admit or refuse it, watch it, and start it again when it dies."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.compute.child import Child
from engine.compute.host import HostReport
from engine.compute.settings import SILENCE

logger = logging.getLogger(__name__)

FIRST_DELAY, LAST_DELAY = 0.2, 30.0
"""Seconds before the first relaunch, and at most before any."""
STEADY = 30.0
"""Seconds of life after which the delay starts over."""
START_LIMIT = 60.0
"""Seconds a worker has for its start."""
LOOK = 1.0
"""Seconds between two looks at its age and memory."""


@dataclass(frozen=True)
class WorkerInfo:
    """What is known about one worker."""

    name: str
    alive: bool
    """Registered and taking work."""
    busy: bool
    age: float
    """Seconds since its last sign of life; infinite if it never gave one."""
    isa: str
    digest: str
    pid: int | None
    rss: int
    """Resident bytes at its last sign of life."""
    starts: int
    """How often it was started in this life of the scheduler."""
    note: str
    """Why it is not alive, empty otherwise."""


@dataclass(frozen=True)
class SlotSpec:
    """What every worker of one coordinator has in common."""

    state: Path
    kinds: Mapping[str, str]
    report: asyncio.Future[HostReport]
    """The coordinator's own kernels."""
    address: asyncio.Future[str]
    """Where the scheduler listens, once it does."""
    memory: int | None
    """Resident bytes above which an idle worker is replaced; None for no limit."""


class Slot:
    """Keeps one worker running until it is closed or refused."""

    def __init__(self, name: str, spec: SlotSpec) -> None:
        """Begin to keep a worker called `name`."""
        self.name = name
        self.settled = asyncio.Event()
        """Set once the first start has ended, well or not."""
        self.refused = ""
        self._spec = spec
        self._child: Child | None = None
        self._report: HostReport | None = None
        self._ready = False
        self._serial: int | None = None
        self._rss = 0
        self._starts = 0
        self._note = "starting"
        self._on_purpose = False
        self._keeper = asyncio.create_task(self._keep(), name=f"slot {name}")

    async def _keep(self) -> None:
        """Start the worker again and again, each time a little later, until it is refused."""
        delay = FIRST_DELAY
        while True:
            begun = time.monotonic()
            code = await self._live()
            if self.refused:
                return
            if self._on_purpose or time.monotonic() - begun > STEADY:
                delay = FIRST_DELAY
            self._note = f"ended with {code}, next start in {delay:.1f} s"
            logger.warning("worker %s %s; its log is %s", self.name, self._note, self._log())
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)

    async def _live(self) -> int:
        """Start the worker once and return its exit code."""
        self._starts += 1
        self._ready, self._serial, self._note, self._on_purpose = False, None, "starting", False
        child = self._child = await Child.spawn(
            "engine.compute.worker", self._worker_spec(), self._log(), self._on_event
        )
        watcher = asyncio.create_task(self._watch(child))
        try:
            return await child.wait()
        finally:
            self._ready, self._serial = False, None
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await child.close()
            self.settled.set()

    def _worker_spec(self) -> dict[str, Any]:
        state = self._spec.state
        return {
            "name": self.name,
            "word": str(state / "stop.word"),
            "kinds": dict(self._spec.kinds),
            "directory": str(state / "compute"),
        }

    def _log(self) -> Path:
        return self._spec.state / "logs" / f"compute-{self.name}.log"

    def _on_event(self, event: dict[str, Any]) -> None:
        """Take in one line of the worker."""
        match event.get("event"):
            case "report":
                self._report = HostReport.load(event)
                if self._child is not None:
                    self._admission = asyncio.create_task(self._admit(self._child, self._report))
            case "ready":
                self._ready, self._note = True, ""
                self.settled.set()
            case "beat":
                self._serial, self._rss = event.get("serial"), int(event.get("rss", 0))
            case other:
                logger.warning("worker %s said %r, which nobody understands", self.name, other)

    async def _admit(self, child: Child, report: HostReport) -> None:
        """Send the scheduler's address, unless the worker's kernels are not ours: then end it for good."""
        own, address = self._spec.report, self._spec.address
        futures: list[asyncio.Future[Any]] = [own, address]
        await asyncio.wait(futures)
        if own.cancelled() or own.exception() or address.cancelled() or address.exception():
            # The start as a whole has failed, and says so itself.
            return
        reason = report.against(own.result())
        if reason is None:
            child.send({"scheduler": address.result()})
            return
        self.refused = reason
        logger.error("worker %s refused: %s", self.name, reason)
        child.kill()

    async def _watch(self, child: Child) -> None:
        """Kill the worker if it hangs, does not get up, or has grown too large while idle."""
        begun = time.monotonic()
        while True:
            await asyncio.sleep(LOOK)
            late = not self._ready and time.monotonic() - begun > START_LIMIT
            memory = self._spec.memory
            fat = memory is not None and self._serial is None and self._rss > memory
            if late or fat or (self._ready and child.silence() > SILENCE):
                logger.warning(
                    "worker %s killed: late %s, fat %s, silent %.0f s", self.name, late, fat, child.silence()
                )
                child.kill()

    @property
    def alive(self) -> bool:
        """Tell whether the worker is registered and takes work."""
        return self._ready

    def drop(self, serial: int) -> None:
        """Tell the worker that nobody waits for this job."""
        if self._child is not None:
            self._child.send({"drop": serial})

    def kill_if_running(self, serial: int) -> bool:
        """Kill the worker if it runs this job; True if it did."""
        if self._child is None or self._serial != serial:
            return False
        # Ended by us, so its next start owes nothing to the back-off.
        self._on_purpose = True
        self._child.kill()
        return True

    def info(self) -> WorkerInfo:
        """Return what is known about the worker now."""
        child, report = self._child, self._report
        return WorkerInfo(
            name=self.name,
            alive=self._ready,
            busy=self._serial is not None,
            age=child.silence() if child else float("inf"),
            isa=report.isa if report else "",
            digest=report.digest if report else "",
            pid=child.pid if child and child.alive else None,
            rss=self._rss,
            starts=self._starts,
            note=self.refused or self._note,
        )

    async def close(self) -> None:
        """End the worker and stop keeping it."""
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
