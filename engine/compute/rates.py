"""How many hypotheses a second: results spread over the seconds in which they were worked out."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

KEPT = 3600
"""Seconds of history."""
PIECES, FRESH = 8, 600.0
"""Newest pieces that a worker's pace is taken over, and the seconds after which it is not known any more."""


def hypotheses_in(meta: Mapping[str, Any]) -> float:
    """Return the hypotheses that a result says it tested, 0 where it says nothing that can be."""
    told = meta.get("hypotheses")
    if not isinstance(told, int | float) or isinstance(told, bool):
        return 0.0
    return float(told) if 0 < told < 1 << 200 else 0.0


class RateSeries:
    """Work done per second of monotonic time. A result counts when it arrives, so the newest seconds still rise."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._done: dict[int, float] = {}

    def add(self, amount: float, seconds: float, end: float | None = None) -> None:
        """Book `amount` evenly over the `seconds` (at most the kept ones) before `end` (now by default)."""
        if not math.isfinite(amount) or amount <= 0:
            return
        stop = time.monotonic() if end is None else end
        span = min(max(seconds, 1e-9), KEPT)
        begin = stop - span
        for second in range(math.floor(begin), math.floor(stop) + 1):
            share = (min(stop, second + 1) - max(begin, second)) / span
            self._done[second] = self._done.get(second, 0.0) + amount * max(share, 0.0)
        self._trim(math.floor(stop))

    def _trim(self, newest: int) -> None:
        if len(self._done) > 2 * KEPT:
            self._done = {second: done for second, done in self._done.items() if second > newest - KEPT}

    def series(self, seconds: int, now: float | None = None) -> list[float]:
        """Return work per second for the last whole `seconds`, oldest first; 0 where nothing was done."""
        last = math.floor(time.monotonic() if now is None else now)
        return [self._done.get(second, 0.0) for second in range(last - seconds, last)]


class Paces:
    """How fast each worker was over its newest pieces: what it did, by the seconds in which it did it."""

    def __init__(self) -> None:
        """Know no worker."""
        self._pieces: dict[str, deque[tuple[float, float]]] = {}
        self._last: dict[str, float] = {}

    def add(self, worker: str, amount: float, seconds: float, end: float | None = None) -> None:
        """Take one finished piece of a worker."""
        if not math.isfinite(amount) or amount <= 0 or seconds <= 0:
            return
        self._pieces.setdefault(worker, deque(maxlen=PIECES)).append((amount, seconds))
        self._last[worker] = time.monotonic() if end is None else end

    def of(self, worker: str, now: float | None = None) -> float | None:
        """Return work per second of a worker, None where it has finished nothing lately."""
        at = time.monotonic() if now is None else now
        if at - self._last.get(worker, -math.inf) > FRESH:
            return None
        pieces = self._pieces[worker]
        return sum(done for done, _ in pieces) / sum(took for _, took in pieces)
