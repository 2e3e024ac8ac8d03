"""The best of K on a holdout is corrected for K."""

from __future__ import annotations

import pytest

from engine.evidence.holdout import holdout_p


def test_the_best_of_k_costs_k() -> None:
    assert holdout_p(1, 3, 3, 0.1) == pytest.approx(1e-3)
    assert holdout_p(50, 3, 3, 0.1) == pytest.approx(0.05)
    assert holdout_p(5000, 3, 3, 0.1) == 1.0


def test_no_survivor_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        holdout_p(0, 3, 3, 0.1)
