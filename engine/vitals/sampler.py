"""Put probe readings into the journal at a fixed cadence, and keep the slopes that tell a leak from noise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.vitals.heap import Tidier, trim
from engine.vitals.probes import Probe, Reading
from engine.vitals.slope import Slope, theil_sen

EVERY = 5.0
SLOPES_EVERY = 60.0
TRIM_EVERY = 60.0
SPAN = 2 * 3600.0
WATCHED = ("engine.rss_mb", "engine.handles", "engine.threads", "engine.tasks")
WARM_UP = 300.0
GRID_SECONDS, GRID_COUNT = 30.0, 60
SHOWN = ("engine.pss_mb", "engine.handles", "compute.rate")


class Stored(Protocol):
    """One stored reading."""

    @property
    def at(self) -> float:
        """Return seconds since 1970."""

    @property
    def value(self) -> float:
        """Return the number read."""


class Samples(Protocol):
    """The part of the journal's samples that a sampler needs."""

    def add(self, name: str, value: float, *, at: float | None = None) -> None:
        """Record one reading."""

    def series(self, name: str, *, since: float = 0.0, limit: int = 10_000) -> Sequence[Stored]:
        """Return readings, oldest first."""

    def grid(self, name: str, *, seconds: float, count: int, now: float | None = None) -> list[float | None]:
        """Return means over cells, oldest first."""


class Sampler:
    """Reads this process every few seconds; `last` is the newest reading, `slopes` those of the last two hours."""

    def __init__(
        self,
        probe: Probe,
        samples: Samples,
        extra: Callable[[], dict[str, float]] = dict,
        *,
        every: float = EVERY,
    ) -> None:
        """`extra` gives further numbers by name at each look."""
        self._probe, self._samples, self._extra, self._every = probe, samples, extra, every
        self.last: Reading | None = None
        self.slopes: dict[str, Slope] = {}
        self._grids: dict[str, list[float | None]] = {}
        self._begun: float | None = None
        self._sloped = 0.0

    async def run(self) -> None:
        """Sample forever; once a minute dead cycles are collected and what is free goes back to the system, off the loop."""
        trimmed, tidier = time.monotonic(), Tidier()
        while True:
            self.look()
            if time.monotonic() - trimmed >= TRIM_EVERY:
                trimmed = time.monotonic()
                tidier.collect()
                await asyncio.to_thread(trim)
            await asyncio.sleep(self._every)

    def look(self) -> Reading:
        """Take one reading and record it; slopes are recomputed once a minute."""
        reading = self._probe.read()
        self.last, self._begun = reading, self._begun or reading.at
        for name, value in {**reading.samples(), **self._extra()}.items():
            self._samples.add(name, value, at=reading.at)
        for name in SHOWN:
            self._grids[name] = self._samples.grid(name, seconds=GRID_SECONDS, count=GRID_COUNT)
        if reading.at - self._sloped >= SLOPES_EVERY:
            self._sloped = reading.at
            self._slope(reading.at)
        return reading

    def grid(self, name: str) -> list[float | None]:
        """Return the last half hour of a shown series in cells of 30 s, as of the last look."""
        return self._grids.get(name, [])

    def _slope(self, now: float) -> None:
        """Fit what was read since the process settled: memory of an earlier process or of the start would fake a trend."""
        assert self._begun is not None
        since = max(now - SPAN, self._begun + WARM_UP)
        for name in WATCHED:
            points = self._samples.series(name, since=since)
            slope = theil_sen([point.at for point in points], [point.value for point in points])
            if slope is not None:
                self.slopes[name] = slope
