"""Composed mappings in numbers: the inner calls and the law that makes one draw of them (struct Recipe of cpu/composed.h)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb
from typing import Any

import numpy as np

from hip_cuda_kernels.errors import IncompatibleMapping
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.formula import Step
from hip_cuda_kernels.lowering import Call, lower_call
from hip_cuda_kernels.mappings import Mapping
from hip_cuda_kernels.samples import LARGEST, pool_of
from hip_cuda_kernels.task import LongNumbers, Numbers, Scope, check_search, pack_call

DIGITS, FORMULA = 0, 7
# How k of N numbers are taken; the elements 0..N-1 stand in an array a. Every step calls the inner mapping below the number given here.
#   pool        k times: take a[j], j below those left, and move the last one left into its place (Python's sample, R's sample)
#   forward     for i = 0..k-1: swap a[i] and a[i + j], j below N - i; take the first k
#   shuffle     for i = N-1..1: swap a[i] and a[j], j below i + 1; take the first k (java.util.Collections.shuffle, PHP's shuffle)
#   inside_out  for i = 1..N-1: a[i] = a[j], a[j] = i, j below i + 1; take the first k
#   reject      numbers below N, those seen already left out
#   select      each i with j below N - i is taken where j < k - taken (Knuth, TAOCP 2, 3.4.2, algorithm S)
SAMPLE_LAWS: dict[str, tuple[int, Callable[[int, int], range]]] = {
    "pool": (1, lambda k, n: range(n, n - k, -1)),
    "forward": (2, lambda k, n: range(n, n - k, -1)),
    "shuffle": (3, lambda k, n: range(n, 1, -1)),
    "inside_out": (4, lambda k, n: range(2, n + 1)),
    "reject": (5, lambda k, n: range(n, n + 1)),
    "select": (6, lambda k, n: range(n, 0, -1)),
}


@dataclass(frozen=True)
class Recipe:
    """One composed draw: `count` inner draws out of `size`, or a program; see cpu/composed.h."""

    law: int
    count: int
    size: int
    steps: tuple[Call, ...]
    lo: int = 0
    program: tuple[Step, ...] = ()
    binomials: tuple[int, ...] = ()

    def packed(self) -> tuple[LongNumbers, float]:
        """Return (numbers, unit) in the order of unpack_recipe."""
        head = [self.law, self.count, self.size, int(bool(self.binomials)), self.lo & ((1 << 64) - 1)]
        head += [len(self.steps), len(self.program), len(self.binomials)]
        steps = [pack_call(call)[0] for call in self.steps]
        program = np.array([[code, 0] for code, _ in self.program], dtype=np.uint64).reshape(-1, 2)
        program[:, 1] = np.array([constant for _, constant in self.program]).view(np.uint64)
        tail = np.array(self.binomials, dtype=np.uint64)
        return np.concatenate(
            [np.array(head, dtype=np.uint64), *steps, program.reshape(-1), tail]
        ), self.steps[0].unit


@lru_cache(4096)  # a plan asks for every mapping and range again and again
def lower_composed(mapping: Mapping, family: Family, lo: int, hi: int) -> Recipe:
    """Return the recipe of a composed mapping over lo..hi; IncompatibleMapping where the range does not fit it."""
    size = hi - lo + 1
    if not 1 <= size <= LARGEST:
        raise IncompatibleMapping(f"range {lo}:{hi} holds {size} values, {mapping.id} takes 1 to 2^63-1")
    return {"digits": _digits, "sample": _sample, "formula": _formula}[mapping.name](
        mapping, family, lo, size
    )


def _inner(mapping: Mapping, family: Family, size: int) -> Call:
    assert mapping.inner is not None
    return lower_call(mapping.inner, family, 0, size - 1)


def _digits(mapping: Mapping, family: Family, _lo: int, size: int) -> Recipe:
    count = mapping.parameter or 1
    base = next(b for b in (round(size ** (1 / count)) + step for step in (-1, 0, 1, 2)) if b**count >= size)
    if base**count != size or base < 2:
        raise IncompatibleMapping(
            f"{mapping.id}: {size} values are no {count} digits of one base; give --range 0:{10**count - 1}"
        )
    return Recipe(DIGITS, count, base, (_inner(mapping, family, base),))


def _sample(mapping: Mapping, family: Family, _lo: int, size: int) -> Recipe:
    k, (way, order) = mapping.parameter or 1, mapping.options
    n = pool_of(size, k, ordered=order == "ordered")
    if n is None:
        raise IncompatibleMapping(
            f"{mapping.id}: no N has {size} {order} samples of {k} numbers; give the range 0:C-1 of the C samples of {k} of N"
        )
    law, sizes = SAMPLE_LAWS[way]
    table = () if order == "ordered" else tuple(comb(c, place) for place in range(1, k + 1) for c in range(n))
    steps = tuple(_inner(mapping, family, each) for each in sizes(k, n))
    return Recipe(law, k, n, steps or (_inner(mapping, family, n),), binomials=table)


def _formula(mapping: Mapping, family: Family, lo: int, size: int) -> Recipe:
    assert mapping.formula is not None
    call = replace(_inner(mapping, family, 2), rounds=0)
    constants = {"M": size, "lo": lo, "hi": lo + size - 1, "w": mapping.word_bits}
    return Recipe(FORMULA, 1, 1, (call,), lo=lo, program=mapping.formula.program(constants))


# Measured on one core: beginning a seed, an operation of its seeding (of an inner call: a quarter), an inner call, a number put in order.
SEED_NS, OPERATION_NS, CALL_NS, NUMBER_NS = 20.0, 0.8, 12.0, 6.0
COUNTED = 32  # values a compared draw, below which most draws are wanted and every alignment is counted


def seed_seconds(
    recipe: Recipe, family: Family, missable: int, starts: tuple[int, int], gaps: tuple[int, int]
) -> float:
    """Return what one seed costs a search that gives an alignment up after `missable` + 1 misses; it steers speed only."""
    draws = starts[1] + (missable + 1) * (gaps[1] + 1)
    calls = recipe.count if recipe.law in (DIGITS, SAMPLE_LAWS["reject"][0]) else len(recipe.steps)
    tries = (1 << 64) / (recipe.steps[0].accept_max + 1)
    draw = calls * tries * (CALL_NS + family.ops[1] * OPERATION_NS / 4) + recipe.count * NUMBER_NS
    told_apart = recipe.law not in (DIGITS, FORMULA) or recipe.size**recipe.count > COUNTED * (missable + 1)
    counted = 0 if told_apart else (starts[1] - starts[0] + 1) * (gaps[1] - gaps[0] + 1) * (missable + 1)
    return 1e-9 * (SEED_NS + family.ops[0] * OPERATION_NS + draws * draw + counted)


@dataclass(frozen=True)
class ComposedTask:
    """One search over composed draws as arrays (struct ComposedTask of cpu/composed.h)."""

    recipe: Recipe
    vectors: int
    width: int
    arrays: Numbers
    values: LongNumbers
    scope: LongNumbers

    def packed(self) -> tuple[LongNumbers, float, int, int, Numbers, LongNumbers, LongNumbers]:
        """Return the arguments of _host.composed_sieve."""
        return *self.recipe.packed(), self.vectors, self.width, self.arrays, self.values, self.scope


def build_composed(
    family: Family,
    mapping: Mapping,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    scope: Scope,
) -> ComposedTask | None:
    """Return the search as arrays, or None when no vector can reach its threshold."""
    recipe = lower_composed(mapping, family, lo, hi)
    check_search(family, draws, thresholds, scope)
    present = draws != -1  # a formula may leave the range; its draws count all the same
    usable = present.sum(axis=1)
    if not (usable >= thresholds).any():
        return None
    vectors, width = len(draws), int(usable.max())
    index, values = np.zeros((vectors, width), np.uint32), np.zeros((vectors, width), np.uint64)
    for v in range(vectors):
        places = np.flatnonzero(present[v])
        index[v, : len(places)], values[v, : len(places)] = places, (draws[v, places] - lo).view(np.uint64)
    needed = np.minimum(thresholds, draws.shape[1] + 1)
    arrays = np.concatenate([usable, needed, index.reshape(-1)]).astype(np.uint32)
    bounds = np.array([*scope.starts, *scope.gaps, scope.seed_lo, scope.seed_count], dtype=np.uint64)
    return ComposedTask(recipe, vectors, width, arrays, values.reshape(-1), bounds)
