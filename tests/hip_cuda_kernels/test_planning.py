"""The stages' depths always leave the threshold in reach, and follow the chance of a match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hip_cuda_kernels.planning import Workload, cost, depths, pass_rates


def load(
    draws: int, threshold: int, chance: float, gaps: int = 17, seeding: int = 1600, vectors: int = 1
) -> Workload:
    return Workload(draws, threshold, chance, 1, gaps, gaps, 1, seeding, 28, vectors)


@given(st.integers(1, 64), st.data(), st.floats(1e-9, 1.0), st.integers(1, 40))
def test_depths_stay_between_the_missable_draws_and_all(
    draws: int, data: st.DataObject, chance: float, gaps: int
) -> None:
    threshold = data.draw(st.integers(1, draws))
    first, second = depths(load(draws, threshold, chance, gaps))
    assert draws - threshold < first <= second <= draws


def test_pass_rates_are_the_binomial_tail() -> None:
    rates = pass_rates(4, 1, 0.25)
    assert rates[:2] == (1.0, 1.0)
    assert rates[2] == pytest.approx(1 - 0.75**2)
    assert rates[4] == pytest.approx(0.25**4 + 4 * 0.75 * 0.25**3)


def test_rare_matches_are_filtered_on_the_fewest_draws() -> None:
    assert depths(load(10, 7, 1e-4))[0] == 4
    assert depths(load(10, 10, 1e-3, gaps=1))[0] == 1


def test_several_vectors_are_counted_together_and_so_on_more_draws() -> None:
    assert depths(load(10, 7, 1e-3, vectors=4))[0] == 5
    assert cost(load(10, 7, 1e-3, vectors=8)) < 1.1 * cost(load(10, 7, 1e-3, vectors=4))


def test_frequent_matches_need_a_deeper_look() -> None:
    assert depths(load(20, 15, 0.5))[0] > 10
