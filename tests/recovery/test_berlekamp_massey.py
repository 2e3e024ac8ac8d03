"""Linear recurrences: known sequences, chance level, and the bits that come next."""

import numpy as np
import pytest

from engine.recovery.berlekamp_massey import linear_complexity, shortest_recurrence, surprise_bits


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
    ("bits", "length"), [([0, 0, 0, 1], 4), ([1, 1, 1, 1], 1), ([1, 0, 1, 0], 2), ([0] * 9, 0), ([], 0)]
)
def test_short_sequences_have_their_textbook_complexity(bits: list[int], length: int) -> None:
    assert linear_complexity(bits) == length


def test_a_maximal_shift_register_is_found_from_twice_its_length() -> None:
    assert linear_complexity(lfsr((16, 14, 13, 11), 0xACE1, 40)) == 16


def test_a_recurrence_goes_on_as_the_register_does() -> None:
    bits = lfsr((16, 14, 13, 11), 0xACE1, 140)
    assert shortest_recurrence(bits[:40]).extend(bits[:40], 100) == bits[40:]


def test_a_recurrence_needs_only_its_length_of_bits_to_go_on() -> None:
    bits = lfsr((16, 14, 13, 11), 0xACE1, 140)
    assert shortest_recurrence(bits[:40]).extend(bits[50:66], 74) == bits[66:]


@pytest.mark.parametrize(
    ("bits", "following"), [([0] * 9, [0, 0]), ([1] * 9, [1, 1]), ([1, 0, 1, 0, 1], [0, 1])]
)
def test_constant_and_alternating_bits_go_on_as_they_are(bits: list[int], following: list[int]) -> None:
    assert shortest_recurrence(bits).extend(bits, 2) == following


def test_random_bits_need_half_their_length() -> None:
    bits = np.random.default_rng(5).integers(0, 2, 2000).tolist()
    assert abs(linear_complexity(bits) - 1000) < 20


def test_surprise_is_zero_at_chance_level_and_grows_by_two_per_missing_register() -> None:
    assert surprise_bits(50, 100) == 0
    assert surprise_bits(10, 100) == 80


def test_surprise_bounds_the_true_chance() -> None:
    """All 2^12 sequences counted: no more than 2^-bits of them are as simple."""
    count = 12
    lengths = [linear_complexity([number >> bit & 1 for bit in range(count)]) for number in range(2**count)]
    for length in range(1, count // 2):
        share = sum(one <= length for one in lengths) / 2**count
        assert share <= 2.0 ** -surprise_bits(length, count)
