"""What a rig says about itself: one small command, parsed strictly, asked by one slow poller per rig."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import BadInput, UsageError
from engine.rigs.connection import Rig, RigFault

logger = logging.getLogger(__name__)

INTERVAL = 15.0
"""Seconds between two readings."""
SHORTEST = 10.0
"""Nobody asks a rig more often: hundreds of monitoring calls a minute have brought rigs down."""
SLOWEST = 300.0
"""Seconds between tries, at most, while a rig does not answer."""

# POSIX tools and /proc only; six short-lived processes, no GPU tool.
COMMAND = r"""LC_ALL=C; export LC_ALL
printf 'hostname=%s\n' "$(uname -n)"
printf 'cores=%s\n' "$(getconf _NPROCESSORS_ONLN)"
awk '$1=="MemTotal:"{printf "ram_total_kib=%s\n",$2} $1=="MemAvailable:"{printf "ram_free_kib=%s\n",$2}' /proc/meminfo
read -r one rest < /proc/loadavg; printf 'load=%s\n' "$one"
df -Pk / | awk 'NR==2{printf "disk_free_kib=%s\n",$4}'
printf 'python=%s\n' "$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none)"
"""
_RULES = {
    "hostname": r"[A-Za-z0-9._-]{1,253}",
    "cores": r"[1-9]\d{0,4}",
    "ram_total_kib": r"\d{1,13}",
    "ram_free_kib": r"\d{1,13}",
    "load": r"\d{1,6}\.\d\d",
    "disk_free_kib": r"\d{1,15}",
    "python": r"none|\d{1,2}\.\d{1,3}",
}


@dataclass(frozen=True)
class Facts:
    """One reading of one rig."""

    hostname: str
    cores: int
    ram_total: int
    """Bytes."""
    ram_free: int
    """Bytes that work could still take (MemAvailable)."""
    load: float
    """Load average over one minute."""
    disk_free: int
    """Bytes free on the root file system."""
    python: tuple[int, int] | None
    """Version of python3, None without one."""


def parse_facts(text: str) -> Facts:
    """Return the facts of one answer; BadInput unless every field stands there exactly once and in its form."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, mark, value = line.partition("=")
        if not mark or name not in _RULES or name in found or not re.fullmatch(_RULES[name], value, re.ASCII):
            raise BadInput(
                f"facts of a rig: cannot take the line {line[:80]!r}; check its login scripts print nothing"
            )
        found[name] = value
    missing = sorted(set(_RULES) - set(found))
    if missing:
        raise BadInput(
            f"facts of a rig: {', '.join(missing)} missing; it needs a POSIX shell, awk, df and /proc"
        )
    version = found["python"]
    return Facts(
        hostname=found["hostname"],
        cores=int(found["cores"]),
        ram_total=int(found["ram_total_kib"]) << 10,
        ram_free=int(found["ram_free_kib"]) << 10,
        load=float(found["load"]),
        disk_free=int(found["disk_free_kib"]) << 10,
        python=None if version == "none" else (int(version.split(".")[0]), int(version.split(".")[1])),
    )


async def read_facts(rig: Rig) -> Facts:
    """Ask a connected rig once; RigFault or BadInput say why there is no answer."""
    done = await rig.run(COMMAND)
    return parse_facts(done.stdout)


class Poller:
    """Keeps the last reading of one rig, and its age; reconnects, each time a little later, while it does not answer."""

    def __init__(
        self, rig: Rig, *, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare to ask `rig` every `interval` seconds; UsageError below ten."""
        if interval < SHORTEST:
            raise UsageError(
                f"rig {rig.address}: interval {interval:g} s; {SHORTEST:g} s or slower is the rule"
            )
        self.rig = rig
        self.latest: Facts | None = None
        """The last good reading; old ones stay, their age tells."""
        self.error: str | None = None
        """Why the last try gave none, None if it did."""
        self._interval, self._clock = interval, clock
        self._read_at = -math.inf
        self._failures = 0

    def age(self) -> float:
        """Return the seconds since the last good reading, infinite before the first."""
        return self._clock() - self._read_at

    def delay(self) -> float:
        """Return the seconds to wait before the next try."""
        return float(min(self._interval * 2 ** min(self._failures, 10), max(SLOWEST, self._interval)))

    async def poll(self) -> Facts | None:
        """Ask once, connecting if needed; None if there was no answer, `error` says why."""
        try:
            await self.rig.connect()
            facts = await read_facts(self.rig)
        except (RigFault, BadInput) as error:
            self._failures += 1
            self.error = str(error)
            logger.warning("%s", error)
            await self.rig.close()
            return None
        self._failures, self.error = 0, None
        self.latest, self._read_at = facts, self._clock()
        return facts

    async def run(self) -> None:
        """Ask for ever; cancel it to end."""
        while True:
            await self.poll()
            await asyncio.sleep(self.delay())
