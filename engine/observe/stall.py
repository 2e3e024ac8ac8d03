"""Watches the engine's loop from a thread of its own: one that does not tick has its stack put into log and journal, bounded."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.stacks import of_frame
from state.errors import StateError

STALLED, RECOVERED = "loop.stalled", "loop.recovered"
AN_HOUR = 30
"""Stalls whose stacks are kept in any hour; further ones are counted."""
SHOWN_SECONDS = 600.0
"""How long a stall that is over is shown as degraded."""
LIBRARIES = ("asyncio/", "selectors.py", "concurrent/", "threading.py")
logger = logging.getLogger("mimicry.stall")


@dataclass
class Stall:
    """One stall: since when (monotonic seconds), where the loop's thread stood, and how long it took in the end."""

    since: float
    clock: str
    frames: list[str]
    seconds: float | None = None
    seq: int | None = None

    @property
    def where(self) -> str:
        """Return the innermost place that is no library's."""
        ours = [frame for frame in self.frames if not frame.startswith(LIBRARIES)]
        return (ours or self.frames or ["unknown"])[-1]


class StallWatch:
    """`run` ticks on the loop that is watched; `start` and `close` begin and end the thread that watches it.

    What delays the watcher too is told apart by the processor time of the process: little of it, and the process as a
    whole was stopped (SIGSTOP, a starved machine), which is not held against the loop; much, and a call held the
    interpreter's lock, which is a stall whose stack is looked at just after.
    """

    def __init__(
        self,
        seconds: float,
        record: Callable[[str, Mapping[str, Any]], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        """Watch for stalls of more than `seconds`; `record(kind, data)` puts one into the journal."""
        self._limit, self._record, self._clock, self._used = seconds, record, clock, used
        self._period = min(0.5, seconds / 4)
        self._ticked = self._looked = clock()
        self._spent = used()
        self._thread: threading.Thread | None = None
        self._watched = 0
        self._over = threading.Event()
        self._kept: deque[float] = deque(maxlen=AN_HOUR)
        self._now: Stall | None = None
        self._last: Stall | None = None
        self.count = self.uncounted = 0
        """Stalls since the start, and how many of them left no stack because there were too many."""

    # -- the loop's side --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tick forever: a service of the room."""
        self._watched = threading.get_ident()
        while True:
            self._ticked = self._clock()
            await asyncio.sleep(self._period)

    def start(self) -> None:
        """Begin to watch; from the loop's thread."""
        self._watched, self._ticked = threading.get_ident(), self._clock()
        self._thread = threading.Thread(target=self._watch, name="stall-watch", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """End the watching thread."""
        self._over.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def degraded(self) -> list[str]:
        """Return the last stall for as long as it is news."""
        last = self._now or self._last
        if last is None or self._clock() - last.since > SHOWN_SECONDS:
            return []
        took = "and still stands" if last.seconds is None else f"for {last.seconds:.1f} s"
        return [f"loop: stood still {took} at {last.clock} in {last.where} ({self.count} since the start)"]

    def readings(self) -> dict[str, float]:
        """Return the numbers for the series."""
        return {"loop.stalls": float(self.count)}

    # -- the watcher's side -----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        self._looked, self._spent = self._clock(), self._used()
        while not self._over.wait(self._period):
            self.look()

    def look(self) -> None:
        """Look once at when the loop last ticked."""
        now, spent = self._clock(), self._used()
        slept, worked = now - self._looked - self._period, spent - self._spent
        self._looked, self._spent = now, spent
        if slept > self._limit / 2 and worked < slept / 2:
            logger.warning("the whole process stood still for %.1f s: stopped, suspended or starved", slept)
            self._ticked = max(self._ticked, now)  # the loop gets its time again from here on
            return
        late = now - self._ticked
        if self._now is None and late > self._limit:
            self._begin(now, late)
        elif self._now is not None and late <= self._limit:
            self._end(self._now)

    def _begin(self, now: float, late: float) -> None:
        self.count += 1
        frames = of_frame(sys._current_frames().get(self._watched))
        at = time.strftime("%H:%M:%SZ", time.gmtime())
        self._now = stall = Stall(now - late, at, frames)
        while self._kept and now - self._kept[0] > 3600.0:
            self._kept.popleft()
        if len(self._kept) == AN_HOUR:
            self.uncounted += 1
            return
        self._kept.append(now)
        logger.warning("the loop has not ticked for %.1f s; it stands in\n%s", late, "\n".join(frames))
        told = f"the engine's loop stood still for more than {self._limit:g} s in {stall.where}"
        data = {"level": "warn", "text": told, "seconds": round(late, 3), "stack": frames}
        stall.seq = self._put(STALLED, data)

    def _end(self, stall: Stall) -> None:
        stall.seconds = self._ticked - stall.since
        self._now, self._last = None, stall
        if stall.seq is not None:
            logger.warning("the loop ticks again after %.1f s", stall.seconds)
            self._put(RECOVERED, {"stall": stall.seq, "seconds": round(stall.seconds, 3)})

    def _put(self, kind: str, data: Mapping[str, Any]) -> int | None:
        """Record; a loop that stalls inside a transaction is waited for, a journal that cannot be written costs the record."""
        try:
            return self._record(kind, data)
        except StateError as error:
            logger.error("%s is not on record: %s", kind, error)
            return None
