"""The vector filter of composed draws: the single inner calls that a draw pins down, searched in lanes; the interpreter judges what is left.

A digit is an inner call's own value; a sample's first number is that of its first call, where no call draws a word again; a formula's
draw leaves a stretch of words (intervals.py). What no single call tells (shuffles, drawn again, selections) has no filter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from hip_cuda_kernels.composed import DIGITS, FORMULA, SAMPLE_LAWS, ComposedTask, Recipe
from hip_cuda_kernels.composed import seed_seconds as composed_seed_seconds
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.intervals import bounds
from hip_cuda_kernels.lowering import (
    ITSELF,
    NEVER_REJECTS,
    SCALED,
    Call,
    Filter,
    lower_draw,
    lower_fields,
    lower_filter,
)
from hip_cuda_kernels.planning import OPERATION_SECONDS, Workload, cost, depths, pass_rates
from hip_cuda_kernels.samples import unrank_sample
from hip_cuda_kernels.task import MOST_CALLS, Numbers, Scope, Task

Interval = tuple[int, int]  # offset and lim of a filter
Pin = tuple[int, tuple[Interval, ...]]  # an inner call of the draw, and the words that it may have read
STRETCHES = 1 << 12  # of a formula's words
MOST_ROWS = 1 << 12  # vectors, gaps and alternatives together
OFFERED = (1, 2, 3)  # draws that alternatives are combined of


@dataclass(frozen=True)
class Sight:
    """How single inner calls are looked at: `calls` of them make a draw, `each` of them are pinned down with so many alternatives."""

    recipe: Recipe
    call: Call
    look: Filter
    calls: int
    each: int
    alternatives: int

    def pins(self, value: int) -> tuple[Pin, ...] | None:
        """Return what a draw (relative to lo) pins down; None where nothing makes it."""
        return _pins(self, value)


def sight_of(recipe: Recipe) -> Sight | None:
    """Return how a recipe's draws pin inner calls down, or None where they do not."""
    call = recipe.steps[0]
    if recipe.law == DIGITS:
        return (
            None
            if _passes_top(call)
            else Sight(recipe, call, lower_filter(call), recipe.count, recipe.count, 1)
        )
    if recipe.law == FORMULA:
        wide = replace(call, kind=ITSELF, size=STRETCHES)  # the size tells the sieve how rare a match may be
        return None if call.accept_max != NEVER_REJECTS else Sight(recipe, wide, lower_filter(call), 1, 1, 1)
    way = next(name for name, (law, _) in SAMPLE_LAWS.items() if law == recipe.law)
    if way not in ("pool", "forward") or any(
        s.accept_max != NEVER_REJECTS or _passes_top(s) for s in recipe.steps
    ):
        return None
    numbers = recipe.count if recipe.binomials else 1
    return Sight(recipe, call, lower_filter(call), recipe.count, 1, numbers)


def _passes_top(call: Call) -> bool:
    """Say whether a double of 1 can reach the range's end, which the interpreter takes for its first value."""
    return call.kind == SCALED and math.floor(((1 << call.bits) - 1) / call.unit * call.range) >= call.size


