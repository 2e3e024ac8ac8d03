"""Evidence averages to one under chance, exactly and by simulation, and finds a planted truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evidence.evalue import (
    NOISE_MIXTURE,
    EProcess,
    log2_evidence,
    log2_ratio,
    prior_bits,
    required_bits,
    survivor_bits,
)

NOISES = st.sampled_from([None, 0.0, 0.05, 0.2, 0.5, 1.0])


def average(scored: int, p: float, noise: float | None, truth: float) -> float:
    """Return the expected ratio when each draw matches with probability `truth`."""
    weights = (math.comb(scored, k) * truth**k * (1 - truth) ** (scored - k) for k in range(scored + 1))
    return sum(w * 2.0 ** log2_evidence(k, scored, p, noise) for k, w in enumerate(weights))


def test_a_claim_at_one_in_a_million_needs_twenty_bits() -> None:
    assert required_bits(1e-6) == pytest.approx(19.93, abs=0.005)


def test_mixture_covers_the_stated_noises_with_weights_that_sum_to_one() -> None:
    assert [share for share, _ in NOISE_MIXTURE] == [0.0, 0.05, 0.2, 0.5]
    assert sum(weight for _, weight in NOISE_MIXTURE) == pytest.approx(1.0)


@given(p=st.floats(1e-6, 0.99), noise=st.floats(0.001, 1.0))
def test_one_draw_averages_to_one(p: float, noise: float) -> None:
    mean = p * 2.0 ** log2_ratio(True, p, noise) + (1 - p) * 2.0 ** log2_ratio(False, p, noise)
    assert mean == pytest.approx(1.0)


@given(scored=st.integers(0, 25), inverse=st.integers(2, 1000), noise=NOISES)
def test_a_history_averages_to_one(scored: int, inverse: int, noise: float | None) -> None:
    assert average(scored, 1 / inverse, noise, 1 / inverse) == pytest.approx(1.0)


@given(scored=st.integers(1, 25), noise=NOISES, below=st.floats(0.0, 1.0))
def test_an_upper_bound_of_the_match_probability_is_safe(
    scored: int, noise: float | None, below: float
) -> None:
    assert average(scored, 0.2, noise, 0.2 * below) <= 1.0 + 1e-9


def test_without_noise_one_miss_ends_it() -> None:
    assert log2_evidence(12, 12, 1e-3, 0.0) == pytest.approx(12 * math.log2(1000))
    assert log2_evidence(11, 12, 1e-3, 0.0) == -math.inf
    assert log2_evidence(11, 12, 1e-3) > 80


def test_no_draws_are_no_evidence() -> None:
    assert log2_evidence(0, 0, 1e-3) == pytest.approx(0.0)
    assert log2_evidence(0, 0, 1e-3, 0.0) == 0.0


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="matched 5 of 4"):
        log2_evidence(5, 4, 0.1)


def test_survivor_weights_never_exceed_one_however_many_are_looked_at() -> None:
    total = sum(2.0 ** -survivor_bits(rank) for rank in range(1, 10_000))
    assert 0.9998 < total < 1.0
    assert survivor_bits(1) == 1.0


def test_prior_of_a_space_costs_its_logarithm() -> None:
    assert prior_bits(2**80) == 80.0
    with pytest.raises(ValueError, match="must be positive"):
        prior_bits(0)


@given(hits=st.lists(st.booleans(), max_size=40), noise=NOISES)
def test_the_process_agrees_with_the_closed_form(hits: list[bool], noise: float | None) -> None:
    process = EProcess(0.01, noise)
    for hit in hits:
        process.update(hit)
    assert process.bits == pytest.approx(log2_evidence(sum(hits), len(hits), 0.01, noise), abs=1e-6)


def test_a_process_continues_from_its_counts() -> None:
    process = EProcess(0.1, cost=7.0, matched=5, scored=6)
    assert process.bits == pytest.approx(log2_evidence(5, 6, 0.1) - 7.0)


def test_a_crossing_is_remembered_after_later_misses() -> None:
    process = EProcess(1e-3, 0.0)
    process.update(True)
    process.update(True)
    assert not process.crossed(1e-7)
    process.update(True)
    assert process.update(False) == -math.inf
    assert process.crossed(1e-7)
    assert not process.crossed(1e-12)


def test_description_length_delays_the_crossing() -> None:
    cheap, costly = EProcess(0.1), EProcess(0.1, cost=32.0)
    for _ in range(8):
        cheap.update(True)
        costly.update(True)
    assert cheap.crossed(1e-6)
    assert not costly.crossed(1e-6)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.01])
def test_under_chance_the_running_maximum_keeps_its_error_rate(alpha: float) -> None:
    rng = np.random.default_rng(20260101)
    crossed = 0
    for row in rng.random((2000, 30)) < 1 / 6:
        process = EProcess(1 / 6)
        for hit in row.tolist():
            process.update(hit)
        crossed += process.crossed(alpha)
    assert 0 < crossed <= 2000 * alpha + 3 * math.sqrt(2000 * alpha)


def test_a_noisy_truth_is_found() -> None:
    rng = np.random.default_rng(7)
    process = EProcess(1e-3, cost=49.0)
    for hit in (rng.random(30) < 0.8).tolist():
        process.update(hit)
    assert process.crossed(1e-6)
