"""Linear recurrences over GF(2): the shortest one that makes a bit sequence, and what it makes next. Knows no generator and no gap.

A generator that is linear over GF(2) keeps its complexity L under every constant gap, so long sequences give it away
whatever was discarded between draws. Not a proof of a family: many have the same L.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Recurrence:
    """Each bit is the sum of those k places back, for every bit k >= 1 of `taps`; `length` bits start it."""

    length: int
    taps: int

    def extend(self, bits: Sequence[int], count: int) -> list[int]:
        """Return the `count` bits that follow `bits`, of which the last `length` are read."""
        past, kept = 0, (1 << self.length) - 1
        for bit in bits[max(0, len(bits) - self.length) :]:
            past = past << 1 | bit
        made = []
        for _ in range(count):
            made.append((self.taps >> 1 & past).bit_count() & 1)
            past = (past << 1 | made[-1]) & kept
        return made


def shortest_recurrence(bits: Sequence[int]) -> Recurrence:
    """Return the shortest linear recurrence over GF(2) that produces `bits` (0s and 1s); the only one where 2 * length <= n.

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
    return Recurrence(length, connection)


def linear_complexity(bits: Sequence[int]) -> int:
    """Return the length of the shortest linear recurrence over GF(2) that produces `bits` (0s and 1s)."""
    return shortest_recurrence(bits).length


def surprise_bits(length: int, count: int) -> float:
    """Return -log2 of an upper bound on the chance that `count` random bits have linear complexity <= `length`.

    Of the 2^n sequences, 2^(2L - 1) have complexity L for 0 < L <= n/2, so at most 2^(2L) have L or less.
    Source: Rueppel, Analysis and Design of Stream Ciphers (1986), chapter 4.
    """
    return max(0.0, count - 2.0 * length)
