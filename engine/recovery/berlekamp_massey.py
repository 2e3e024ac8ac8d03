"""Linear complexity over GF(2): the shortest recurrence that makes a bit sequence. Knows no generator and no gap.

A generator that is linear over GF(2) keeps its complexity L under every constant gap, so long sequences give it away
whatever was discarded between draws. Not a proof of a family: many have the same L.
"""

from __future__ import annotations

from collections.abc import Sequence


def linear_complexity(bits: Sequence[int]) -> int:
    """Return the length of the shortest linear recurrence over GF(2) that produces `bits` (0s and 1s).

    Source: Massey, Shift-register synthesis and BCH decoding (1969); polynomials and the sliding window of past bits
    are Python integers, so each of the n steps costs n/64 word operations.
    """
    connection, previous = 1, 1
    length, since = 0, 1
    past = 0  # bit k is bits[n - k]
    for position, bit in enumerate(bits):
        past = past << 1 | bit
        if (connection & past).bit_count() & 1:
            updated = connection ^ previous << since
            if 2 * length <= position:
                length, previous, since = position + 1 - length, connection, 0
            connection = updated
        since += 1
    return length


def surprise_bits(length: int, count: int) -> float:
    """Return -log2 of an upper bound on the chance that `count` random bits have linear complexity <= `length`.

    Of the 2^n sequences, 2^(2L - 1) have complexity L for 0 < L <= n/2, so at most 2^(2L) have L or less.
    Source: Rueppel, Analysis and Design of Stream Ciphers (1986), chapter 4.
    """
    return max(0.0, count - 2.0 * length)
