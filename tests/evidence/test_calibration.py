"""Scores and reliability of forecasts, and a pool's lift over chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.evidence.calibration import (
    brier,
    expected_calibration_error,
    log_score,
    poisson_bounds,
    pool_lift,
    reliability_bins,
)

HALF = np.full(8, 0.5)
MIXED = np.array([True, False] * 4)


def test_scores_of_known_forecasts() -> None:
    assert brier(HALF, MIXED) == 0.25
    assert log_score(HALF, MIXED) == 1.0
    assert brier(MIXED.astype(float), MIXED) == 0.0
    assert log_score(MIXED.astype(float), MIXED) == 0.0
    assert log_score(1.0 - MIXED, MIXED) == math.inf


def test_honest_forecasts_have_a_small_calibration_error_and_boasts_a_large_one() -> None:
    rng = np.random.default_rng(6)
    stated = rng.random(20_000)
    assert expected_calibration_error(stated, rng.random(20_000) < stated) < 0.02
    assert expected_calibration_error(np.full(1000, 0.9), rng.random(1000) < 0.1) == pytest.approx(
        0.8, abs=0.03
    )


def test_bins_say_what_was_forecast_and_what_happened() -> None:
    low, high = reliability_bins(np.array([0.1, 0.1, 0.1, 1.0]), np.array([False, True, False, True]), bins=2)
    assert (low.count, low.predicted, low.observed) == (3, pytest.approx(0.1), pytest.approx(1 / 3))
    assert (high.lo, high.hi, high.count, high.observed) == (0.5, 1.0, 1, 1.0)
    assert low.observed_lo < 1 / 3 < low.observed_hi


def test_a_pool_that_hits_as_chance_does_has_lift_one_inside_its_interval() -> None:
    lift = pool_lift(100, 1000, 100, 1000)
    assert (lift.lift, lift.chance, lift.expected_hits) == (pytest.approx(1.0), 0.1, 100.0)
    assert lift.lo < 1.0 < lift.hi


def test_a_good_pool_is_above_chance_with_its_whole_interval() -> None:
    assert pool_lift(30, 100, 20, 1000).lo > 8


def test_intervals_cover_the_truth_as_often_as_stated() -> None:
    hits = np.random.default_rng(10).binomial(200, 0.02, 1000)
    covered = [
        pool_lift(int(h), 200, 20, 1000).lo <= 1.0 <= pool_lift(int(h), 200, 20, 1000).hi for h in hits
    ]
    assert np.mean(covered) >= 0.93


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        brier(np.array([1.5]), np.array([True]))
    with pytest.raises(ValueError, match="equal vectors"):
        brier(HALF, MIXED[:3])
    with pytest.raises(ValueError, match="pool 2000"):
        pool_lift(1, 10, 2000, 1000)


def test_poisson_bounds_are_the_published_ones_and_hold_their_level() -> None:
    # Garwood's table: a count of 0, 1 and 10
    for count, interval in ((0, (0.0, 3.689)), (1, (0.0253, 5.572)), (10, (4.795, 18.390))):
        assert poisson_bounds(count) == pytest.approx(interval, abs=1e-3)
    with pytest.raises(ValueError, match="count -1"):
        poisson_bounds(-1)
