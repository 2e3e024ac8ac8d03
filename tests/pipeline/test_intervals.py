"""Intervals and p-values: they hold the truth at few draws and few hits, and they see a planted truth."""

import numpy as np
import pytest

from engine.pipeline.intervals import mean_interval, permutation_ps


def test_no_hit_in_few_draws_excludes_little():
    got = mean_interval(np.zeros(10), 0.95)
    assert got.value == got.lo == 0.0
    assert 0.2 < got.hi < 0.6


def test_only_hits_exclude_chance():
    got = mean_interval(np.ones(10), 0.95)
    assert got.hi == pytest.approx(1.0)
    assert 0.5 < got.lo < 0.9


def test_no_draw_excludes_nothing():
    assert vars(mean_interval(np.zeros(0), 0.95)) == {"value": 0.0, "lo": 0.0, "hi": 1.0}


def test_the_interval_holds_the_chance_rate_as_often_as_it_says():
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(200):
        x = (rng.random(40) < 0.05).astype(float)
        got = mean_interval(x, 0.9)
        missed += not got.lo <= 0.05 <= got.hi
    assert missed <= 20


def test_permutation_sees_the_truth_and_not_chance():
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 100, 12)
    predicted = rng.integers(0, 100, (30, 12))
    share = np.full(30, 1 / 30)
    got = permutation_ps(predicted, drawn, share, 999, rng, lambda: None)
    assert got.weighted > 0.05
    assert got.best > 0.05
    predicted[4] = drawn
    share = np.eye(30)[4]
    got = permutation_ps(predicted, drawn, share, 999, rng, lambda: None)
    assert got.weighted == got.best == pytest.approx(0.001)
    assert got.random_ties <= got.weighted


def test_the_pause_is_called_so_that_a_halt_can_reach_it():
    calls = []
    permutation_ps(
        np.zeros((2, 3)), np.zeros(3), np.ones(2) / 2, 999, np.random.default_rng(0), lambda: calls.append(1)
    )
    assert len(calls) >= 10
