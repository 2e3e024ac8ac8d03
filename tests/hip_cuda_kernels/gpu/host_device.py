"""A GPU to stand on: a Device whose kernels run the very bodies of the GPU kernels on the host. Not a GPU, and named so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hip_cuda_kernels import _host
from hip_cuda_kernels.host import HIT
from hip_cuda_kernels.registry import FAMILIES


class HostDevice:
    """What gpu/sieve.py asks of a device; `lose_hits` breaks it, as a faulty card would."""

    name = "host stand-in"

    def __init__(self, *, lose_hits: bool = False) -> None:
        self.sources: list[str] = []
        self.allocated = 0
        self.launches: list[tuple[str, int]] = []
        self.lose_hits = lose_hits

    def kernels(self, source: str, names: Sequence[str]) -> list[Any]:
        """Compile nothing; find the family by the names of its entry points."""
        self.sources.append(source)
        assert all(f"MIMICRY_SIEVE({name.rsplit('_', 1)[0]}," in source for name in names)
        kernel = names[0].split("_")[0]
        family = next(one.id for one in FAMILIES if one.kernel == kernel)
        return [self._filter(family), self._judge(family)]

    def buffer(self, size: int) -> np.ndarray:
        """Allocate."""
        self.allocated += 1
        return np.zeros(size, dtype=np.uint8)

    def write(self, buffer: np.ndarray, values: np.ndarray) -> None:
        """Copy in."""
        buffer[: values.nbytes] = values.view(np.uint8).reshape(-1)

    def read(self, buffer: np.ndarray, size: int) -> np.ndarray:
        """Copy out."""
        return buffer[:size].copy()

    def _filter(self, family: str) -> Any:
        def launch(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
            numbers, unit, arrays, seed_lo, seeds, calls, proposals, room, used = arguments
            assert (blocks - 1) * threads < int(seeds) <= blocks * threads
            self.launches.append(("filter", int(seeds)))
            made, total = _host.filter(
                family, _whole(numbers, np.uint64), float(unit), _whole(arrays, np.uint32), int(seed_lo),
                int(seeds), int(calls), int(room),
            )  # fmt: skip
            self._keep(made, total, proposals, used)

        return launch

    def _judge(self, family: str) -> Any:
        def launch(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
            numbers, unit, arrays, proposals, count, hits, room, used = arguments
            self.launches.append(("judge", int(count)))
            given = proposals[: int(count) * HIT.itemsize].copy()
            made, total = _host.judge(
                family, _whole(numbers, np.uint64), float(unit), _whole(arrays, np.uint32), given, int(room)
            )
            lost = HIT.itemsize if self.lose_hits and total else 0
            self._keep(made[lost:], total - bool(lost), hits, used)

        return launch

    @staticmethod
    def _keep(made: np.ndarray, total: int, out: np.ndarray, used: np.ndarray) -> None:
        out[: len(made)] = made
        used[:4] = np.array([total], dtype=np.uint32).view(np.uint8)


def _whole(buffer: np.ndarray, kind: type[np.generic]) -> np.ndarray:
    return np.ascontiguousarray(buffer.view(kind))
