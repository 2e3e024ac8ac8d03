"""The sieve on one GPU, with the signature of host.sieve. It compares itself with the host before it searches."""

from __future__ import annotations

import time
from typing import Any, Unpack

import numpy as np

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.gpu.device import Argument, Device, Kernel
from hip_cuda_kernels.gpu.opening import open_device
from hip_cuda_kernels.gpu.pace import Pace
from hip_cuda_kernels.gpu.source import LARGEST_ROOM, Specialisation, room_for, source_of
from hip_cuda_kernels.host import HIT, SieveResult
from hip_cuda_kernels.job import Job, Keywords
from hip_cuda_kernels.lowering import NEVER_REJECTS
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import Task, build_task

MOST_PROPOSALS = 1 << 20
CHECK_SEEDS = 2048


class GpuSieve:
    """One device: kernels compiled once for each specialisation, buffers allocated once, launches paced by measurement."""

    def __init__(self, device: Device | int = 0) -> None:
        self._device = open_device(device) if isinstance(device, int) else device
        self._kernels: dict[str, tuple[Kernel, Kernel, Pace]] = {}
        self._trusted: set[tuple[str, bool]] = set()
        self._memory = _Memory(self._device)
        self.name = self._device.name

    def check(self, family: str) -> None:
        """Compare with the host on a family; KernelError if they differ."""
        self._trust(family_of(family), family_of(family).reach is None)

    def sieve(
        self,
        family: str,
        mapping: str,
        lo: int,
        hi: int,
        draws: np.ndarray[Any, Any],
        thresholds: np.ndarray[Any, Any],
        **keywords: Unpack[Keywords],
    ) -> SieveResult:
        """Report every (vector, seed, start, gap) that reaches its threshold; see host.sieve."""
        job, found = Job(**keywords), family_of(family)
        task = build_task(found, parse_mapping(mapping, found), lo, hi, draws, thresholds, job.scope)
        if task is None:
            return SieveResult(np.empty(0, HIT), job.seed_count, False, False)
        self._trust(found, _unlimited(found, task))
        search = _Search(self._memory, self._compiled(found, task), task)
        done = 0
        while done < job.seed_count:
            if job.halted():
                return SieveResult(_sorted(search.hits), done, True, False)
            done += search.launch(job.seed_lo + done, job.seed_count - done)
            job.show(done)
            if len(search.hits) > job.max_hits:
                return SieveResult(_sorted(search.hits)[: job.max_hits], done, False, True)
        return SieveResult(_sorted(search.hits), done, False, False)

    def _compiled(self, family: Family, task: Task) -> tuple[Kernel, Kernel, Pace]:
        room = room_for(task.first_calls())
        if room > LARGEST_ROOM:
            raise KernelError(
                f"{task.first_calls()} calls from the first start, a GPU thread keeps {LARGEST_ROOM}: search fewer starts at a time"
            )
        wanted = Specialisation(family, _unlimited(family, task), room)
        if wanted.name not in self._kernels:
            names = (f"{wanted.name}_filter", f"{wanted.name}_judge")
            filter_, judge = self._device.kernels(source_of([wanted]), names)
            self._kernels[wanted.name] = (filter_, judge, Pace())
        return self._kernels[wanted.name]

    def _trust(self, family: Family, unlimited: bool) -> None:
        """Search planted draws on the device and on the host before a form's first use; refuse the device when they differ."""
        if (family.id, unlimited) in self._trusted:
            return
        start = (family.reach or 0) if unlimited else 1
        draws = host.values(family.id, family.mappings[0], 99, 0, 9, 8, start=start + 1, gap=1)[None, :]
        job = (family.id, family.mappings[0], 0, 9, draws, np.array([5]))
        self._trusted.add((family.id, unlimited))
        mine, exact = (
            sieve(*job, seed_lo=0, seed_count=CHECK_SEEDS, starts=(start, start + 1), gaps=(0, 2))
            for sieve in (self.sieve, host.sieve)
        )
        if not np.array_equal(mine.hits, exact.hits):
            self._trusted.discard((family.id, unlimited))
            raise KernelError(
                f"{self._device.name} disagrees with the host on {family.id}: do not search on it; check its driver and memory"
            )


def _unlimited(family: Family, task: Task) -> bool:
    rejects = task.call.accept_max != NEVER_REJECTS
    return rejects or family.reach is None or task.last_word() > family.reach


def _sorted(hits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    ordered: np.ndarray[Any, Any] = np.sort(hits, order=("seed", "start", "gap", "vector"))
    return ordered


class _Memory:
    """The device's buffers, made once: two lists of hits, their counters, and room for a task that grows when it must."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.proposals, self.hits = (device.buffer(MOST_PROPOSALS * HIT.itemsize) for _ in range(2))
        self.used = device.buffer(4)
        self._held: dict[str, tuple[int, Argument]] = {}

    def hold(self, name: str, values: np.ndarray[Any, Any]) -> Argument:
        """Return a buffer with these values, the one used before where they fit."""
        size, buffer = self._held.get(name, (0, None))
        if values.nbytes > size:
            size = max(4096, 2 * values.nbytes)
            buffer = self.device.buffer(size)
            self._held[name] = (size, buffer)
        self.device.write(buffer, values)
        return buffer

    def zero(self) -> None:
        """Reset the counter."""
        self.device.write(self.used, np.zeros(1, dtype=np.uint32))

    def count(self) -> int:
        """Return the counter."""
        return int(self.device.read(self.used, 4).view(np.uint32)[0])


class _Search:
    """One task on the device: filter a stretch of seeds into one compact list, then judge the list."""

    def __init__(self, memory: _Memory, kernels: tuple[Kernel, Kernel, Pace], task: Task) -> None:
        numbers, unit, arrays = task.packed()
        self._memory = memory
        self._filter, self._judge, self._pace = kernels
        self._task = (memory.hold("numbers", numbers), np.float64(unit), memory.hold("arrays", arrays))
        self._calls = task.first_calls()
        self.hits = np.empty(0, HIT)

    def launch(self, seed_lo: int, left: int) -> int:
        """Search the next seeds and return how many; a launch that proposes too much is done again with fewer."""
        pace, memory = self._pace, self._memory
        while True:
            block, count = pace.block, min(pace.seeds, left)
            begin = time.monotonic()
            proposed = self._propose(block, seed_lo, count)
            if proposed <= MOST_PROPOSALS:
                break
            if not pace.crowded(count):
                raise KernelError(
                    f"one seed passes the filter more than {MOST_PROPOSALS} times: raise the threshold, or search fewer starts and gaps"
                )
        if proposed:
            room = np.uint32(MOST_PROPOSALS)
            memory.zero()
            arguments = (*self._task, memory.proposals, np.uint32(proposed), memory.hits, room, memory.used)
            self._judge(-(-proposed // block), block, arguments)
            fresh = memory.device.read(memory.hits, memory.count() * HIT.itemsize).view(HIT)
            self.hits = np.concatenate([self.hits, fresh])
        pace.learn(block, count, time.monotonic() - begin)
        return count

    def _propose(self, block: int, seed_lo: int, count: int) -> int:
        memory = self._memory
        memory.zero()
        seeds = (np.uint64(seed_lo), np.uint64(count), np.uint32(self._calls))
        arguments = (*self._task, *seeds, memory.proposals, np.uint32(MOST_PROPOSALS), memory.used)
        self._filter(-(-count // block), block, arguments)
        return memory.count()
