"""Null controls keep the error rate, planted biases are found, tails agree with exact counting."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence.uniformity import (
    _coincidences,
    _pearson_tails,
    _repeat_tails,
    collision_probability,
    match_probability,
    uniformity,
)

Rng = np.random.Generator


def different_values(draws: int, modulus: int) -> list[Fraction]:
    """Return the exact distribution of the number of different values, from Stirling numbers."""
    stirling = [Fraction(1)] + [Fraction(0)] * draws
    for _ in range(draws):
        stirling = [Fraction(0), *(stirling[k - 1] + k * stirling[k] for k in range(1, draws + 1))]
    falling = [math.perm(modulus, k) if k <= modulus else 0 for k in range(draws + 1)]
    return [s * f / modulus**draws for s, f in zip(stirling, falling, strict=True)]


@pytest.mark.parametrize(("draws", "modulus"), [(30, 1000), (40, 40), (60, 25), (20, 100_000)])
def test_tails_of_the_repeats_agree_with_exact_counting(draws: int, modulus: int) -> None:
    exact = different_values(draws, modulus)
    for repeats in range(max(0, draws - modulus), draws):
        lower, upper = _repeat_tails(repeats, draws, modulus)
        assert lower == pytest.approx(float(sum(exact[draws - repeats :])), rel=1e-9)
        assert upper == pytest.approx(float(sum(exact[: draws - repeats + 1])), rel=1e-9)


@pytest.mark.parametrize(("draws", "modulus"), [(3000, 60_000), (2000, 1000)])
def test_coincidences_of_many_uniform_draws_are_near_nominal(draws: int, modulus: int) -> None:
    rng = np.random.default_rng(14)
    p = np.array([_coincidences("", rng.integers(0, modulus, draws), modulus).p_value for _ in range(1500)])
    for level in (0.2, 0.02):
        assert 0.5 * level < np.mean(p <= level) < 1.6 * level


@pytest.mark.parametrize(("cells", "draws"), [(6, 60), (10, 60), (49, 300)])
def test_upper_tail_of_the_chi_square_is_near_nominal(cells: int, draws: int) -> None:
    counts = np.random.default_rng(3).multinomial(draws, [1 / cells] * cells, size=40_000)
    statistics = ((counts - draws / cells) ** 2).sum(1) * cells / draws
    p = np.array([_pearson_tails(float(s), draws, cells)[1] for s in statistics])
    for level in (0.1, 0.01, 0.001):
        assert 0.6 * level < np.mean(p <= level) < 1.5 * level


@pytest.mark.parametrize(
    ("draws", "lo", "hi"),
    [(40, 0, 999), (100, 1, 6), (101, 0, 1), (300, 0, 999), (400, 1, 49), (200, 0, 2**31 - 1)],
)
def test_uniform_draws_are_called_biased_no_more_often_than_stated(draws: int, lo: int, hi: int) -> None:
    rng = np.random.default_rng(11)
    called = sum(uniformity(rng.integers(lo, hi + 1, draws), lo, hi, alpha=0.05).biased for _ in range(400))
    assert called <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05)


def loaded(rng: Rng) -> np.ndarray:
    return rng.choice(6, 600, p=[0.3, 0.14, 0.14, 0.14, 0.14, 0.14]) + 1


def low_half(rng: Rng) -> np.ndarray:
    return rng.integers(0, 500, 60)


def few_values(rng: Rng) -> np.ndarray:
    return rng.choice(rng.integers(0, 10**9, 50), 200)


def shuffled_deck(rng: Rng) -> np.ndarray:
    return rng.permutation(1000)


def too_even(rng: Rng) -> np.ndarray:
    return np.concatenate([rng.permutation(10) for _ in range(60)])


def never_the_same_twice(rng: Rng) -> np.ndarray:
    return np.cumsum(rng.integers(1, 10, 2000)) % 10


def counter(rng: Rng) -> np.ndarray:
    return np.arange(400) * 37 % 1000


def follows_its_neighbour(rng: Rng) -> np.ndarray:
    first = rng.integers(0, 4, 400)
    return np.stack([first, np.where(rng.random(400) < 0.6, first, rng.integers(0, 4, 400))], 1).ravel()


@pytest.mark.parametrize(
    ("plant", "lo", "hi"),
    [
        (loaded, 1, 6),
        (low_half, 0, 999),
        (few_values, 0, 10**9 - 1),
        (shuffled_deck, 0, 999),
        (too_even, 0, 9),
        (never_the_same_twice, 0, 9),
        (counter, 0, 999),
        (follows_its_neighbour, 0, 3),
    ],
)
def test_planted_biases_are_found(plant: Callable[[Rng], np.ndarray], lo: int, hi: int) -> None:
    found = uniformity(plant(np.random.default_rng(5)), lo, hi)
    assert found.biased
    assert found.p_value <= 1e-6
    assert found.effect > 0.05


def test_a_perfectly_even_small_table_is_no_bias() -> None:
    assert not uniformity(np.repeat(np.arange(6), 10)[np.random.default_rng(2).permutation(60)], 0, 5).biased


def test_a_range_of_63_bits_is_tested_like_any_other() -> None:
    top = 2**63 - 1
    even = np.random.default_rng(3).integers(0, top, 150, endpoint=True)
    assert not uniformity(even, 0, top).biased
    assert uniformity(np.cumsum(np.full(60, 2**62 + 2**40)) & top, 0, top).test == "differences, repeats"


def test_missing_draws_are_left_out() -> None:
    values = np.random.default_rng(4).integers(0, 10, 300)
    values[::7] = -1
    assert not uniformity(values, 0, 9).biased


def test_few_draws_give_no_claim() -> None:
    assert uniformity(np.array([3]), 0, 9).test == "none"
    assert uniformity(np.zeros(4, dtype=np.int64), 0, 0).p_value == 1.0
    assert not uniformity(np.array([3, 3, 3]), 0, 9).biased


def test_draws_outside_the_range_are_refused() -> None:
    with pytest.raises(ValueError, match="outside 0:9"):
        uniformity(np.array([1, 10]), 0, 9)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(-1, 30), max_size=80).map(lambda v: np.array(v, dtype=np.int64)),
    hi=st.sampled_from([30, 31, 999, 2**40, 2**62]),
)
def test_p_is_always_a_probability(values: np.ndarray, hi: int) -> None:
    found = uniformity(values, 0, hi)
    assert 0.0 <= found.p_value <= 1.0
    assert math.isfinite(found.effect)
    assert 0.0 < match_probability(values, 0, hi) <= 1.0


def test_match_probability_is_one_in_m_for_uniform_draws() -> None:
    assert match_probability(np.random.default_rng(8).integers(0, 1000, 60), 0, 999) == 1e-3


def test_match_probability_covers_the_most_frequent_value_of_biased_draws() -> None:
    p = match_probability(loaded(np.random.default_rng(9)), 1, 6)
    assert 0.3 < p < 0.45


def test_collision_probability_is_one_in_m_for_even_draws_and_the_sum_of_squares_for_uneven_ones() -> None:
    rng = np.random.default_rng(8)
    assert collision_probability(rng.integers(0, 1000, 60), 0, 999) == 1e-3
    evens = 2 * rng.integers(0, 5, 120)
    shares = np.unique(evens, return_counts=True)[1] / 120
    assert collision_probability(evens, 0, 9) == pytest.approx((shares**2).sum())
    assert collision_probability(np.full(60, 7), 0, 9) == 1.0
