"""The same search on a GPU through CuPy (CUDA or ROCm). Compiled in CI, never run on a device yet: it tests itself before it searches.

Nothing is imported from CuPy until a GpuSieve is made, and a missing CuPy or device is refused in one line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.gpu_source import ENTRY, LARGEST_ROOM, include_directories, kernel_source, room_for
from hip_cuda_kernels.host import HIT, SieveResult
from hip_cuda_kernels.lowering import NEVER_REJECTS
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import Scope, Task, build_task

THREADS = 256
LAUNCH_SEEDS = 1 << 20  # short launches: the stop word is read between them
CHECK_SEEDS = 2048


class GpuSieve:
    """The sieve on one device, with the signature of host.sieve; each family is compared with the host before its first search."""

    def __init__(self, device: int = 0) -> None:
        self._cupy = _import_cupy()
        self._device = _open_device(self._cupy, device)
        self._kernels: dict[tuple[str, bool, int], Any] = {}
        self._trusted: set[str] = set()

    def sieve(
        self,
        family: str,
        mapping: str,
        lo: int,
        hi: int,
        draws: np.ndarray[Any, Any],
        thresholds: np.ndarray[Any, Any],
        *,
        seed_lo: int,
        seed_count: int,
        starts: tuple[int, int],
        gaps: tuple[int, int],
        max_hits: int = 1 << 20,
        stop: np.ndarray[Any, Any] | None = None,
        stop_generation: int = 0,
        progress: np.ndarray[Any, Any] | None = None,
    ) -> SieveResult:
        """Report every (vector, seed, start, gap) that reaches its threshold; see host.sieve."""
        found = family_of(family)
        if found.id not in self._trusted:
            self._check(found)
        scope = Scope(seed_lo, seed_count, starts, gaps)
        task = build_task(found, parse_mapping(mapping, found), lo, hi, draws, thresholds, scope)
        if task is None:
            return SieveResult(np.empty(0, HIT), seed_count, False, False)
        search = _Search(self._cupy, self._kernel(found, task), task, max_hits)
        done, stopped = 0, False
        with self._device:
            while done < seed_count and not search.overflow:
                stopped = stop is not None and int(stop[0]) != stop_generation
                if stopped:
                    break
                count = min(LAUNCH_SEEDS, seed_count - done)
                search.launch(seed_lo + done, count)
                done += count
                if progress is not None:
                    progress[0] = done
            return SieveResult(search.hits(), done, stopped, search.overflow)

    def _kernel(self, family: Family, task: Task) -> Any:
        room = room_for(task.first_calls())
        if room > LARGEST_ROOM:
            raise KernelError(
                f"{task.first_calls()} calls from the first start, a GPU thread keeps {LARGEST_ROOM}: search fewer starts at a time"
            )
        rejects = task.call.accept_max != NEVER_REJECTS
        unlimited = rejects or family.reach is None or task.last_word() > family.reach
        key = (family.id, unlimited, room)
        if key not in self._kernels:
            options = ("-std=c++17", *(f"-I{folder}" for folder in include_directories()))
            source = kernel_source(family, unlimited=unlimited, room=room)
            with self._device:
                self._kernels[key] = self._cupy.RawModule(code=source, options=options).get_function(ENTRY)
        return self._kernels[key]

    def _check(self, family: Family) -> None:
        """Search a planted seed on the device and on the host; refuse the device when they differ."""
        mapping = family.mappings[0]
        draws = host.values(family.id, mapping, 99, 0, 9, 8, start=2, gap=1)[None, :]
        job = (family.id, mapping, 0, 9, draws, np.array([5]))
        self._trusted.add(family.id)
        mine = self.sieve(*job, seed_lo=0, seed_count=CHECK_SEEDS, starts=(1, 2), gaps=(0, 2))
        exact = host.sieve(*job, seed_lo=0, seed_count=CHECK_SEEDS, starts=(1, 2), gaps=(0, 2))
        if not np.array_equal(mine.hits, exact.hits):
            self._trusted.discard(family.id)
            raise KernelError(
                f"device {self._device.id} disagrees with the host on {family.id}: do not search on it; check its driver and memory"
            )


class _Search:
    """One task on the device: its packed numbers, the hit list and the launches."""

    def __init__(self, cupy: Any, kernel: Any, task: Task, max_hits: int) -> None:
        numbers, self._unit, arrays = task.packed()
        self._cupy, self._kernel, self._max_hits = cupy, kernel, max_hits
        self._numbers, self._arrays = cupy.asarray(numbers), cupy.asarray(arrays)
        self._calls = task.first_calls()
        self._found = cupy.zeros(1, dtype=np.uint32)
        self._hits = cupy.zeros(max_hits * HIT.itemsize, dtype=np.uint8)
        self.overflow = False

    def launch(self, seed_lo: int, count: int) -> None:
        """Search `count` seeds and wait for them."""
        arguments = (
            self._numbers,
            np.float64(self._unit),
            self._arrays,
            np.uint64(seed_lo),
            np.uint64(count),
            np.uint32(self._calls),
            np.uint32(self._max_hits),
            self._found,
            self._hits,
        )
        self._kernel((-(-count // THREADS),), (THREADS,), arguments)
        self.overflow = int(self._found[0]) > self._max_hits

    def hits(self) -> np.ndarray[Any, Any]:
        """Return the hits by seed, start, gap, vector."""
        count = min(int(self._found[0]), self._max_hits)
        hits = self._cupy.asnumpy(self._hits[: count * HIT.itemsize]).view(HIT)
        ordered: np.ndarray[Any, Any] = np.sort(hits, order=("seed", "start", "gap", "vector"))
        return ordered


def _import_cupy() -> Any:
    try:
        import cupy
    except ImportError as error:
        raise KernelError(
            "CuPy is not installed, so no GPU can be used: pip install 'mimicry[cuda]', or search on the CPU"
        ) from error
    return cupy


def _open_device(cupy: Any, device: int) -> Any:
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise KernelError(f"no GPU driver answers ({error}): install it, or search on the CPU") from error
    if not 0 <= device < count:
        raise KernelError(
            f"GPU {device} does not exist, {count} found: give 0 to {count - 1}, or search on the CPU"
        )
    return cupy.cuda.Device(device)
