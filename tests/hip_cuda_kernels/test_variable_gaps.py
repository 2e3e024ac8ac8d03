"""Variable gaps: the search equals brute force over every start and every gap pattern, and alignments are what they say."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hip_cuda_kernels import host, variable_gaps
from hip_cuda_kernels.errors import KernelError


def planted(family: str, mapping: str, seed: int, size: int, start: int, gaps: list[int]) -> np.ndarray:
    """Make the draws of a seed whose gaps vary."""
    calls = np.cumsum([start, *(gap + 1 for gap in gaps)])
    return host.values(family, mapping, seed, 0, size - 1, int(calls[-1]) + 1)[calls]


@cache
def every_alignment(length: int, starts: tuple[int, int], gaps: tuple[int, int]) -> np.ndarray:
    """Return the calls of every start and every pattern of gaps: int64 (alignments, length)."""
    steps = product(
        range(starts[0], starts[1] + 1), *[range(gaps[0] + 1, gaps[1] + 2) for _ in range(length - 1)]
    )
    return np.cumsum(np.array(list(steps)), axis=1)


def most_matched(
    values: np.ndarray, draws: np.ndarray, starts: tuple[int, int], gaps: tuple[int, int]
) -> int:
    """Count by trying every start and every pattern of gaps."""
    calls = every_alignment(len(draws), starts, gaps)
    return int(((values[calls] == draws) & (draws >= 0)).sum(axis=1).max())


@pytest.mark.parametrize(
    ("family", "mapping", "size"),
    [
        ("xorshift32/raw_seed", "mod", 6), ("lcg48/java", "java_bounded", 10), ("mt19937/cpython", "top_reject", 5),
        ("splitmix64/raw_seed", "mod", 7), ("msvc_rand/srand", "float(15)", 8), ("mt19937/init_genrand", "float(53)", 9),
        ("splitmix64/raw_seed", "halves:mod", 6), ("splitmix64/raw_seed", "lo32:lemire", 7),
    ],
)  # fmt: skip
@pytest.mark.parametrize("missing", [False, True])
def test_the_search_equals_brute_force_over_every_pattern(
    family: str, mapping: str, size: int, missing: bool
) -> None:
    starts, gaps, count = (1, 2), (0, 2), 300
    rng = np.random.default_rng(size)
    draws = np.vstack(
        [planted(family, mapping, 77, size, 2, [2, 0, 1, 1, 2]), rng.integers(0, size, (2, 6))]
    ).astype(np.int64)
    if missing:
        draws[0, 2] = draws[1, 0] = -1
    thresholds = np.array([5 - missing, 5, 4], dtype=np.uint32)
    result = variable_gaps.sieve(
        family, mapping, 0, size - 1, draws, thresholds, seed_lo=0, seed_count=count, starts=starts, gaps=gaps
    )
    reach = variable_gaps.window(starts, gaps, 5)[1] + 1
    wanted = []
    for seed in range(count):
        values = host.values(family, mapping, seed, 0, size - 1, reach)
        for vector, row in enumerate(draws):
            matched = most_matched(values, row, starts, gaps)
            if matched >= thresholds[vector]:
                wanted.append((vector, matched, seed))
    assert [(int(h["vector"]), int(h["matched"]), int(h["seed"])) for h in result.hits] == wanted
    assert any(seed == 77 and vector == 0 for vector, _, seed in wanted)
    assert 0 < len(wanted) < 3 * count


def test_a_constant_gap_is_the_variable_law_of_one_gap() -> None:
    draws = np.random.default_rng(2).integers(0, 10, (1, 8))
    shared = {"seed_lo": 0, "seed_count": 5000, "starts": (0, 3), "gaps": (2, 2)}
    threshold = np.array([4], dtype=np.uint32)
    varied = variable_gaps.sieve("lcg48/java", "java_bounded", 0, 9, draws, threshold, **shared)
    constant = host.sieve("lcg48/java", "java_bounded", 0, 9, draws, threshold, **shared)
    best = {}
    for hit in constant.hits:
        best[int(hit["seed"])] = max(best.get(int(hit["seed"]), 0), int(hit["matched"]))
    assert {int(hit["seed"]): int(hit["matched"]) for hit in varied.hits} == best


def test_lanes_that_reject_more_than_was_made_are_judged_once_while_packed_seeds_are_flushed() -> None:
    draws = np.random.default_rng(3).integers(0, 5, (1, 8))
    shared = {"seed_lo": 0, "seed_count": 60_000, "starts": (0, 1), "gaps": (1, 1)}
    threshold = np.array([4], dtype=np.uint32)
    varied = variable_gaps.sieve("mt19937/cpython", "top_reject", 0, 4, draws, threshold, **shared)
    constant = host.sieve("mt19937/cpython", "top_reject", 0, 4, draws, threshold, **shared)
    assert sorted(set(constant.hits["seed"].tolist())) == varied.hits["seed"].tolist()


def test_more_vectors_than_are_marked_at_once_are_all_searched() -> None:
    rng = np.random.default_rng(4)
    truths = [(seed, rng.integers(0, 4, 9).tolist()) for seed in range(100, 2000, 100)]
    draws = np.array([planted("lcg48/java", "java_bounded", seed, 1000, 1, gaps) for seed, gaps in truths])
    found = variable_gaps.sieve(
        "lcg48/java", "java_bounded", 0, 999, draws, np.full(len(draws), 9), seed_lo=0, seed_count=2000, starts=(0, 2), gaps=(0, 3)
    )  # fmt: skip
    expected = [(vector, seed) for vector, (seed, _) in enumerate(truths)]
    assert list(zip(found.hits["vector"].tolist(), found.hits["seed"].tolist(), strict=True)) == expected


def test_a_long_history_is_found_with_wrong_draws_beyond_64_positions() -> None:
    rng = np.random.default_rng(5)
    gaps = rng.integers(0, 16, 29).tolist()
    draws = planted("xorshift32/raw_seed", "mod", 123_456, 1000, 3, gaps)
    wrong = rng.choice(30, 6, replace=False)
    draws[wrong] = (draws[wrong] + 1) % 1000
    result = variable_gaps.sieve(
        "xorshift32/raw_seed", "mod", 0, 999, draws[None, :], np.array([22], np.uint32), seed_lo=120_000, seed_count=10_000,
        starts=(0, 7), gaps=(0, 15),
    )  # fmt: skip
    assert [int(hit["seed"]) for hit in result.hits] == [123_456]
    assert int(result.hits["matched"][0]) >= 24


def test_seeds_across_the_32_bit_boundary_and_a_cut_list() -> None:
    first = 2**32 - 40
    draws = np.full((1, 3), 1, dtype=np.int64)
    call = {"seed_lo": first, "seed_count": 80, "starts": (0, 0), "gaps": (0, 1)}
    whole = variable_gaps.sieve("splitmix64/raw_seed", "mod", 0, 1, draws, np.array([2], np.uint32), **call)
    seeds = whole.hits["seed"].tolist()
    assert (whole.seeds_done, whole.overflow) == (80, False)
    assert min(seeds) < 2**32 <= max(seeds)
    cut = variable_gaps.sieve(
        "splitmix64/raw_seed", "mod", 0, 1, draws, np.array([2], np.uint32), **call, max_hits=5
    )
    assert (len(cut.hits), cut.overflow) == (5, True)


def test_a_stop_ends_the_search_at_whole_seeds() -> None:
    stop = np.array([1], dtype=np.uint32)
    draws = np.random.default_rng(1).integers(0, 10, (1, 12))
    result = variable_gaps.sieve(
        "mt19937/init_genrand", "mod", 0, 9, draws, np.array([12], np.uint32), seed_lo=0, seed_count=10**9, starts=(0, 0),
        gaps=(0, 3), stop=stop, stop_generation=0,
    )  # fmt: skip
    assert (result.stopped, result.seeds_done, len(result.hits)) == (True, 0, 0)


@settings(max_examples=60)
@given(st.data())
def test_an_alignment_reproduces_as_many_draws_as_any_and_keeps_its_bounds(data: st.DataObject) -> None:
    draws = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=1, max_size=5)), dtype=np.int64)
    starts, gaps = (0, data.draw(st.integers(0, 2))), (data.draw(st.integers(0, 1)), 2)
    reach = variable_gaps.window(starts, gaps, len(draws) - 1)[1] + 1
    values = np.array(data.draw(st.lists(st.integers(0, 3), min_size=reach, max_size=reach)))
    matched, pattern, start = variable_gaps.align(values, draws, starts, gaps)
    calls = np.cumsum([start, *(gap + 1 for gap in pattern)])
    assert starts[0] <= start <= starts[1]
    assert all(gaps[0] <= gap <= gaps[1] for gap in pattern)
    assert matched == int(((values[calls] == draws) & (draws >= 0)).sum())
    assert matched == most_matched(values, draws, starts, gaps)


def test_too_long_a_reach_is_refused_with_the_limit() -> None:
    with pytest.raises(KernelError, match="at most 16384 with variable gaps"):
        variable_gaps.sieve(
            "lcg48/java", "java_bounded", 0, 9, np.zeros((1, 60), np.int64), np.array([50], np.uint32), seed_lo=0,
            seed_count=1, starts=(0, 0), gaps=(0, 400),
        )  # fmt: skip
