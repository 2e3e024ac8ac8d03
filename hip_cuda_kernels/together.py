"""Several searches of one family's same seeds in one pass: every seed's words are made once, and read by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import hip_cuda_kernels._host as _host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.host import HIT, SieveResult, isa
from hip_cuda_kernels.job import Job, Word
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import Task, build_task

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
    family: str,
    readings: Sequence[Reading],
    *,
    seed_lo: int,
    seed_count: int,
    max_hits: int = 1 << 20,
    stop: Word | None = None,
    stop_generation: int = 0,
    progress: Word | None = None,
) -> list[SieveResult]:
    """Return for each reading what `host.sieve` returns for it alone; one whose hits overflow ends, the others go on.

    In a process that took a GPU they are searched there, one after another.
    """
    from hip_cuda_kernels.gpu import in_use

    watch = {"max_hits": max_hits, "stop": stop, "stop_generation": stop_generation, "progress": progress}
    jobs = [Job(seed_lo, seed_count, one.starts, one.gaps, **watch) for one in readings]  # type: ignore[arg-type]
    if in_use.taken():
        return [
            in_use.sieve(
                family, one.mapping, one.lo, one.hi, one.draws, one.thresholds, route="sieve",
                seed_lo=seed_lo, seed_count=seed_count, starts=one.starts, gaps=one.gaps, **watch,  # type: ignore[arg-type]
            )
            for one in readings
        ]  # fmt: skip
    tasks = [_task(family, one, job) for one, job in zip(readings, jobs, strict=True)]
    asked = [task for task in tasks if task is not None]
    packed = [task.packed() for task in asked]
    numbers, units, arrays = ([one[part] for one in packed] for part in range(3))
    found = iter(
        _host.search_together(
            isa(), family_of(family).id, numbers, units, arrays, [task.second_depth for task in asked], seed_lo, seed_count,
            *jobs[0].watched(),
        )
        if asked
        else ()
    )  # fmt: skip
    return [_result(next(found)) if task is not None else _nothing(seed_count) for task in tasks]


def _task(family: str, reading: Reading, job: Job) -> Task | None:
    found = family_of(family)
    named = parse_mapping(reading.mapping, found)
    if is_composed(named):
        raise KernelError(f"{named.id}: draws of several calls share no pass with others")
    return build_task(found, named, reading.lo, reading.hi, reading.draws, reading.thresholds, job.scope)


def _result(packed: tuple[np.ndarray[Any, Any], int, bool, bool]) -> SieveResult:
    hits, done, stopped, overflow = packed
    return SieveResult(hits.view(HIT), done, stopped, overflow)


def _nothing(seeds: int) -> SieveResult:
    """Return what a search finds whose draws reach no threshold."""
    return SieveResult(np.empty(0, HIT), seeds, False, False)
