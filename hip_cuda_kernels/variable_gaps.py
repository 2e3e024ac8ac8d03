"""Gaps that vary from draw to draw within bounds: the exact search over seeds, and the alignment behind each hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple, Unpack

import numpy as np

import hip_cuda_kernels._host as _host
from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.host import HIT, SieveResult
from hip_cuda_kernels.job import Job, Keywords
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.planning import seen_chance
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import Task, build_task

MOST_CALLS = 1 << 14  # from the seed to the last draw: the exact step keeps one bit for each of them
# Nanoseconds on one core with AVX2: for one lane and up to OCTET vectors, a vector operation of the generator, a word made ready, a
# word compared with a draw; for one seed, one draw at one level of the exact step, and one value of its stream.
OCTET = 8
OPERATION_NS, ROW_NS, COMPARE_NS, LEVEL_NS, VALUE_NS = 0.04, 0.35, 0.07, 60.0, 5.0

Draws = np.ndarray[Any, np.dtype[np.int64]]


def sieve(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    draws: Draws,
    thresholds: np.ndarray[Any, Any],
    *,
    route: str = "sieve",
    **keywords: Unpack[Keywords],
) -> SieveResult:
    """Report every (vector, seed) for which some start in `starts` and some gap in `gaps` for each draw reproduce enough draws.

    Arguments as those of `host.sieve`. Exact. A hit's `matched` is the most draws that any such alignment reproduces; its `start`
    and `gap` are 0: `align` finds the alignment. `route`: "sieve", or "orbit" where variable_routes.py says that it is sound.
    """
    job, found = Job(**keywords), family_of(family)
    calls = job.starts[1] + draws.shape[1] * (job.gaps[1] + 1)
    if calls > MOST_CALLS:
        raise KernelError(
            f"{calls} calls from the seed to the last draw, at most {MOST_CALLS} with variable gaps: take smaller starts and gaps"
        )
    task = build_task(found, parse_mapping(mapping, found), lo, hi, draws, thresholds, job.scope)
    if task is None:
        return SieveResult(np.empty(0, HIT), job.seed_count, False, False)
    first, second = _depths(task, found, hi - lo + 1)
    task = replace(task, depth=first, second_depth=second)
    hits, done, stopped, overflow = _host.variable_gaps(
        route,
        host.isa(),
        found.id,
        *task.packed(),
        task.second_depth,
        job.seed_lo,
        job.seed_count,
        *job.watched(),
    )
    return SieveResult(hits.view(HIT), done, stopped, overflow)


def window(starts: tuple[int, int], gaps: tuple[int, int], place: int) -> tuple[int, int]:
    """Return the first and the last call at which the draw at `place` (from 0) can lie."""
    return starts[0] + place * (gaps[0] + 1), starts[1] + place * (gaps[1] + 1)


def _depths(task: Task, family: Family, values: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Return, per vector, how many draws the condition in lanes looks at first and on what is left, as two rows."""
    depths = []
    for vector in range(task.vectors):
        usable, threshold = int(task.usable[vector]), int(task.threshold[vector])
        places = task.index[vector * task.width : vector * task.width + usable].tolist()
        missable = max(usable - threshold, 0)
        plan = outlay(
            places, missable, values, task.scope.starts, task.scope.gaps, family.ops[1], task.vectors
        )
        depths.append((plan.first, plan.second))
    return np.array(depths, dtype=np.uint32).T.copy()


class Outlay(NamedTuple):
    """Draws that the condition in lanes looks at, at first and on what is left, and the nanoseconds of a seed."""

    first: int
    second: int
    ns: float


