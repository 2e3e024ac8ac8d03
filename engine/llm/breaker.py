"""A circuit breaker: after so many restarts within so long, no more until the oldest is past. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

LIMIT, WINDOW = 3, 600.0


@dataclass
class Breaker:
    """Counts restarts on a monotonic clock that the caller reads."""

    limit: int = LIMIT
    window: float = WINDOW
    total: int = 0
    _times: deque[float] = field(default_factory=deque)

    def note(self, now: float) -> None:
        """Count one restart."""
        self.total += 1
        self._times.append(now)

    def wait(self, now: float) -> float:
        """Return the seconds until the next restart is allowed; 0 = now."""
        while self._times and now - self._times[0] >= self.window:
            self._times.popleft()
        return 0.0 if len(self._times) < self.limit else self._times[0] + self.window - now
