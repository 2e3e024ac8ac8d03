"""Several searches of one family's same seeds in one pass: every seed's words are made once, and read by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

import hip_cuda_kernels._host as _host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.host import HIT, SieveResult, isa
from hip_cuda_kernels.job import Job, Watch
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import Scope, Task, build_task

MOST_ALIGNMENTS = 1 << 9
"""Starts times gaps of a reading: those of more look at so many words that making them is the lesser part."""
Ends = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    """One search of a pass: draws as `host.sieve` takes them, and how they are read from a seed's words."""

    mapping: str
    lo: int
    hi: int
    draws: np.ndarray[Any, Any]
    thresholds: np.ndarray[Any, Any]
    starts: Ends
    gaps: Ends

    def __post_init__(self) -> None:
        """Refuse what shares its words with no other search."""
        alignments = (self.starts[1] - self.starts[0] + 1) * (self.gaps[1] - self.gaps[0] + 1)
        if alignments > MOST_ALIGNMENTS:
            raise KernelError(
                f"{self.mapping}: {alignments} starts and gaps, at most {MOST_ALIGNMENTS} share a pass with others"
            )


def search(
    family: str, readings: Sequence[Reading], *, seed_lo: int, seed_count: int, **watch: Unpack[Watch]
) -> list[SieveResult]:
    """Return for each reading what `host.sieve` returns for it alone; one whose hits overflow ends, the others go on.

    In a process that took a GPU they are searched there, one after another.
    """
    from hip_cuda_kernels.gpu import in_use

    found = family_of(family)
    if in_use.taken():
        return [
            in_use.sieve(
                found.id, one.mapping, one.lo, one.hi, one.draws, one.thresholds, route="sieve", seed_lo=seed_lo,
                seed_count=seed_count, starts=one.starts, gaps=one.gaps, **watch,
            )
            for one in readings
        ]  # fmt: skip
    jobs = [Job(seed_lo, seed_count, one.starts, one.gaps, **watch) for one in readings]
    tasks = [_task(found, one, job.scope) for one, job in zip(readings, jobs, strict=True)]
    asked = [task for task in tasks if task is not None]
    if not asked:
        return [_nothing(seed_count) for _ in tasks]
    jobs[0].show(0)
    numbers, units, arrays = zip(*(task.packed() for task in asked), strict=True)
    answers = _host.search_together(
        isa(), found.id, numbers, units, arrays, [task.second_depth for task in asked], seed_lo, seed_count, *jobs[0].watched()
    )  # fmt: skip
    left = iter(answers)
    return [_nothing(seed_count) if task is None else _result(next(left)) for task in tasks]


def _task(family: Family, reading: Reading, scope: Scope) -> Task | None:
    named = parse_mapping(reading.mapping, family)
    if is_composed(named):
        raise KernelError(f"{named.id}: draws of several calls share no pass with others")
    return build_task(family, named, reading.lo, reading.hi, reading.draws, reading.thresholds, scope)


def _result(packed: tuple[np.ndarray[Any, Any], int, bool, bool]) -> SieveResult:
    hits, done, stopped, overflow = packed
    return SieveResult(hits.view(HIT), done, stopped, overflow)


def _nothing(seeds: int) -> SieveResult:
    """Return what a search finds whose draws reach no threshold."""
    return SieveResult(np.empty(0, HIT), seeds, False, False)
