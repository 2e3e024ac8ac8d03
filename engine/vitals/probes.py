"""What the daemon weighs: memory, handles by kind, threads, children, tasks, loop lag, journal, disk. Linux, from /proc."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

PROC = Path("/proc/self")
MIB = 1 << 20


@dataclass(frozen=True)
class Reading:
    """One look at this process; sizes in MiB, lag in ms, cpu in percent of one core since the last look."""

    at: float
    rss_mb: float
    pss_mb: float | None
    handles: int
    sockets: int
    pipes: int
    files: int
    threads: int
    children: int
    tasks: int
    loop_lag_ms: float
    wal_mb: float
    disk_free_mb: float
    cpu: float | None
    blocks: int | None = None
    """Memory blocks that the interpreter has handed out: a leak of objects shows here before it shows in pages."""
    gc: int | None = None
    """Collections of the garbage collector since the start, all generations."""

    def samples(self) -> dict[str, float]:
        """Return the numbers by sample name, `engine.<field>`; what could not be read is left out."""
        pairs = ((item.name, getattr(self, item.name)) for item in fields(self) if item.name != "at")
        return {f"engine.{name}": float(value) for name, value in pairs if value is not None}


@dataclass
class Lag:
    """The worst delay of the event loop since it was last asked."""

    worst_ms: float = 0.0

    def note(self, seconds: float) -> None:
        """Remember one delay."""
        self.worst_ms = max(self.worst_ms, seconds * 1e3)

    def take(self) -> float:
        """Return the worst delay in ms and start over."""
        worst, self.worst_ms = self.worst_ms, 0.0
        return worst


async def watch_lag(lag: Lag, *, every: float = 0.5) -> None:
    """Measure how late the loop wakes a sleeper, forever."""
    while True:
        begun = time.monotonic()
        await asyncio.sleep(every)
        lag.note(time.monotonic() - begun - every)


class Probe:
    """Take readings of this process; keeps the last CPU time to give a rate."""

    def __init__(self, state: Path, wal_bytes: Callable[[], int], lag: Lag) -> None:
        self._state, self._wal_bytes, self._lag = state, wal_bytes, lag
        self._last: tuple[float, float] | None = None

    def read(self) -> Reading:
        """Return one reading; costs about a millisecond."""
        kinds = _handles()
        status = _status()
        return Reading(
            at=time.time(),
            rss_mb=status["VmRSS"] / 1024,
            pss_mb=_pss_mb(),
            handles=sum(kinds.values()),
            sockets=kinds["socket"],
            pipes=kinds["pipe"],
            files=kinds["file"],
            threads=int(status["Threads"]),
            children=len(children()),
            tasks=_tasks(),
            loop_lag_ms=self._lag.take(),
            wal_mb=self._wal_bytes() / MIB,
            disk_free_mb=shutil.disk_usage(self._state).free / MIB,
            cpu=self._cpu(),
            blocks=sys.getallocatedblocks(),
            gc=sum(int(generation["collections"]) for generation in gc.get_stats()),
        )

    def _cpu(self) -> float | None:
        now, used = time.monotonic(), time.process_time()
        last, self._last = self._last, (now, used)
        if last is None or now <= last[0]:
            return None
        return 100.0 * (used - last[1]) / (now - last[0])


def children(pid: int | str = "self") -> list[int]:
    """Return the direct child processes of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # the thread ended between the listing and the look
    return sorted(found)


def _status() -> dict[str, float]:
    rows = (line.split(":", 1) for line in (PROC / "status").read_text().splitlines())
    return {key: float(rest.split()[0]) for key, rest in rows if key in ("VmRSS", "Threads")}


def _pss_mb() -> float | None:
    try:
        text = (PROC / "smaps_rollup").read_text()
    except OSError:
        return None  # some kernels and containers hide it
    row = next((line for line in text.splitlines() if line.startswith("Pss:")), None)
    return float(row.split()[1]) / 1024 if row else None


def _handles() -> Counter[str]:
    kinds: Counter[str] = Counter()
    for entry in os.scandir(PROC / "fd"):
        try:
            target = os.readlink(entry.path)
        except OSError:
            continue  # the scan's own handle
        head = target.split(":", 1)[0]
        kinds[head if head in ("socket", "pipe", "anon_inode") else "file"] += 1
    return kinds


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0  # read from a thread without a loop
