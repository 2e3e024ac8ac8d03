"""Betting on the counts: fair under even draws, wins where one bin is drawn too often, exact also where bins differ by a value."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.evidence.evenness import MOST_BINS, Evenness, share


@pytest.mark.parametrize("modulus", [2, 7, 10, 37, 1000])
def test_shares_are_those_of_the_values_that_fall_into_a_bin(modulus: int) -> None:
    bins = min(modulus, MOST_BINS)
    counted = np.bincount([value * bins // modulus for value in range(modulus)], minlength=bins) / modulus
    assert [share(at, bins, modulus) for at in range(bins)] == pytest.approx(counted.tolist())


@pytest.mark.parametrize("modulus", [3, 13])
def test_the_wealth_averages_to_one_over_all_even_sequences(modulus: int) -> None:
    wealth = []
    for values in itertools.product(range(modulus), repeat=3):
        state = Evenness()
        for value in values:
            state = state.update(value, modulus)
        wealth.append(2.0**state.bits)
    assert np.mean(wealth) == pytest.approx(1.0)


def test_lopsided_draws_win_and_the_bin_is_named() -> None:
    state = Evenness()
    for value in [950, 3, 970, 999, 901, 910, 955, 920] * 5:
        state = state.update(value, 1000)
    assert state.bits > 20
    assert state.worst() == 9
    with pytest.raises(ValueError, match=r"0\.\.999"):
        state.update(1000, 1000)
