"""Tails against exact fractions, and the thresholds that EVIDENCE states."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evidence.chance import (
    expected_false,
    log2_expected_false,
    log2_tail,
    search_block,
    threshold_for,
)

PAGE = 2**32 * 21 * 46


def exact_tail(draws: int, hits: int, p: Fraction) -> Fraction:
    terms = (math.comb(draws, k) * p**k * (1 - p) ** (draws - k) for k in range(max(0, hits), draws + 1))
    return sum(terms, Fraction(0))


def log2_fraction(value: Fraction) -> float:
    return math.log2(value.numerator) - math.log2(value.denominator)


@pytest.mark.parametrize(
    ("draws", "hits", "p"),
    [
        (10, 1, "1/2"),
        (60, 10, "1/1000"),
        (60, 60, "1/1000"),
        (400, 300, "1/10"),
        (200, 1, "1/6"),
        (300, 299, "1/4096"),
    ],
)
def test_tail_equals_the_exact_fraction(draws: int, hits: int, p: str) -> None:
    exact = log2_fraction(exact_tail(draws, hits, Fraction(p)))
    assert log2_tail(draws, hits, float(Fraction(p))) == pytest.approx(exact, rel=1e-10)


@given(draws=st.integers(1, 60), data=st.data(), inverse=st.integers(2, 5000))
def test_tail_is_exact_for_any_small_case(draws: int, data: st.DataObject, inverse: int) -> None:
    hits = data.draw(st.integers(1, draws))
    exact = log2_fraction(exact_tail(draws, hits, Fraction(1, inverse)))
    assert log2_tail(draws, hits, 1 / inverse) == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_tail_reaches_thousands_of_bits_below_zero() -> None:
    assert log2_tail(1000, 1000, 2.0**-64) == pytest.approx(-64_000)
    exact = log2_fraction(exact_tail(1200, 700, Fraction(1, 1024)))
    assert exact < -5000
    assert log2_tail(1200, 700, 1 / 1024) == pytest.approx(exact, rel=1e-11)


def test_tail_at_its_edges() -> None:
    assert log2_tail(10, 0, 0.3) == 0.0
    assert log2_tail(10, 11, 0.3) == -math.inf
    assert log2_tail(0, 0, 0.3) == 0.0
    assert log2_tail(10, 10, 1.0) == 0.0
    assert log2_tail(10, 1, 0.0) == -math.inf
    with pytest.raises(ValueError, match=r"p must lie in 0\.\.1"):
        log2_tail(10, 3, 1.5)


@pytest.mark.parametrize(("draws", "count"), [(8, 7), (12, 8), (24, 9), (60, 10), (365, 15), (512, 17)])
def test_thresholds_of_the_evidence_page(draws: int, count: int) -> None:
    assert threshold_for(PAGE, draws, 1e-3, expected=1e-6) == count


def test_threshold_is_the_smallest_count_that_is_rare_enough() -> None:
    count = threshold_for(10**9, 40, 0.1)
    assert count is not None
    assert expected_false(10**9, 40, count, 0.1) <= 1.0 < expected_false(10**9, 40, count - 1, 0.1)


def test_no_threshold_when_even_all_matching_is_common() -> None:
    assert threshold_for(2**40, 12, 0.1) is None


def test_expected_false_is_safe_for_huge_spaces() -> None:
    assert log2_expected_false(2**80, 100, 100, 0.5) == pytest.approx(-20)
    assert expected_false(2**80, 0, 0, 0.5) == 2.0**80
    assert expected_false(2**80, 1000, 1000, 1e-3) == 0.0
    assert expected_false(2**2000, 3, 0, 0.5) == math.inf
    assert expected_false(0, 3, 3, 0.5) == 0.0


def test_search_block_without_noise_wants_every_draw_to_match() -> None:
    block = search_block(PAGE, 60, 1e-3, 0.0)
    assert block is not None
    assert (block.draws, block.threshold, block.power) == (5, 5, 1.0)
    assert block.expected <= 1.0 < expected_false(PAGE, 4, 4, 1e-3)


def test_search_block_with_noise_keeps_its_power() -> None:
    block = search_block(PAGE, 60, 1e-3, 0.2)
    assert block is not None
    exact = exact_tail(block.draws, block.threshold, Fraction(4, 5) + Fraction(1, 5000))
    assert block.power == pytest.approx(float(exact))
    assert block.power >= 0.99
    assert block.threshold < block.draws
    assert block.expected <= 1.0


def test_search_block_refuses_what_cannot_be_told_apart() -> None:
    assert search_block(PAGE, 4, 1e-3, 0.0) is None
    assert search_block(PAGE, 10_000, 0.5, 0.0, longest=16) is None
    assert search_block(PAGE, 60, 1e-3, 1.0) is None
