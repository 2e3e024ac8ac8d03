"""Clocks: UTC for people, monotonic time plus the boot's id for leases; wall-clock jumps are noticed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

STEP_SECONDS = 2.0


def utc_now() -> str:
    """Return the wall time as ISO 8601 in UTC with milliseconds; for display, never for order."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def boot_id() -> str:
    """Return an id of the running boot; monotonic times compare only within one boot."""
    source = Path("/proc/sys/kernel/random/boot_id")
    if source.exists():
        return source.read_text(encoding="ascii").strip()
    import psutil

    return f"started-{psutil.boot_time():.0f}"


def monotonic() -> float:
    """Return seconds of the monotonic clock, rounded to the microsecond so that it survives JSON."""
    return round(time.monotonic(), 6)


class StepWatch:
    """Notices when the wall clock jumps against the clock that counts since boot (suspend included)."""

    def __init__(self) -> None:
        self._offset = self._measure()

    def step(self) -> float | None:
        """Return the jump in seconds since the last call, or None below `STEP_SECONDS`."""
        now = self._measure()
        jump = now - self._offset
        if abs(jump) <= STEP_SECONDS:
            return None
        self._offset = now
        return round(jump, 3)

    @staticmethod
    def _measure() -> float:
        boottime = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return time.time() - time.clock_gettime(boottime)
