"""Workers of this machine: how one is started, and how many there should be."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from engine.compute.child import Child
from engine.compute.enrol import MODULE, OnEvent, Order, Process
from engine.compute.slot import Place
from engine.compute.stop import NAME

_NVIDIA = Path("/proc/driver/nvidia/gpus")
_AMD = Path("/sys/class/kfd/kfd/topology/nodes")


def places(state: Path, workers: int, gpus: list[dict[str, str]]) -> list[Place]:
    """Return `workers` places on this machine; the first ones own the GPUs whose variables are given."""
    gate = asyncio.Semaphore(1)
    return [
        Place(
            f"worker-{index}",
            _Launcher(state, gpus[index] if index < len(gpus) else {}, gate).start,
            index < len(gpus),
        )
        for index in range(workers)
    ]


class _Launcher:
    """Starts one worker as a child process; GPUs are initialised one after the other."""

    def __init__(self, state: Path, env: dict[str, str], gate: asyncio.Semaphore) -> None:
        self._state, self._env, self._gate = state, env, gate

    async def start(self, order: Order, on_event: OnEvent) -> Process:
        log = self._state / "logs" / f"compute-{order.name}.log"
        spec = order.local(str(self._state / NAME), str(self._state / "compute"))
        if not order.gpu:
            return await Child.spawn(MODULE, spec, log, on_event)
        reported = asyncio.Event()

        def heard(event: dict[str, object]) -> None:
            reported.set()
            on_event(event)

        async with self._gate:
            child = await Child.spawn(MODULE, spec, log, heard, self._env)
            ended = asyncio.create_task(child.wait())
            first = asyncio.create_task(reported.wait())
            await asyncio.wait({ended, first}, timeout=90.0, return_when=asyncio.FIRST_COMPLETED)
            for task in (ended, first):
                task.cancel()
        return child


def gpus(nvidia: Path = _NVIDIA, amd: Path = _AMD) -> list[dict[str, str]]:
    """Return the variables that show a process one GPU alone, for each GPU that a driver of this machine lists."""
    cards = len(list(nvidia.iterdir())) if nvidia.is_dir() else 0
    nodes = sorted(amd.iterdir()) if amd.is_dir() else []
    cores = sum(_has_units(node / "properties") for node in nodes)
    return [{"CUDA_VISIBLE_DEVICES": str(index)} for index in range(cards)] + [
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
