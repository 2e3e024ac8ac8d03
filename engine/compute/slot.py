"""One place for a worker: start it, admit or refuse it, watch it, and start it again when it dies."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Protocol

from engine.compute.awake import awake
from engine.compute.enrol import Order, Process
from engine.compute.host import HostReport
from engine.compute.place import Ending, Place, SlotSpec, WorkerInfo
from engine.compute.settings import SILENCE

logger = logging.getLogger(__name__)

FIRST_DELAY, LAST_DELAY = 0.2, 30.0
"""Seconds before the first relaunch, and at most before any."""
STEADY = 30.0
"""Seconds of life after which the delay starts over."""
START_LIMIT = 60.0
"""Seconds a worker of this machine has for its start, once its process runs, and again once its GPU is initialised."""
REMOTE_START_LIMIT = 900.0
"""The same on a rig, and while it waits for its turn at the gate; the gate has shorter limits of its own."""
HELD = 0.1
"""Seconds between two looks whether a halted room has resumed."""
LOOK = 1.0
"""Seconds between two looks at its age and memory."""


class Listener(Protocol):
    """Who hears of workers that come, speak and go."""

    def joined(self, slot: Slot) -> None:
        """A worker takes work."""

    def beat(self, slot: Slot) -> None:
        """A worker gave a sign of life."""

    def left(self, slot: Slot, ending: Ending) -> None:
        """A worker that had joined is gone."""


class Slot:
    """Keeps one worker running until it is closed or refused."""

    def __init__(self, place: Place, spec: SlotSpec, listener: Listener) -> None:
        """Begin to keep a worker at `place`."""
        self.place, self.name = place, place.name
        self.settled = asyncio.Event()
        """Set once the first start has ended, well or not."""
        self.refused = ""
        self.alias = ""
        """Name of its present life."""
        self.free = 0
        """Bytes of memory that its machine has left for work, 0 if unknown."""
        self.idle = True
        """It holds no work; kept by whoever deals it out."""
        self.begun: int | None = None
        """Serial of the job that this life of it has begun last."""
        self._spec, self._listener = spec, listener
        self._process: Process | None = None
        self._report: HostReport | None = None
        self._admission: asyncio.Task[None] | None = None
        self._ready = False
        self._rss = self._idle_rss = self._starts = 0
        self._at_gate = False
        self._up_since = 0.0
        self._note, self._degraded = "starting", ""
        self._purpose, self._charged = "", True
        self._keeper = asyncio.create_task(self._keep(), name=f"slot {place.name}")

    async def _keep(self) -> None:
        """Start the worker again and again, each time a little later, until it is refused."""
        delay = FIRST_DELAY
        while True:
            begun = time.monotonic()
            try:
                how = f"ended with {await self._live()}"
            except OSError as error:
                # The transport could not start it; it may the next time.
                how = f"not started: {error}"
                self.settled.set()
            except Exception as error:
                logger.exception("worker %s", self.name)
                how = f"not started: {type(error).__name__}: {error}; see the log"
                self.settled.set()
            if self.refused:
                return
            if (self._purpose and not self._charged) or time.monotonic() - begun > STEADY:
                delay = FIRST_DELAY
            self._note = f"{how}, next start in {delay:.1f} s"
            logger.warning("worker %s %s", self.name, self._note)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)
            while self._spec.halted():
                # A start is work for the machine too: nothing begins in a room that was told to stand still.
                self._note = f"{how}, starts again when the room resumes"
                await asyncio.sleep(HELD)

    async def _live(self) -> int:
        """Start the worker once and return its exit code."""
        self._starts += 1
        self._ready, self._note, self._purpose, self._charged = False, "starting", "", True
        self.begun = None
        self._at_gate, self._up_since = False, time.monotonic()
        order = await self._order()
        self.alias = order.alias
        process = self._process = await self._launched(order)
        watcher = asyncio.create_task(self._watch(process))
        code: int | None = None
        try:
            code = await process.wait()
            return code
        finally:
            joined, self._ready = self._ready, False
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            words = process.last_words()
            await process.close()
            if joined:
                ending = Ending(
                    order.alias,
                    -9 if code is None else code,
                    words,
                    self._purpose,
                    self._charged and code is not None,
                    process.kernel_log,
                )
                self._listener.left(self, ending)
            self.settled.set()

    async def _launched(self, order: Order) -> Process:
        """Start it; what it says at once must find its process known."""
        early: list[dict[str, Any]] = []
        known: list[Process] = []

        def on_event(event: dict[str, Any]) -> None:
            if known:
                self._on_event(known[0], event)
            else:
                early.append(event)

        process = await self.place.launch(order, on_event)
        self._process, self._up_since = process, time.monotonic()  # a rig may have been away for hours
        known.append(process)
        for event in early:
            self._on_event(process, event)
        return process

    async def _order(self) -> Order:
        """Return the order for the next start, with fresh keys."""
        port = int((await asyncio.shield(self._spec.address)).rsplit(":", 1)[1]) if self.place.remote else 0
        owner = self.place.host or self.name
        return Order(
            self.name, self._spec.launches(), self._spec.generation(), port, self._spec.authority.leaf("worker", owner),
            self._spec.kinds, self.place.gpu,
        )  # fmt: skip

    def _on_event(self, process: Process, event: dict[str, Any]) -> None:
        """Take in one line of the worker; one out of form changes nothing."""
        try:
            self._take(process, event)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            logger.warning("worker %s said %.100r, which is out of form: %r", self.name, event, error)

    def _take(self, process: Process, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "report":
                self._report = HostReport.load(event)
                self._degraded = self._report.degraded
                self._admission = asyncio.create_task(self._admit(process, self._report))
            case "gate":
                self._at_gate, self._note = True, "waits for its turn to initialise its GPU"
            case "initialised":
                self._at_gate, self._up_since, self._note = False, time.monotonic(), "starting"
            case "ready":
                self._ready, self._note, self._idle_rss = True, "", 0
                self._listener.joined(self)
                self.settled.set()
            case "begin":
                self.begun = int(event["serial"])
            case "beat":
                self._rss, self.free = int(event.get("rss", 0)), self._left(int(event.get("free", 0)))
                self._idle_rss = self._rss if self.idle or not self._idle_rss else self._idle_rss
                self._degraded = str(event.get("degraded", "")) or self._degraded
                if self._ready:
                    self._listener.beat(self)
            case other:
                logger.warning("worker %s said %r, which nobody understands", self.name, other)

    def _left(self, free: int) -> int:
        """Return what its machine has left for work: at least one byte where that is known, because 0 stands for unknown."""
        return max(1, free - self.place.reserve) if free else 0

    @property
    def used(self) -> int:
        """Return the bytes by which its present task has made it grow."""
        return max(0, self._rss - self._idle_rss)

    async def _admit(self, process: Process, report: HostReport) -> None:
        """Send the scheduler's address, unless the worker's kernels are not ours: then end it for good."""
        own, address = self._spec.report, self._spec.address
        futures: list[asyncio.Future[Any]] = [own, address]
        await asyncio.wait(futures)
        if own.cancelled() or own.exception() or address.cancelled() or address.exception():
            # The start as a whole has failed, and says so itself.
            return
        reason = report.against(own.result(), elsewhere=self.place.remote)
        if reason is None:
            process.send({"scheduler": address.result(), "generation": self._spec.generation()})
            return
        self.refused = reason
        logger.error("worker %s refused: %s", self.name, reason)
        process.refuse(reason)

    async def _watch(self, process: Process) -> None:
        """Kill the worker if it hangs, does not get up, or has grown too large while idle."""
        while True:
            if not await awake(LOOK):
                continue
            memory = self._spec.memory
            limit = REMOTE_START_LIMIT if self.place.remote or self._at_gate else START_LIMIT
            if not self._ready and time.monotonic() - self._up_since > limit:
                self.kill(f"not up within {limit:.0f} s")
            elif memory is not None and self._ready and self.idle and self._rss > memory:
                self.kill(f"grew to {self._rss >> 20} MiB", charged=False)
            elif self._ready and process.silence() > SILENCE:
                self.kill(f"silent for {process.silence():.0f} s")

    @property
    def alive(self) -> bool:
        """Tell whether the worker is registered and takes work."""
        return self._ready

    def drop(self, serial: int) -> None:
        """Tell the worker that nobody waits for this job."""
        self.say({"drop": serial})

    def say(self, line: dict[str, Any]) -> None:
        """Send the worker a line."""
        if self._process is not None:
            self._process.send(line)

    def kill(self, purpose: str, *, charged: bool = True) -> None:
        """Kill the worker; it is started again. Without `charged` its task is not to blame, and the back-off owes nothing."""
        if self._process is not None and not self._purpose:
            self._purpose, self._charged = purpose, charged
            logger.warning("worker %s killed: %s", self.name, purpose)
        if self._process is not None:
            self._process.kill(self._purpose)

    def info(self) -> WorkerInfo:
        """Return what is known about the worker now."""
        process, report = self._process, self._report
        return WorkerInfo(
            name=self.name,
            alive=self._ready,
            busy=not self.idle,
            age=process.silence() if process else float("inf"),
            isa=report.isa if report else "",
            digest=report.digest if report else "",
            pid=process.pid if process and process.alive else None,
            rss=self._rss,
            starts=self._starts,
            note=self.refused or self._note,
            device=report.device if report else "",
            degraded=self._degraded,
            free=self.free,
            gpu=self.place.gpu,
        )

    async def close(self) -> None:
        """End the worker and stop keeping it."""
        tasks = [task for task in (self._keeper, self._admission) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
