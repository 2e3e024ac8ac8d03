"""How much memory of the GPUs is used, measured: AMD from sysfs, NVIDIA through NVML. A machine without GPUs says so."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

DRM, PROC = Path("/sys/class/drm"), Path("/proc")
NVIDIA = PROC / "driver" / "nvidia" / "gpus"
SMI = ("nvidia-smi", "--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits")
SMI_SECONDS = 10.0
TOLERANCE = 256 << 20
PATIENCE, LOOK = 15.0, 0.25
TWICE = 2


@dataclass(frozen=True)
class Card:
    """One GPU's memory in bytes, and who is known to hold some."""

    used: int
    total: int
    holders: tuple[int, ...] = ()


Cards = Mapping[str, Card]
Read = Callable[[], Cards]


@dataclass(frozen=True)
class Freed:
    """Whether the GPUs are free for other work, as measured; `text` says it in one line."""

    freed: bool
    seconds: float
    cards: int
    text: str


def read_all(drm: Path = DRM) -> Cards:
    """Read every card of this machine that a driver shows."""
    return {**read_amd(drm), **read_nvidia()}


def read_amd(root: Path = DRM) -> Cards:
    """Read the cards whose driver writes `mem_info_vram_used`."""
    found = {}
    for file in sorted(root.glob("card[0-9]*/device/mem_info_vram_used")):
        total = int((file.parent / "mem_info_vram_total").read_text())
        found[file.parts[-3]] = Card(int(file.read_text()), total)
    return found


def read_nvidia(listed: Path = NVIDIA) -> Cards:
    """Read NVIDIA's cards through NVML, or `nvidia-smi` where its binding is not installed; none where the driver lists no card.

    OSError where the driver lists cards that neither can read: memory that is not measured is not free.
    """
    there = listed.is_dir() and any(listed.iterdir())
    try:
        import pynvml as nvml
    except ImportError:
        return _read_smi() if there else {}
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        if there:
            raise OSError(f"NVML: {error}") from error
        return {}
    found = {}
    try:
        for at in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(at)
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            holders = tuple(int(one.pid) for one in nvml.nvmlDeviceGetComputeRunningProcesses(handle))
            found[f"nvidia{at}"] = Card(int(memory.used), int(memory.total), holders)
    except nvml.NVMLError as error:
        raise OSError(f"NVML: {error}") from error
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()
    return found


def _read_smi() -> Cards:
    try:
        done = subprocess.run(SMI, capture_output=True, text=True, timeout=SMI_SECONDS, check=True)
        rows = [[int(cell) << 20 for cell in line.split(",")] for line in done.stdout.splitlines()]
        return {f"nvidia{at}": Card(used, total) for at, (used, total) in enumerate(rows)}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise OSError(f"nvidia-smi: {error}; install nvidia-ml-py (extra `cuda`)") from error


def without(before: Cards, loaded: Cards, held: Cards) -> Cards:
    """Return what each card uses without the server: `held` less what the server took from `before` to `loaded`, or `before`.

    Others may have come meanwhile (our own workers hold memory of the cards that they compute on); they need not go.
    """
    taken = {name: max(0, card.used - _used(before, name)) for name, card in loaded.items()}
    return {
        name: Card(max(_used(before, name), card.used - taken.get(name, card.used)), card.total)
        for name, card in held.items()
    }


def gone(pid: int, proc: Path = PROC) -> bool:
    """Say whether a process has ended; one that nobody has waited for counts as ended."""
    try:
        state = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


async def wait_freed(
    read: Read, base: Cards, pid: int | None, *, patience: float = PATIENCE, look: float = LOOK
) -> Freed:
    """Wait until the process is gone and every card uses no more than `base`, and a tolerance, twice in a row."""
    begun, good, cards = time.monotonic(), 0, dict[str, Card]()
    while True:
        try:
            cards = dict(await asyncio.to_thread(read))
        except (OSError, ValueError) as error:
            return Freed(False, round(time.monotonic() - begun, 3), 0, f"cannot be measured: {error}")
        ended = pid is None or gone(pid)
        full = {name: card for name, card in cards.items() if card.used > _used(base, name) + TOLERANCE}
        good = good + 1 if ended and not full else 0
        seconds = round(time.monotonic() - begun, 3)
        if good == TWICE or (good and not cards):
            return Freed(True, seconds, len(cards), _free_text(cards))
        if seconds > patience:
            return Freed(False, seconds, len(cards), _full_text(full, base, pid, ended=ended))
        await asyncio.sleep(look)


def _used(cards: Cards, name: str) -> int:
    return cards[name].used if name in cards else 0


def _free_text(cards: Cards) -> str:
    if not cards:
        return "no GPU: nothing to free"
    return "free: " + ", ".join(f"{name} {card.used >> 20} MiB used" for name, card in sorted(cards.items()))


def _full_text(full: Cards, base: Cards, pid: int | None, *, ended: bool) -> str:
    if not ended:
        return f"process {pid} has not ended"
    parts = []
    for name, card in sorted(full.items()):
        held = f", held by {', '.join(map(str, card.holders))}" if card.holders else ""
        was = f"{base[name].used >> 20} MiB without the model server" if name in base else "not seen before"
        parts.append(f"{name} {card.used >> 20} MiB used, {was}{held}")
    return "not free: " + "; ".join(parts)
