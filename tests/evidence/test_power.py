"""What planted truths prove about power."""

from __future__ import annotations

import math

import pytest

from engine.evidence.power import clopper_pearson_lower, clopper_pearson_upper


def test_fifty_nine_of_fifty_nine_prove_ninety_five_percent() -> None:
    assert clopper_pearson_lower(59, 59) >= 0.95
    assert clopper_pearson_lower(58, 58) < 0.95


def test_the_bound_makes_the_observation_just_five_percent_likely() -> None:
    bound = clopper_pearson_lower(17, 20)
    tail = sum(math.comb(20, k) * bound**k * (1 - bound) ** (20 - k) for k in range(17, 21))
    assert tail == pytest.approx(0.05)


def test_bounds_at_the_ends() -> None:
    assert clopper_pearson_lower(0, 10) == 0.0
    assert clopper_pearson_lower(0, 0) == 0.0
    assert clopper_pearson_upper(10, 10) == 1.0
    assert clopper_pearson_upper(0, 59) == pytest.approx(1 - clopper_pearson_lower(59, 59))


def test_more_found_than_planted_is_refused() -> None:
    with pytest.raises(ValueError, match="4 of 3"):
        clopper_pearson_lower(4, 3)
