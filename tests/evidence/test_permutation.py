"""The permutation test keeps its level over the best of K and finds a true survivor."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evidence.permutation import permutation_p


def test_a_true_survivor_gets_the_smallest_p() -> None:
    rng = np.random.default_rng(1)
    actual = rng.integers(0, 1000, 30)
    predicted = rng.integers(0, 1000, (50, 30))
    predicted[17] = actual
    assert permutation_p(predicted, actual, rng) == pytest.approx(1 / 1000)


def test_under_chance_p_is_not_small_too_often() -> None:
    rng = np.random.default_rng(2)
    ps = [
        permutation_p(rng.integers(0, 6, (8, 25)), rng.integers(0, 6, 25), rng, rounds=49) for _ in range(400)
    ]
    assert 0.02 < np.mean(np.array(ps) <= 0.2) <= 0.2 + 3 * np.sqrt(0.16 / 400)


def test_missing_draws_never_match() -> None:
    predicted = np.full((3, 6), -1)
    actual = np.array([-1, -1, 3, -1, 5, -1])
    assert permutation_p(predicted, actual, np.random.default_rng(3), rounds=9) == 1.0
    assert permutation_p(predicted, np.full(6, -1), np.random.default_rng(3), rounds=9) == 1.0


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="want"):
        permutation_p(np.zeros((2, 3), np.int64), np.zeros(4, np.int64), np.random.default_rng(0))
