"""Elimination over GF(2) as typed functions over packed rows: one large system, or many small ones that share their forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import hip_cuda_kernels._gf2 as _gf2
from hip_cuda_kernels.errors import KernelError

Words = np.ndarray[Any, np.dtype[np.uint64]]
MOST_LIMBS = 4  # words of a small system's form


@dataclass(frozen=True)
class Stop:
    """The caller's own uint32 word; an elimination returns early once it differs from `generation`."""

    word: np.ndarray[Any, Any]
    generation: int = 0

    @property
    def asked(self) -> bool:
        """Return whether the caller wants it to end."""
        return int(self.word[0]) != self.generation

    def packed(self) -> tuple[int, int]:
        """Return (address, generation) as the compiled side takes them."""
        if self.word.dtype != np.uint32 or self.word.size < 1 or not self.word.flags.c_contiguous:
            raise KernelError(
                f"stop must be a contiguous uint32 array of one word, got {self.word.dtype} x {self.word.size}"
            )
        return int(self.word.ctypes.data), self.generation


@dataclass(frozen=True)
class Solved:
    """One system decided: unknown j is bit j % 64 of word j // 64.

    `solution` has its free unknowns 0; xored with any sum of `null` rows it is another one. `null` is empty where the null space
    has more than the asked dimensions; `dimension` says how many. Nothing but `stopped` counts after a stop.
    """

    rank: int
    consistent: bool
    dimension: int
    solution: Words
    null: Words
    stopped: bool


@dataclass(frozen=True)
class SolvedMany:
    """Systems decided, in order: int32 ranks (-1: contradictory) and one solution each, uint64 (systems, limbs).

    After a stop only the first `done` hold.
    """

    ranks: np.ndarray[Any, np.dtype[np.int32]]
    solutions: Words
    done: int


def solve(rows: Words, unknowns: int, *, most_free: int = 8, stop: Stop | None = None) -> Solved:
    """Solve one dense system: uint64 (equations, unknowns // 64 + 1), the right side in bit `unknowns` of each row.

    A basis of the null space comes along where it has at most `most_free` dimensions.
    """
    limbs = unknowns // 64 + 1
    if unknowns < 1 or rows.dtype != np.uint64 or rows.ndim != 2 or rows.shape[1] != limbs:
        raise KernelError(
            f"rows must be uint64 (equations, {limbs}) for {unknowns} unknowns, got {rows.dtype} {rows.shape}"
        )
    rank, consistent, dimension, vectors, stopped = _gf2.solve(
        np.ascontiguousarray(rows), unknowns, most_free, *_packed(stop)
    )
    table = vectors.reshape(-1, (unknowns + 63) // 64)
    return Solved(rank, consistent, dimension, table[0], table[1:], stopped)


def solve_many(
    forms: Words,
    times: np.ndarray[Any, np.dtype[np.uint32]],
    masks: Words,
    values: Words,
    *,
    stop: Stop | None = None,
) -> SolvedMany:
    """Solve one small system per row of `times`, all over the same table of forms.

    `forms` is uint64 (times, word bits, limbs), up to 256 unknowns; `times` is uint32 (systems, words): which word of the table
    each observed word is in that system; of observed word w the bits `masks[w]` are known to be those of `values[w]`.
    """
    if forms.dtype != np.uint64 or forms.ndim != 3 or not 1 <= forms.shape[2] <= MOST_LIMBS:
        raise KernelError(
            f"forms must be uint64 (times, bits, 1 to {MOST_LIMBS} limbs), got {forms.dtype} {forms.shape}"
        )
    if times.dtype != np.uint32 or times.ndim != 2 or not times.shape[1] == masks.size == values.size:
        raise KernelError(
            f"times must be uint32 (systems, {masks.size} words) for {values.size} values, got {times.dtype} {times.shape}"
        )
    if times.size and int(times.max()) >= forms.shape[0]:
        raise KernelError(
            f"time {int(times.max())} lies beyond the table of {forms.shape[0]}: build a longer one"
        )
    if masks.size and int(np.bitwise_or.reduce(masks)) >> forms.shape[1]:
        raise KernelError(
            f"a mask names bits beyond the {forms.shape[1]} of a word: pass masks of the word alone"
        )
    ranks, solutions, done = _gf2.solve_many(
        np.ascontiguousarray(forms), np.ascontiguousarray(times), np.ascontiguousarray(masks, dtype=np.uint64),
        np.ascontiguousarray(values, dtype=np.uint64), *_packed(stop),
    )  # fmt: skip
    return SolvedMany(ranks, solutions.reshape(-1, forms.shape[2]), done)


def _packed(stop: Stop | None) -> tuple[int, int]:
    return stop.packed() if stop else (0, 0)