@lru_cache(maxsize=1 << 14)
def _pins(sight: Sight, value: int) -> tuple[Pin, ...] | None:
    recipe = sight.recipe
    if recipe.law == FORMULA:
        span = _stretch(recipe, sight.call, value)
        return None if span is None else ((0, (span,)),)
    if not 0 <= value < _draws(recipe):
        return None
    if recipe.law == DIGITS:
        digits = [value // recipe.size**place % recipe.size for place in range(recipe.count)][::-1]
        found = [lower_draw(sight.call, sight.look, digit) for digit in digits]
        return (
            None if None in found else tuple((at, (one,)) for at, one in enumerate(found) if one is not None)
        )
    numbers = unrank_sample(value, recipe.count, recipe.size, ordered=not recipe.binomials)[
        : sight.alternatives
    ]
    first = [lower_draw(sight.call, sight.look, number) for number in numbers]
    kept = tuple(one for one in first if one is not None)
    return ((0, kept),) if kept else None


def _draws(recipe: Recipe) -> int:
    if recipe.law == DIGITS:
        return int(recipe.size**recipe.count)
    return math.comb(recipe.size, recipe.count) if recipe.binomials else math.perm(recipe.size, recipe.count)


def _stretch(recipe: Recipe, call: Call, value: int) -> Interval | None:
    """Return the words between the first and the last stretch whose results may floor to the draw."""
    size = 1 << max(0, call.field - (STRETCHES.bit_length() - 1))
    low, high = _results(recipe, call)
    draw = float(value + recipe.lo)
    fits = np.flatnonzero((np.floor(low) <= draw) & (draw <= np.floor(high)))
    if not len(fits):
        return None
    return lower_fields(call, int(fits[0]) * size, (int(fits[-1]) + 1) * size - 1)


@lru_cache(maxsize=256)
def _results(recipe: Recipe, call: Call) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the lowest and the highest result of a formula on each stretch of the first word's field."""
    count = min(STRETCHES, 1 << call.field)
    size = (1 << call.field) // count
    fields = [(at * size, (at + 1) * size - 1) for at in range(count)]
    u = [((lo << call.join) / call.unit, ((hi + 1 << call.join) - 1) / call.unit) for lo, hi in fields]
    whole = call.top == call.width  # else the bits above the field are free
    x = [
        (lo << call.shift, (hi + 1 << call.shift) - 1) if whole else (0, (1 << call.width) - 1)
        for lo, hi in fields
    ]
    ends = [np.array(column, dtype=np.float64) for pair in (u, x) for column in zip(*pair, strict=True)]
    return bounds(recipe.program, (ends[0], ends[1]), (ends[2], ends[3]))


@dataclass(frozen=True)
class PinnedTask:
    """The search of inner calls, and for each of its rows the composed vector and gap that it stands for (struct Pinned)."""

    task: Task
    owners: Numbers
    calls: int
    seconds: float


@dataclass(frozen=True)
class _Row:
    """One vector at one gap, one alternative of each pin: (inner call, interval) by place, so many of which must match."""

    vector: int
    gap: int
    entries: tuple[tuple[int, Interval], ...]
    needed: int


def build_pinned(family: Family, composed: ComposedTask, scope: Scope) -> PinnedTask | None:
    """Return the search of inner calls that proposes every hit, at the number of pins a draw that costs least; None where there is none."""
    sight, best = sight_of(composed.recipe), _cheapest(family, composed, scope)
    return None if sight is None or best is None else _packed(family, sight, best[1], scope, best[0])


def pinned_seconds(family: Family, composed: ComposedTask, scope: Scope) -> float | None:
    """Return what one seed costs such a search, which is not laid out for it; None where there is none."""
    best = _cheapest(family, composed, scope)
    return None if best is None else best[0]


def _cheapest(family: Family, composed: ComposedTask, scope: Scope) -> tuple[float, list[_Row]] | None:
    sight = sight_of(composed.recipe)
    if sight is None:
        return None
    best: tuple[float, list[_Row]] | None = None
    for pins in range(1, sight.each + 1):
        for together in OFFERED if sight.alternatives > 1 else (0,):
            rows = _rows(sight, composed, scope, pins, together)
            if rows:
                spent = _seconds(family, sight, rows, scope, composed)
                best = min(best or (math.inf, rows), (spent, rows), key=lambda one: one[0])
    if best is None or _starts(sight, scope)[1] + max(row.entries[-1][0] for row in best[1]) > MOST_CALLS:
        return None
    return best


def _rows(sight: Sight, composed: ComposedTask, scope: Scope, pins: int, together: int) -> list[_Row] | None:
    """Return the rows that propose every hit; None where they are too many, or alternatives and misses come together."""
    rows: list[_Row] = []
    for vector, places, needed in _vectors(sight, composed):
        for gap in range(scope.gaps[0], scope.gaps[1] + 1):
            laid = [
                [(place * (gap + 1) * sight.calls + at, spans) for at, spans in pinned[:pins]]
                for place, pinned in places
            ]
            if not together:
                entries = tuple((at, spans[0]) for draw in laid for at, spans in draw)
                rows.append(_Row(vector, gap, entries, needed * pins))
            elif len(places) > needed or needed < together:
                return None
            else:
                chosen = [draw[0] for draw in laid[:together]]
                for spans in product(*(spans for _, spans in chosen)):
                    entries = tuple((at, span) for (at, _), span in zip(chosen, spans, strict=True))
                    rows.append(_Row(vector, gap, entries, together))
            if len(rows) > MOST_ROWS:
                return None
    return rows


def _vectors(
    sight: Sight, composed: ComposedTask
) -> Iterator[tuple[int, list[tuple[int, tuple[Pin, ...]]], int]]:
    """Yield (vector, its possible draws with their pins, threshold) of every vector that can reach it."""
    shape = composed.vectors, composed.width
    index = composed.arrays[2 * composed.vectors :].reshape(shape)
    values = composed.values.reshape(shape).view(np.int64)
    for vector in range(composed.vectors):
        usable, needed = (int(composed.arrays[at * composed.vectors + vector]) for at in (0, 1))
        pinned = [(int(index[vector, i]), sight.pins(int(values[vector, i]))) for i in range(usable)]
        places = [(place, pins) for place, pins in pinned if pins is not None]
        if len(places) >= needed:
            yield vector, places, needed


def _starts(sight: Sight, scope: Scope) -> tuple[int, int]:
    return scope.starts[0] * sight.calls, scope.starts[1] * sight.calls


def _load(family: Family, sight: Sight, row: _Row, scope: Scope, rows: int) -> Workload:
    chance = sum((lim + 1) / 2**32 for _, (_, lim) in row.entries) / len(row.entries)
    chance = min(1.0, max(chance, 1.0 / min(sight.call.size, 1 << sight.call.width)))
    first, last = _starts(sight, scope)
    stride = max(1, row.entries[-1][0] // max(1, len(row.entries) - 1))
    return Workload(
        len(row.entries),
        row.needed,
        chance,
        last - first + 1,
        1,
        stride,
        sight.call.raw_words,
        *family.ops,
        rows,
    )


def _seconds(
    family: Family, sight: Sight, rows: Sequence[_Row], scope: Scope, composed: ComposedTask
) -> float:
    """Return what one seed costs: the inner search as the widest row asks, and the interpreter on what it leaves."""
    load = _load(family, sight, max(rows, key=lambda row: row.entries[-1][0]), scope, len(rows))
    rate = pass_rates(load.draws, load.draws - load.threshold, load.chance)[-1]
    passed = rate * len(rows) * (scope.starts[1] - scope.starts[0] + 1)
    judged = composed_seed_seconds(
        composed.recipe, family, composed.width - 1, (scope.starts[0],) * 2, (scope.gaps[1],) * 2
    )
    return cost(load) * OPERATION_SECONDS + passed * judged


def _packed(family: Family, sight: Sight, rows: Sequence[_Row], scope: Scope, seconds: float) -> PinnedTask:
    starts = _starts(sight, scope)
    width = max(len(row.entries) for row in rows)
    index, offset, lim = (np.zeros((len(rows), width), dtype=np.uint32) for _ in range(3))
    for at, row in enumerate(rows):
        index[at, : len(row.entries)] = [call for call, _ in row.entries]
        offset[at, : len(row.entries)] = [span[0] for _, span in row.entries]
        lim[at, : len(row.entries)] = [span[1] for _, span in row.entries]
    deep = [depths(_load(family, sight, row, scope, len(rows))) for row in rows]
    first, second = np.array(deep, dtype=np.uint32).T.copy()
    usable = np.array([len(row.entries) for row in rows], dtype=np.uint32)
    needed = np.array([row.needed for row in rows], dtype=np.uint32)
    task = Task(
        sight.call, sight.look, replace(scope, starts=starts, gaps=(0, 0)), len(rows), width, usable, needed, first, second,
        index.reshape(-1), np.zeros(len(rows) * width, np.uint32), offset.reshape(-1), lim.reshape(-1),
    )  # fmt: skip
    owners = np.array([[row.vector for row in rows], [row.gap for row in rows]], dtype=np.uint32).reshape(-1)
    return PinnedTask(task, owners, sight.calls, seconds)
