"""Elimination against plain matrix products: rank, every solution, contradictions, stops."""

import numpy as np
import pytest

from hip_cuda_kernels import gf2
from hip_cuda_kernels.errors import KernelError

RNG = np.random.default_rng(20)


def packed(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    columns = np.concatenate([matrix, right[:, None]], axis=1).astype(np.uint8)
    padded = np.pad(columns, ((0, 0), (0, -columns.shape[1] % 64)))
    return np.ascontiguousarray(np.packbits(padded, axis=1, bitorder="little")).view(np.uint64)


def unpacked(words: np.ndarray, unknowns: int) -> np.ndarray:
    return np.unpackbits(words.view(np.uint8), bitorder="little")[:unknowns].astype(np.int64)


def of_rank(equations: int, unknowns: int, rank: int) -> np.ndarray:
    """Random, and of that rank for certain: a product of two unitriangular pieces, rows and columns shuffled."""
    tall = np.tril(RNG.integers(0, 2, (equations, rank)), -1) + np.eye(equations, rank, dtype=np.int64)
    wide = np.triu(RNG.integers(0, 2, (rank, unknowns)), 1) + np.eye(rank, unknowns, dtype=np.int64)
    return (tall @ wide % 2)[RNG.permutation(equations)][:, RNG.permutation(unknowns)]


@pytest.mark.parametrize(
    ("equations", "unknowns", "rank"),
    [(1, 1, 1), (7, 5, 4), (80, 63, 60), (70, 64, 64), (128, 128, 121), (260, 200, 190), (700, 500, 333)],
)
def test_rank_solution_and_null_space_of_any_shape(equations: int, unknowns: int, rank: int) -> None:
    matrix = of_rank(equations, unknowns, rank)
    right = matrix @ RNG.integers(0, 2, unknowns) % 2
    solved = gf2.solve(packed(matrix, right), unknowns, most_free=unknowns)
    assert (solved.rank, solved.dimension, len(solved.null)) == (rank, unknowns - rank, unknowns - rank)
    assert solved.consistent
    assert np.array_equal(matrix @ unpacked(solved.solution, unknowns) % 2, right)
    null = np.array([unpacked(v, unknowns) for v in solved.null]).reshape(-1, unknowns)
    assert not (matrix @ null.T % 2).any()
    assert not len(null) or gf2.solve(packed(null, np.zeros(len(null))), unknowns).rank == len(null)


def test_one_wrong_right_side_is_a_contradiction() -> None:
    matrix = of_rank(200, 100, 90)
    right = matrix @ RNG.integers(0, 2, 100) % 2
    dependent = next(
        i
        for i in range(200)
        if gf2.solve(packed(np.delete(matrix, i, 0), np.delete(right, i)), 100).rank == 90
    )
    right[dependent] ^= 1
    assert not gf2.solve(packed(matrix, right), 100).consistent


def test_a_null_space_that_is_too_wide_is_counted_and_not_listed() -> None:
    matrix = of_rank(100, 60, 50)
    solved = gf2.solve(packed(matrix, np.zeros(100)), 60, most_free=9)
    assert (solved.dimension, len(solved.null)) == (10, 0)


def test_a_large_system_finds_the_planted_solution() -> None:
    unknowns, equations = 3000, 3040
    rows = RNG.integers(0, 1 << 64, (equations, unknowns // 64 + 1), dtype=np.uint64)
    planted = RNG.integers(0, 1 << 64, (unknowns + 63) // 64, dtype=np.uint64)
    planted[-1] &= np.uint64((1 << unknowns % 64) - 1)
    inside = planted.copy()
    parity = np.bitwise_count(rows[:, : len(inside)] & inside).sum(axis=1) & 1
    side = np.uint64(1 << unknowns % 64)
    rows[:, -1] = rows[:, -1] & ~side | parity.astype(np.uint64) * side
    solved = gf2.solve(rows, unknowns)
    assert solved.consistent
    assert solved.rank == unknowns
    assert np.array_equal(solved.solution, planted)


@pytest.mark.parametrize("unknowns", [20, 64, 100, 192, 256])
def test_many_small_systems_agree_with_one_by_one(unknowns: int) -> None:
    limbs, bits, systems, words = (unknowns + 63) // 64, 10, 40, unknowns // 8
    forms = RNG.integers(0, 1 << 64, (300, bits, limbs), dtype=np.uint64)
    forms[..., -1] &= np.uint64((1 << (unknowns - 1) % 64 + 1) - 1)
    times = RNG.integers(0, 300, (systems, words)).astype(np.uint32)
    masks = RNG.integers(0, 1 << bits, words, dtype=np.uint64)
    planted = RNG.integers(0, 1 << 64, limbs, dtype=np.uint64)
    parity = np.bitwise_count(forms[times[3]] & planted).sum(axis=2) & 1
    values = (parity.astype(np.uint64) << np.arange(bits, dtype=np.uint64)).sum(axis=1) & masks
    many = gf2.solve_many(forms, times, masks, values)
    for at in range(systems):
        seen = [(w, bit) for w in range(words) for bit in range(bits) if int(masks[w]) >> bit & 1]
        matrix = np.array([unpacked(forms[times[at, w], bit], unknowns) for w, bit in seen])
        right = np.array([int(values[w]) >> bit & 1 for w, bit in seen])
        one = gf2.solve(packed(matrix, right), unknowns)
        assert many.ranks[at] == (one.rank if one.consistent else -1)
        if one.consistent:
            assert np.array_equal(matrix @ unpacked(many.solutions[at], unknowns) % 2, right)
    assert many.ranks[3] >= 0


def test_both_stop_at_the_callers_word() -> None:
    stop = gf2.Stop(np.array([7], dtype=np.uint32), generation=6)
    rows = RNG.integers(0, 1 << 64, (100, 2), dtype=np.uint64)
    assert gf2.solve(rows, 100, stop=stop).stopped
    forms, times = np.zeros((1, 4, 1), dtype=np.uint64), np.zeros((5, 1), dtype=np.uint32)
    one = np.ones(1, dtype=np.uint64)
    assert gf2.solve_many(forms, times, one, one, stop=stop).done == 0
    stop.word[0] = 6
    assert not gf2.solve(rows, 100, stop=stop).stopped
    assert gf2.solve_many(forms, times, one, one, stop=stop).done == 5


def test_a_table_that_does_not_fit_is_refused_by_name() -> None:
    forms, times = np.zeros((2, 4, 1), dtype=np.uint64), np.zeros((1, 1), dtype=np.uint32)
    one = np.ones(1, dtype=np.uint64)
    with pytest.raises(KernelError, match="rows must be"):
        gf2.solve(np.zeros((3, 1), dtype=np.uint64), 64)
    with pytest.raises(KernelError, match="time 2"):
        gf2.solve_many(forms, times + np.uint32(2), one, one)
    with pytest.raises(KernelError, match="mask names bits"):
        gf2.solve_many(forms, times, one << np.uint64(4), one)
    with pytest.raises(KernelError, match="limbs"):
        gf2.solve_many(np.zeros((2, 4, 5), dtype=np.uint64), times, one, one)
    with pytest.raises(KernelError, match="stop must be"):
        gf2.solve(np.zeros((3, 2), dtype=np.uint64), 64, stop=gf2.Stop(np.zeros(1, dtype=np.uint64)))
