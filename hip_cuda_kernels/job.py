"""What a search is told beside its draws: which seeds, starts and gaps, and how its caller stops and watches it. One record for every way of searching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.task import Scope

Word = np.ndarray[Any, Any]


class Where(TypedDict):
    """Keywords that say where to search."""

    seed_lo: int
    seed_count: int
    starts: tuple[int, int]
    gaps: tuple[int, int]


class Watch(TypedDict, total=False):
    """Keywords that say how a search ends early and who watches it; `Job` says what they mean and holds the defaults."""

    max_hits: int
    stop: Word | None
    stop_generation: int
    progress: Word | None


class Keywords(Where, Watch):
    """The keywords of every search."""


@dataclass(frozen=True)
class Job:
    """`Keywords` with their defaults.

    `starts` and `gaps` include both ends. The search ends after `max_hits` hits, and early once `stop[0]`, a word of its caller,
    differs from `stop_generation`; it writes the seeds behind it to `progress[0]`.
    """

    seed_lo: int
    seed_count: int
    starts: tuple[int, int]
    gaps: tuple[int, int]
    max_hits: int = 1 << 20
    stop: Word | None = None
    stop_generation: int = 0
    progress: Word | None = None

    @property
    def scope(self) -> Scope:
        """Return the seeds, starts and gaps."""
        return Scope(self.seed_lo, self.seed_count, self.starts, self.gaps)

    def watched(self) -> tuple[int, int, int, int]:
        """Return (most hits, address of `stop`, its generation, address of `progress`) as the compiled side takes them."""
        if not 0 <= self.max_hits < 1 << 63:
            raise KernelError(f"max_hits {self.max_hits} is negative or too large: give 0 or more")
        stop, progress = (
            _address("stop", self.stop, np.uint32),
            _address("progress", self.progress, np.uint64),
        )
        return self.max_hits, stop, self.stop_generation, progress

    def halted(self) -> bool:
        """Say whether the caller asked for a stop."""
        return self.stop is not None and int(self.stop[0]) != self.stop_generation

    def show(self, seeds: int) -> None:
        """Tell the caller how many seeds are behind the search."""
        if self.progress is not None:
            self.progress[0] = seeds


def _address(name: str, words: Word | None, kind: type[np.generic]) -> int:
    """Return where the caller's own word lies; a copy would never change."""
    if words is None:
        return 0
    if words.dtype != kind or words.size < 1 or not words.flags.c_contiguous:
        raise KernelError(
            f"{name} must be a contiguous {np.dtype(kind).name} array of one word, got {words.dtype} x {words.size}"
        )
    return int(words.ctypes.data)
