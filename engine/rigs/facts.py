"""What a rig says about itself without any python: one small command, parsed strictly; `mimicry doctor` asks it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.errors import BadInput
from engine.rigs.reach import Reach

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
                f"facts of a rig: cannot take the line {line[:80]!r}; its user needs a shell that runs commands, and login scripts that print nothing"
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


async def read_facts(rig: Reach) -> Facts:
    """Ask a connected rig once; RigFault or BadInput says why there is no answer."""
    done = await rig.run(COMMAND)
    return parse_facts(done.stdout)
