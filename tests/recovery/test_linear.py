"""Linear complexity: known sequences, chance level, and a generator found through an unknown gap."""

import numpy as np
import pytest

from engine.recovery.berlekamp_massey import linear_complexity, surprise_bits
from engine.recovery.linear import detect


def lfsr(taps: tuple[int, ...], state: int, count: int) -> list[int]:
    width, bits = max(taps), []
    for _ in range(count):
        bits.append(state & 1)
        fed = 0
        for tap in taps:
            fed ^= state >> (width - tap) & 1
        state = state >> 1 | fed << (width - 1)
    return bits


@pytest.mark.parametrize(
    ("bits", "length"), [([0, 0, 0, 1], 4), ([1, 1, 1, 1], 1), ([1, 0, 1, 0], 2), ([0] * 9, 0)]
)
def test_short_sequences_have_their_textbook_complexity(bits: list[int], length: int) -> None:
    assert linear_complexity(bits) == length


def test_a_maximal_shift_register_is_found_from_twice_its_length() -> None:
    assert linear_complexity(lfsr((16, 14, 13, 11), 0xACE1, 40)) == 16


def test_random_bits_need_half_their_length() -> None:
    bits = np.random.default_rng(5).integers(0, 2, 2000).tolist()
    assert abs(linear_complexity(bits) - 1000) < 20


def test_surprise_is_zero_at_chance_level_and_grows_by_two_per_missing_register() -> None:
    assert surprise_bits(50, 100) == 0
    assert surprise_bits(10, 100) == 80


@pytest.mark.parametrize("gap", [0, 3])
def test_xorshift_draws_betray_their_state_size_at_any_gap(gap: int) -> None:
    state, values = 2463534242, []
    for step in range(120 * (gap + 1)):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        if step % (gap + 1) == 0:
            values.append(state % 1000)
    found = detect(np.array(values), 0, 999)
    assert found is not None
    assert (found.lane, found.complexity) == ("low bit", 32)
    assert found.bits > 50


def test_chance_is_not_surprising_and_odd_ranges_have_no_exact_lane() -> None:
    values = np.random.default_rng(6).integers(0, 999, 500)
    assert detect(values, 0, 998) is None
    found = detect(values, 0, 999)
    assert found is not None
    assert found.bits < 20


def test_surprise_bounds_the_true_chance() -> None:
    """All 2^12 sequences counted: no more than 2^-bits of them are as simple."""
    count = 12
    lengths = [linear_complexity([number >> bit & 1 for bit in range(count)]) for number in range(2**count)]
    for length in range(1, count // 2):
        share = sum(one <= length for one in lengths) / 2**count
        assert share <= 2.0 ** -surprise_bits(length, count)
