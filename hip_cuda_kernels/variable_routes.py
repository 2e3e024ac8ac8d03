"""Routes under varying gaps: the condition in lanes on every seed, or a walk along the cycle that all seeds lie on; and the search by the cheaper."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from hip_cuda_kernels.host import SieveResult
from hip_cuda_kernels.job import Job, Keywords, Where
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.planning import OPERATION_SECONDS
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.routes import (
    CYCLES,
    MOST_REMEMBERED,
    STATE,
    STATE_DRAW,
    STATE_HIT,
    WIDEST_LANES,
    Measured,
    Route,
)
from hip_cuda_kernels.task import Scope, build_task
from hip_cuda_kernels.variable_gaps import outlay, sieve

LINK = 1.5  # nanoseconds on one core: two matches held against each other in a search for chains
MOST_DRAWS = 64  # a match has a bit for each


def orbit_seconds(search: Measured) -> float | None:
    """Return what stepping every state once costs, chains of matches looked for where enough lie close; None where it is not sound."""
    period = CYCLES.get(search.family.id)
    if (
        period is None
        or not search.plain
        or search.rejected
        or search.task.call.words > 1
        or not search.vectors
    ):
        return None
    most, chance, spent = search.task.scope.gaps[1] + 1, search.chance, STATE
    furthest = max(int(index[-1]) for index, _ in search.vectors) * most
    if WIDEST_LANES * len(search.vectors) * 2 ** furthest.bit_length() > MOST_REMEMBERED:
        return None
    for index, needed in search.vectors:
        if len(index) > MOST_DRAWS:
            return None
        near = (
            len(index) * chance * int(index[-1] - index[0]) * most
        )  # matches within an alignment's length, by chance
        links = max(near, float(needed))
        chained = _at_least(needed - 1, near) * links * links / 2 * LINK
        spent += len(index) * (STATE_DRAW + chance * (STATE_HIT + chained))
    return 1e-9 * period * spent


def _at_least(count: int, mean: float) -> float:
    """Return the chance of so many events or more, where `mean` are expected and none knows of another."""
    fewer = (
        sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count)) if mean else 1.0
    )
    return max(0.0, 1.0 - fewer) if count > 0 else 1.0


def choose(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    **where: Unpack[Where],
) -> Route:
    """Return the cheaper way of a search."""
    found, scope = family_of(family), Scope(**where)
    parsed = parse_mapping(mapping, found)
    task = build_task(found, parsed, lo, hi, draws, thresholds, scope)
    if task is None:
        return Route("sieve", 0.0)
    search = Measured(found, parsed.name, task)
    looks = [
        outlay(index.tolist(), len(index) - needed, hi - lo + 1, scope.starts, scope.gaps, found.ops[1], len(search.vectors)).ns
        for index, needed in search.vectors
    ]  # fmt: skip
    plain = Route(
        "sieve", scope.seed_count * (found.ops[0] * OPERATION_SECONDS + 1e-9 * max(looks, default=0.0))
    )
    orbit = orbit_seconds(search)
    return plain if orbit is None or orbit >= plain.seconds else Route("orbit", orbit)


def search(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    **keywords: Unpack[Keywords],
) -> SieveResult:
    """Search as variable_gaps.sieve does, by the cheaper way. The orbit has done all seeds or, stopped, none."""
    job = Job(**keywords)
    best = choose(
        family, mapping, lo, hi, draws, thresholds,
        seed_lo=job.seed_lo, seed_count=job.seed_count, starts=job.starts, gaps=job.gaps,
    )  # fmt: skip
    return sieve(family, mapping, lo, hi, draws, thresholds, route=best.name, **keywords)
