"""One search as arrays: draws lowered to filter constants, missing ones left out, the stages' depths chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.lowering import Call, Filter, lower_call, lower_draw, lower_filter
from hip_cuda_kernels.mappings import Mapping
from hip_cuda_kernels.planning import Workload, depths

MOST_CALLS = 1 << 17
Numbers = np.ndarray[Any, np.dtype[np.uint32]]
LongNumbers = np.ndarray[Any, np.dtype[np.uint64]]


def pack_call(call: Call) -> tuple[LongNumbers, float]:
    """Return (numbers, unit) in the order of unpack_call in sieve.h."""
    shape = (call.kind, call.view, call.at, call.words, call.shift, call.join, call.second_shift, call.bits)
    numbers = (*shape, call.rounds, call.mask, call.multiplier, call.addend, call.accept_max, call.range)
    return np.array(numbers, dtype=np.uint64), call.unit


@dataclass(frozen=True)
class Scope:
    """Which seeds, starts and gaps; ranges include both ends."""

    seed_lo: int
    seed_count: int
    starts: tuple[int, int]
    gaps: tuple[int, int]


@dataclass(frozen=True)
class Task:
    """struct Task of sieve.h. Arrays are flat [vectors * width]; draws that cannot match are left out of them."""

    call: Call
    filter: Filter
    scope: Scope
    vectors: int
    width: int
    usable: Numbers
    threshold: Numbers
    depth: Numbers
    second_depth: Numbers
    index: Numbers
    value: Numbers
    offset: Numbers
    lim: Numbers

    def packed(self) -> tuple[LongNumbers, float, Numbers]:
        """Return (numbers, unit, arrays) in the order of unpack_task in sieve.h."""
        (start_lo, start_hi), (gap_lo, gap_hi) = self.scope.starts, self.scope.gaps
        f = self.filter
        scope = (start_lo, start_hi - start_lo + 1, gap_lo, gap_hi - gap_lo + 1)
        rest = (f.reduce, f.at, f.shift, f.zeros, f.multiplier, self.vectors, self.width, *scope)
        numbers, unit = pack_call(self.call)
        arrays = (self.usable, self.threshold, self.depth, self.index, self.value, self.offset, self.lim)
        return np.concatenate([numbers, np.array(rest, dtype=np.uint64)]), unit, np.concatenate(arrays)

    def first_calls(self) -> int:
        """Return how many calls from the first start on the first stage can look at."""
        (start_lo, start_hi), gap_hi = self.scope.starts, self.scope.gaps[1]
        last = max(int(self.index[v * self.width + int(d) - 1]) for v, d in enumerate(self.depth))
        return start_hi - start_lo + last * (gap_hi + 1) + 1

    def last_word(self) -> int:
        """Return how many raw words lie up to the last draw's last one, rejections aside."""
        last = max(int(self.index[v * self.width + int(n) - 1]) for v, n in enumerate(self.usable) if n)
        return (self.scope.starts[1] + last * (self.scope.gaps[1] + 1) + 1) * self.call.raw_words


def build_task(
    family: Family,
    mapping: Mapping,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    scope: Scope,
) -> Task | None:
    """Return the search as arrays, or None when no vector can reach its threshold."""
    call = lower_call(mapping, family, lo, hi)
    check_search(family, draws, thresholds, scope)
    word_filter = lower_filter(call)
    table = [list(_usable(call, word_filter, row, lo)) for row in draws.tolist()]
    reachable = [len(row) >= t for row, t in zip(table, thresholds.tolist(), strict=True)]
    if not any(reachable):
        return None
    width = max(len(row) for row in table)
    columns = np.zeros((4, len(table), width), dtype=np.uint32)
    for v, row in enumerate(table):
        columns[:, v, : len(row)] = np.array(row, dtype=np.uint32).reshape(-1, 4).T
    pairs = [
        _depths(family, call, len(row), int(t), scope, len(table))
        for row, t in zip(table, thresholds, strict=True)
    ]
    first, second = np.array(pairs, dtype=np.uint32).T.copy()
    usable = np.array([len(row) for row in table], dtype=np.uint32)
    index, value, offset, lim = (np.ascontiguousarray(c).reshape(-1) for c in columns)
    needed = np.minimum(thresholds, draws.shape[1] + 1).astype(np.uint32)  # more than that is as unreachable
    return Task(
        call, word_filter, scope, len(table), width, usable, needed, first, second, index, value, offset, lim
    )


def _usable(call: Call, word_filter: Filter, row: list[int], lo: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (index, value, offset, lim) of the draws that some word can make."""
    for index, draw in enumerate(row):
        constants = None if draw == -1 else lower_draw(call, word_filter, draw - lo)
        if constants is not None:
            yield index, draw - lo, *constants


def _depths(
    family: Family, call: Call, usable: int, threshold: int, scope: Scope, vectors: int
) -> tuple[int, int]:
    if usable < threshold:
        return 1, 1
    starts, gaps = (hi - lo + 1 for lo, hi in (scope.starts, scope.gaps))
    chance = 1.0 / min(call.size, 1 << call.width)
    return depths(
        Workload(
            usable, threshold, chance, starts, gaps, scope.gaps[1] + 1, call.raw_words, *family.ops, vectors
        )
    )


def check_search(
    family: Family, draws: np.ndarray[Any, Any], thresholds: np.ndarray[Any, Any], scope: Scope
) -> None:
    """Raise KernelError naming the rule that the arrays or the scope break."""
    if draws.ndim != 2 or draws.dtype != np.int64 or thresholds.shape != draws.shape[:1]:
        raise KernelError(
            f"draws must be int64 (vectors, draws) with one threshold each, got {draws.dtype} {draws.shape} and {thresholds.shape}"
        )
    if not (0 < draws.shape[0] < 1 << 16 and 0 < draws.shape[1] < 1 << 12):
        raise KernelError(f"draws of shape {draws.shape}: give 1 to 65535 vectors of 1 to 4095 draws")
    if thresholds.size and int(thresholds.min()) < 1:
        raise KernelError("a threshold below 1 reports every seed: give at least 1 match")
    if scope.seed_lo < 0 or scope.seed_count < 0 or scope.seed_lo + scope.seed_count > 1 << family.seed_bits:
        raise KernelError(
            f"seeds {scope.seed_lo}+{scope.seed_count} leave the {family.seed_bits} bits that {family.id} seeds with: cut the interval"
        )
    for name, (low, high) in (("starts", scope.starts), ("gaps", scope.gaps)):
        if not 0 <= low <= high:
            raise KernelError(f"{name} {low}:{high} must rise from 0 or more")
    calls = scope.starts[1] + draws.shape[1] * (scope.gaps[1] + 1)
    if calls > MOST_CALLS:
        raise KernelError(
            f"{calls} calls from the seed to the last draw, at most {MOST_CALLS}: take fewer draws, or smaller starts and gaps"
        )
