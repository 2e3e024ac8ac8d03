"""Both tables of the evidence page, number by number, and what is hopeless in principle."""

from __future__ import annotations

import pytest

from engine.evidence.identifiability import (
    needed_block,
    needed_draws,
    variable_gap_identifiable,
    variable_gap_needed_draws,
)

MODULI = (2, 6, 10, 49, 100, 1000, 10_000)
EXACT = {
    32: (69, 27, 21, 13, 11, 7, 6),
    48: (85, 33, 26, 16, 13, 9, 7),
    64: (101, 40, 31, 18, 16, 11, 8),
    128: (165, 64, 50, 30, 25, 17, 13),
}
NOISY = [
    (1000, 0.05, 11, 8),
    (1000, 0.1, 12, 8),
    (1000, 0.2, 16, 9),
    (1000, 0.4, 24, 9),
    (10, 0.05, 29, 25),
    (10, 0.1, 36, 28),
    (10, 0.2, 47, 32),
]


@pytest.mark.parametrize("seed_bits", EXACT)
def test_table_of_exact_draws(seed_bits: int) -> None:
    assert tuple(needed_draws(seed_bits + 10 + 7, 1 / m) for m in MODULI) == EXACT[seed_bits]


@pytest.mark.parametrize(("modulus", "noise", "draws", "hits"), NOISY)
def test_table_of_wrong_draws(modulus: int, noise: float, draws: int, hits: int) -> None:
    assert needed_block(49, 1 / modulus, noise=noise) == (draws, hits)
    assert needed_draws(49, 1 / modulus, noise=noise) == draws


def test_a_looser_alpha_needs_fewer_draws() -> None:
    assert needed_draws(49, 0.1, alpha=1e-2) == 17


def test_pure_noise_and_a_range_of_one_value_are_never_identifiable() -> None:
    assert needed_draws(49, 1e-3, noise=1.0) is None
    assert needed_draws(49, 1.0) is None


def test_as_many_gaps_as_values_is_hopeless() -> None:
    assert variable_gap_needed_draws(32, 1 / 1000, 1000) is None
    assert not variable_gap_identifiable(10**9, 32, 1 / 1000, 2000)


def test_variable_gaps_cost_their_bits_at_every_draw() -> None:
    assert (
        variable_gap_needed_draws(32, 2**-10, 2**5, alpha=2**-18) == 11
    )  # 5 bits a draw, strictly more than 50
    assert variable_gap_identifiable(11, 32, 2**-10, 2**5, alpha=2**-18)
    assert not variable_gap_identifiable(10, 32, 2**-10, 2**5, alpha=2**-18)
