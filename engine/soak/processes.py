"""The daemon's processes from outside: who is below it, in which role, what each weighs, who was left over. Linux, from /proc."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.soak.target import Role
from engine.vitals.probes import children

MARK = "MIMICRY_SOAK"
"""The environment variable by which a soak knows every process that its daemon started, also one that outlived it."""
ROLES: tuple[tuple[str, Role], ...] = (
    ("engine.compute.scheduler", "scheduler"),
    ("engine.compute.worker", "worker"),
    ("engine.compute.isolated", "trainer"),
    ("engine.llm.wheel", "llm"),
    ("llama-server", "llm"),
    ("guard", "guard"),
)
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Weight:
    """One process: memory in MiB (`anon_mb`: its own, no file and nobody else's share in it), handles by kind, threads, CPU seconds so far."""

    pid: int
    rss_mb: float
    pss_mb: float | None
    anon_mb: float | None
    kinds: Mapping[str, int]
    threads: int
    cpu: float

    @property
    def handles(self) -> int:
        """Return all open handles."""
        return sum(self.kinds.values())


def tree(engine: int | None) -> dict[int, Role]:
    """Return the engine and everything below it by pid, with roles; empty when it is gone."""
    found: dict[int, Role] = {}
    if engine is None:
        return found
    waiting = [engine]
    while waiting:
        pid = waiting.pop()
        if pid in found:
            continue
        try:
            below = children(pid)
        except OSError:
            continue  # it ended between the listing and the look
        found[pid] = "engine" if pid == engine else role(pid)
        waiting += below
    return found


def role(pid: int) -> Role:
    """Return what a process below the engine does, by its command line."""
    try:
        words = (
            (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return "other"
    return next((name for mark, name in ROLES if mark in words), "other")


def weigh(pid: int) -> Weight | None:
    """Return what a process weighs now, None when it has ended."""
    home = Path("/proc") / str(pid)
    try:
        rows = dict(line.split(":", 1) for line in (home / "status").read_text().splitlines() if ":" in line)
        rss, threads = float(rows["VmRSS"].split()[0]) / 1024, int(rows["Threads"])
        cpu = cpu_of(pid)
        kinds = _handles(home / "fd")
    except (OSError, KeyError, ValueError):
        return None  # ended, or a zombie without memory
    return Weight(pid, rss, *_pss(home), kinds, threads, cpu)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process has used; OSError when it has ended."""
    text = (Path("/proc") / str(pid) / "stat").read_text()
    fields = text.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _pss(home: Path) -> tuple[float | None, float | None]:
    """Return the proportional size, whole and of anonymous memory alone; None where the kernel hides it."""
    try:
        text = (home / "smaps_rollup").read_text()
    except OSError:
        return None, None
    rows = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    sizes = (float(rows[name].split()[0]) / 1024 if name in rows else None for name in ("Pss", "Pss_Anon"))
    whole, own = sizes
    return whole, own


def _handles(folder: Path) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for entry in os.scandir(folder):
        try:
            head = os.readlink(entry.path).split(":", 1)[0]
        except OSError:
            continue
        kinds[head if head in ("socket", "pipe", "anon_inode") else "file"] += 1
    return kinds


def marked(soak: str, *, but: set[int]) -> dict[int, str]:
    """Return every process that carries this soak's mark and is not in `but`: pid -> command line."""
    wanted, found = f"{MARK}={soak}".encode(), {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) in but:
            continue
        home = Path(entry.path)
        try:
            if wanted not in (home / "environ").read_bytes().split(b"\0"):
                continue
            if (home / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                continue  # ended; whoever started it has not asked yet
            words = (home / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # ended, or another user's
        found[int(entry.name)] = words[:200]
    return found
