"""Searches that share a pass find what each of them finds alone, whatever their mappings, ranges, alignments and hits."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

import numpy as np
import pytest

from hip_cuda_kernels import host, together
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import is_composed, resolve_mappings
from hip_cuda_kernels.registry import FAMILIES, family
from hip_cuda_kernels.together import Reading

SEEDS, DRAWS = 700, 10
SPANS = ((0, 9), (1, 10), (0, 999))
SHAPES = (((0, 0), (0, 0)), ((0, 2), (0, 7)), ((1, 1), (0, 16)))  # starts, gaps
ONE_OF_A_GROUP = FAMILIES[::3]
"""Enough for every width of words and every way of making them; the others run in benchmarks/passes.py."""


def readings(found: Family, rng: np.random.Generator) -> list[Reading]:
    """Return some readings of a family: a row of chance draws, one of a planted seed, one with a missing draw."""
    made = []
    plain = [one.id for one in resolve_mappings(None, found) if not is_composed(one)]
    for mapping, span, (starts, gaps) in product(plain, SPANS, SHAPES):
        try:
            host.check_mapping(found.id, mapping, *span)
        except KernelError:
            continue
        draws = rng.integers(*span, (3, DRAWS), endpoint=True)
        seed = int(rng.integers(min(SEEDS, 2**found.seed_bits)))
        draws[1] = host.values(found.id, mapping, seed, *span, DRAWS, start=starts[1], gap=gaps[1])
        draws[2, 3] = -1
        least = np.full(3, 7 if span[1] < 100 else 4, np.uint32)
        made.append(Reading(mapping, *span, draws, least, starts, gaps))
    return list(islice((made[at] for at in rng.permutation(len(made))), 12))


def alone(name: str, one: Reading, **job: Any) -> host.SieveResult:
    return host.sieve(
        name, one.mapping, one.lo, one.hi, one.draws, one.thresholds, starts=one.starts, gaps=one.gaps, **job
    )


@pytest.mark.parametrize("found", ONE_OF_A_GROUP, ids=lambda one: one.id)
def test_each_search_finds_what_it_finds_alone(found: Family) -> None:
    asked = readings(found, np.random.default_rng(found.seed_bits))
    count = min(SEEDS, 2**found.seed_bits)
    results = together.search(found.id, asked, seed_lo=0, seed_count=count)
    for one, result in zip(asked, results, strict=True):
        expected = alone(found.id, one, seed_lo=0, seed_count=count)
        assert np.array_equal(result.hits, expected.hits), one.mapping
        assert (result.seeds_done, result.stopped, result.overflow) == (count, False, False)
    assert sum(len(result.hits) for result in results) >= len(asked), "each has its planted seed"


def test_seeds_on_both_sides_of_two_to_the_32_are_searched() -> None:
    asked = readings(family("splitmix64/raw_seed"), np.random.default_rng(4))
    first, count = 2**32 - 300, 600
    results = together.search("splitmix64/raw_seed", asked, seed_lo=first, seed_count=count)
    for one, result in zip(asked, results, strict=True):
        expected = alone("splitmix64/raw_seed", one, seed_lo=first, seed_count=count)
        assert np.array_equal(result.hits, expected.hits)


def java(span: tuple[int, int], rows: list[list[int]], least: int) -> Reading:
    return Reading(
        "java_bounded", *span, np.array(rows), np.full(len(rows), least, np.uint32), (0, 0), (0, 0)
    )


def test_one_whose_hits_overflow_ends_and_the_others_go_on() -> None:
    flooded, calm = java((0, 1), [[0, 1, 1]], 1), java((0, 99), [[5, 81, 13]], 3)
    first, second = together.search("lcg48/java", [flooded, calm], seed_lo=0, seed_count=100_000, max_hits=50)
    assert (first.overflow, len(first.hits)) == (True, 50)
    assert (second.overflow, second.seeds_done) == (False, 100_000)
    assert np.array_equal(second.hits, alone("lcg48/java", calm, seed_lo=0, seed_count=100_000).hits)


def test_a_search_that_no_draw_can_satisfy_finds_nothing_beside_one_that_can() -> None:
    none, some = java((0, 9), [[-1, -1, 4]], 2), java((0, 9), [[0, 3, 8]], 2)
    first, second = together.search("lcg48/java", [none, some], seed_lo=0, seed_count=999)
    assert (len(first.hits), first.seeds_done) == (0, 999)
    assert np.array_equal(second.hits, alone("lcg48/java", some, seed_lo=0, seed_count=999).hits)


def test_a_stop_ends_all_of_them_and_only_whole_seeds_are_told() -> None:
    word = np.ones(1, np.uint32)
    results = together.search(
        "lcg48/java", [java((0, 9), [[0, 3, 8]], 2), java((1, 10), [[1, 4, 9]], 2)], seed_lo=0, seed_count=1 << 40, stop=word
    )  # fmt: skip
    assert [(one.stopped, len(one.hits)) for one in results] == [(True, 0)] * 2
    assert all(one.seeds_done < 1 << 40 for one in results)


def test_what_shares_no_words_is_refused() -> None:
    with pytest.raises(KernelError, match="at most 512 share a pass"):
        Reading("java_bounded", 0, 9, np.zeros((1, 3), np.int64), np.ones(1, np.uint32), (0, 99), (0, 9))
    rows = Reading(
        "digits(3,java_bounded)", 0, 999, np.zeros((1, 3), np.int64), np.ones(1, np.uint32), (0, 0), (0, 0)
    )
    with pytest.raises(KernelError, match="share no pass"):
        together.search("lcg48/java", [rows], seed_lo=0, seed_count=9)
