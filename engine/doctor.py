"""`mimicry doctor`: look at this machine, one line per finding and one fix per line."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import engine.rigs.check as check_module
    from engine.config import Settings

ENOUGH_DISK = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One check: `ok` False needs the operator; `fix` is one thing to do."""

    name: str
    ok: bool
    what: str
    fix: str = ""
    optional: bool = False


def examine(state: Path) -> Iterator[Finding]:
    """Yield every finding; nothing is changed."""
    yield _python()
    yield from _modules()
    yield _kernels()
    yield from _devices()
    yield _disk(state)
    yield _locale()


def fleet(settings: Settings) -> Iterator[Finding]:
    """Yield the findings of every rig that room.toml names, well or wrongly; rigs are looked at side by side."""
    for line in settings.refused_rigs:
        what, _, fix = line.partition("; ")
        yield Finding("room.toml", False, what, fix or "mimicry init FILE writes a commented example")
    if not settings.rigs:
        return
    import asyncio

    from engine.rigs.check import check
    from engine.running import run

    async def look() -> list[list[check_module.Finding]]:
        return list(await asyncio.gather(*(check(rig) for rig in settings.rigs)))

    for rig, found in zip(settings.rigs, run(look()), strict=True):
        for one in found:
            yield Finding(
                f"rig {rig.name}", one.ok, one.what.removeprefix(f"rig {rig.name} "), one.fix, one.optional
            )


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _modules() -> Iterator[Finding]:
    needed = {
        "numpy": "base", "scipy": "base", "distributed": "base", "textual": "tui", "optuna": "ml", "torch": "ml",
        "xgboost": "ml", "lightgbm": "ml", "catboost": "ml", "asyncssh": "room",
        "prometheus_client": "room",
        "aiohttp": "llm", "xllamacpp": "llm", "anthropic": "claude",
    }  # fmt: skip
    for module, extra in needed.items():
        there = importlib.util.find_spec(module) is not None
        fix = "make install" if extra == "base" else f"make install EXTRAS={extra}"
        yield Finding(module, there, "installed" if there else "missing", fix, optional=extra != "base")


def _kernels() -> Finding:
    try:
        from hip_cuda_kernels import host
    except ImportError as error:
        return Finding(
            "kernels", False, f"extension does not load: {error}", "apt-get install g++ && make build"
        )
    failed = [name for name, good in host.self_test().items() if not good]
    if failed:
        return Finding(
            "kernels", False, f"self-test fails for {', '.join(failed)}", "make clean && make install"
        )
    return Finding("kernels", True, f"self-test passes, {host.isa()}")


def _devices() -> Iterator[Finding]:
    from hip_cuda_kernels.gpu.facts import runtimes

    yield Finding("processor", True, f"{len(os.sched_getaffinity(0))} CPU cores")
    found = runtimes()
    for one in found:
        served = any(other.usable for other in found)
        fix = (
            "another runtime serves" if served else "the CPU is used; for GPUs: make install EXTRAS=room,cuda"
        )
        yield Finding(f"gpu {one.name}", one.usable, one.what, fix, optional=True)


def _disk(state: Path) -> Finding:
    there = next(path for path in (state, *state.parents) if path.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK)
    what = f"{free / 1e9:.0f} GB free in {state}" if writable else f"{there} is not writable"
    return Finding("disk", free > ENOUGH_DISK and writable, what, "free 1 GB or choose another --state")


def _locale() -> Finding:
    encoding = (sys.stdout.encoding or "").lower()
    return Finding(
        "locale",
        "utf" in encoding,
        encoding or "none",
        "export LC_ALL=C.UTF-8, or use --ascii",
        optional=True,
    )


def render(findings: list[Finding]) -> str:
    """Return one line per finding; a fix stands after an arrow."""
    return "\n".join(_line(one) for one in findings)


def _line(one: Finding) -> str:
    mark = "● ok  " if one.ok else "▲ warn" if one.optional else "✖ fail"
    return f"{mark} {one.name:<12} {one.what}" + ("" if one.ok else f"  → {one.fix}")


def failed(findings: list[Finding]) -> bool:
    """Return whether anything that is not optional is wrong."""
    return any(not one.ok and not one.optional for one in findings)
