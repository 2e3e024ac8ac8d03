"""Workers of this machine: how one is started, and how many there should be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.compute.child import Child
from engine.compute.enrol import MODULE, OnEvent, Order, Process
from engine.compute.inputs import FOLDER
from engine.compute.place import Place
from engine.compute.stop import NAME

_NVIDIA = Path("/proc/driver/nvidia/gpus")
_AMD = Path("/sys/class/kfd/kfd/topology/nodes")
TURN_LIMIT = 90.0
"""Seconds that one GPU may take to initialise before the next one has its turn all the same."""


@dataclass(frozen=True)
class Cards:
    """This machine's GPUs, and how gently they are initialised."""

    shown: tuple[Mapping[str, str], ...] = ()
    """For each of them the variables that show a process it alone."""
    slots: int = 1
    """How many may initialise at once."""
    delay: float = 0.0
    """Seconds of pause after each."""


def name_of(index: int) -> str:
    """Return the name of a worker of this machine; the first ones own a GPU each, in the order of `Cards.shown`."""
    return f"worker-{index}"


def places(state: Path, workers: int, cards: Cards) -> list[Place]:
    """Return `workers` places on this machine; the first ones own a GPU each."""
    gate = asyncio.Semaphore(cards.slots)
    shown = [*cards.shown, *({} for _ in range(workers))][:workers]
    return [
        Place(name_of(index), _Launcher(state, env, gate, cards.delay).start, index < len(cards.shown))
        for index, env in enumerate(shown)
    ]


class _Launcher:
    """Starts one worker as a child process; GPUs are initialised a few at a time, whatever else runs at once."""

    def __init__(self, state: Path, env: Mapping[str, str], gate: asyncio.Semaphore, delay: float) -> None:
        self._state, self._env, self._gate, self._delay = state, env, gate, delay
        self._turns: set[asyncio.Task[None]] = set()

    async def start(self, order: Order, on_event: OnEvent) -> Process:
        log = self._state / "logs" / f"compute-{order.name}.log"
        folders = (str(self._state / one) for one in (NAME, "compute", FOLDER))
        spec = order.local(*folders)
        if not order.gpu:
            return await Child.spawn(MODULE, spec, log, on_event)
        asked, initialised = asyncio.Event(), asyncio.Event()
        marks = {"gate": asked, "initialised": initialised}

        def heard(event: dict[str, object]) -> None:
            if (mark := marks.get(str(event.get("event")))) is not None:
                mark.set()
            on_event(event)

        child = await Child.spawn(MODULE, {**spec, "gate": True}, log, heard, self._env)
        turn = asyncio.create_task(self._turn(child, asked, initialised))
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)
        return child

    async def _turn(self, child: Child, asked: asyncio.Event, initialised: asyncio.Event) -> None:
        """Let a worker initialise its GPU once it asks and the gate has room; its death ends its turn too."""
        ended = asyncio.create_task(child.wait())
        try:
            if await _either(asked, ended, None):
                async with self._gate:
                    child.send({"gate": "open"})
                    await _either(initialised, ended, TURN_LIMIT)
                    await asyncio.sleep(self._delay)
        finally:
            ended.cancel()


async def _either(event: asyncio.Event, ended: asyncio.Task[int], limit: float | None) -> bool:
    """Wait for an event, an end, or a limit in seconds; tell whether the event came."""
    came = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({came, ended}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        return event.is_set() and not ended.done()
    finally:
        came.cancel()


def nvidia(root: Path = _NVIDIA) -> list[str]:
    """Return the PCI addresses of the cards that NVIDIA's driver lists, in CUDA's order."""
    return sorted(path.name.lower() for path in root.iterdir()) if root.is_dir() else []


def gpus(nvidia: Path = _NVIDIA, amd: Path = _AMD) -> list[dict[str, str]]:
    """Return the variables that show a process one GPU alone, for each GPU that a driver of this machine lists."""
    cards = len(list(nvidia.iterdir())) if nvidia.is_dir() else 0
    nodes = sorted(amd.iterdir()) if amd.is_dir() else []
    cores = sum(_has_units(node / "properties") for node in nodes)
    return [
        # By address: CUDA's own order puts the fastest first, and another card would be set aside than the one that is meant.
        {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(index)}
        for index in range(cards)
    ] + [
        # HIP counts what ROCr left.
        {"ROCR_VISIBLE_DEVICES": str(index), "HIP_VISIBLE_DEVICES": "0"}
        for index in range(cores)
    ]


def _has_units(properties: Path) -> bool:
    try:
        lines = properties.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith("simd_count ") and line.split()[1] != "0" for line in lines)


def cores() -> int:
    """Return how many cores we may use."""
    return len(os.sched_getaffinity(0))