def outlay(
    places: Sequence[int],
    missable: int,
    values: int,
    starts: tuple[int, int],
    gaps: tuple[int, int],
    word_ops: int,
    vectors: int,
) -> Outlay:
    """Return what a search should look at and what a seed then costs against `vectors` vectors, seeding apart.

    The model weighs what the condition costs against what it lets through; it steers speed only.
    """
    spans = [window(starts, gaps, place) for place in places]
    octets = -(-vectors // OCTET)
    word = word_ops * OPERATION_NS / octets + ROW_NS
    chance = seen_chance(1.0 / values)
    missed = [1.0] + [0.0] * missable  # chance that a wrong seed has missed so many draws so far
    looks: list[tuple[int, float, float]] = []  # draws, what they cost, share of seeds that pass
    compared = 0
    for depth, (first, last) in enumerate(spans, start=1):
        compared += last - first + 1
        miss = (1.0 - chance) ** (last - first + 1)
        missed = [
            share * (1.0 - miss) + (missed[k - 1] * miss if k else 0.0) for k, share in enumerate(missed)
        ]
        spent = (last + 1) * word + compared * COMPARE_NS
        if depth > missable:
            looks.append((depth, spent, min(1.0, min(vectors, OCTET) * sum(missed))))
    exact = len(places) * (missable + 1) * LEVEL_NS + (spans[-1][1] + 1) * VALUE_NS
    if not looks:  # no draws, or more misses allowed than there are
        return Outlay(len(places), len(places), octets * exact)
    second, later, passed = min(looks, key=lambda look: look[1] + look[2] * exact)
    left = later + passed * exact
    first, spent, passed = min(looks, key=lambda look: look[1] + look[2] * left)
    return Outlay(first, max(first, second), octets * (spent + passed * left))


def align(
    values: np.ndarray[Any, Any], draws: Draws, starts: tuple[int, int], gaps: tuple[int, int]
) -> tuple[int, list[int], int]:
    """Return (matched, gaps before each draw but the first, start) of the best alignment of `draws` in a stream of mapping calls.

    `values` are the calls' values from the seed on, as many as `window` of the last draw reaches; a draw of -1 is missing. Of the
    alignments that reproduce most draws it is the one with the smallest start and then the smallest gaps.
    """
    places = range(len(draws))
    spans = [window(starts, gaps, place) for place in places]
    fits = [_fits(values, int(draws[place]), spans[place]) for place in places]
    levels = _completions(draws, spans, fits, gaps)
    budget = next(m for m, sets in enumerate(levels) if sets[0])
    path: list[int] = []
    allowed = levels[budget][0]
    for place in places:
        call = (allowed & -allowed).bit_length() - 1
        path.append(call)
        if draws[place] >= 0 and not fits[place] >> call & 1:
            budget -= 1
        if place + 1 < len(draws):
            ahead = (1 << gaps[1] + 2) - (1 << gaps[0] + 1) << call
            allowed = levels[budget][place + 1] & ahead
    matched = sum(
        int(values[call] == draw) for call, draw in zip(path, draws.tolist(), strict=True) if draw >= 0
    )
    return matched, [after - before - 1 for before, after in pairwise(path)], path[0]


def _fits(values: np.ndarray[Any, Any], draw: int, span: tuple[int, int]) -> int:
    """Return, as bits, the calls of the window whose value is the draw."""
    return sum(1 << span[0] + call for call in np.flatnonzero(values[span[0] : span[1] + 1] == draw).tolist())


def _completions(
    draws: Draws, spans: list[tuple[int, int]], fits: list[int], gaps: tuple[int, int]
) -> list[list[int]]:
    """Return sets[m][j], as bits: the calls at which draw j can lie so that it and all later ones miss at most m."""
    count = len(draws)
    levels: list[list[int]] = []
    while not levels or not levels[-1][0]:
        sets = [0] * count
        for place in reversed(range(count)):
            first, last = spans[place]
            everywhere = (1 << last + 1) - (1 << first)
            free = everywhere if draws[place] < 0 else fits[place]
            if place + 1 == count:
                sets[place] = free if not levels else everywhere
                continue
            sets[place] = free & _before(sets[place + 1], gaps)
            if levels:
                sets[place] |= everywhere & _before(levels[-1][place + 1], gaps)
        levels.append(sets)
    return levels


def _before(later: int, gaps: tuple[int, int]) -> int:
    """Return the calls from which some gap leads to one of these."""
    reached = 0
    for step in range(gaps[0] + 1, gaps[1] + 2):
        reached |= later >> step
    return reached
