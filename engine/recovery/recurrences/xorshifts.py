"""Marsaglia's xorshifts and their heirs: words xored with their own shifts and rotations."""

from __future__ import annotations

from dataclasses import dataclass

from engine.recovery.recurrences.forms import W
from engine.recovery.recurrences.recurrence import (
    Recurrence,
    State,
    full,
    without_left_shift,
    without_right_shift,
)


@dataclass(frozen=True, kw_only=True)
class Xorshift32(Recurrence):
    """One 32-bit word, shifts 13, 17, 5. Source: Marsaglia, Xorshift RNGs (2003)."""

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the word shifted three times."""
        (x,) = state
        x = x ^ x << 13 & full(32)
        x = x ^ x >> 17
        return (x ^ x << 5 & full(32),)

    def back(self, state: State) -> State:
        """Undo the three shifts."""
        x = without_left_shift(state[0], 5, 32)
        return (without_left_shift(without_right_shift(x, 17, 32), 13, 32),)

    def output(self, state: tuple[W, ...]) -> W:
        """Return the state."""
        return state[0]


@dataclass(frozen=True, kw_only=True)
class Xorshift128(Recurrence):
    """Four 32-bit words, shifts 11, 8, 19. Source: Marsaglia, Xorshift RNGs (2003), xor128."""

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the words moved on by one."""
        x, y, z, w = state
        t = x ^ x << 11 & full(32)
        return (y, z, w, w ^ w >> 19 ^ t ^ t >> 8)

    def back(self, state: State) -> State:
        """Return the words moved back by one."""
        x, y, z, w = state
        t = without_right_shift(w ^ z ^ z >> 19, 8, 32)
        return (without_left_shift(t, 11, 32), x, y, z)

    def output(self, state: tuple[W, ...]) -> W:
        """Return the newest word."""
        return state[3]


@dataclass(frozen=True, kw_only=True)
class Xorshift128Plus(Recurrence):
    """Two words, the older first: a shift left, a shift right, and a shift right of the newer one.

    A word is bits `low`.. of the older one, or of the sum of both where `sums`.
    Source: Vigna, Further scramblings of Marsaglia's xorshift generators (2014).
    """

    shifts: tuple[int, int, int]
    sums: bool = False
    low: int = 0

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the newer word and the next."""
        older, newer = state
        left, right, last = self.shifts
        x = older ^ older << left & full(self.bits)
        return (newer, x ^ x >> right ^ newer ^ newer >> last)

    def back(self, state: State) -> State:
        """Return the word before and the older one."""
        older, newer = state
        left, right, last = self.shifts
        x = without_right_shift(newer ^ older ^ older >> last, right, self.bits)
        return (without_left_shift(x, left, self.bits), older)

    def output(self, state: tuple[W, ...]) -> W:
        """Return the older word or the sum, cut."""
        word = (state[0] + state[1]) & full(self.bits) if self.sums else state[0]
        return word >> self.low & full(self.word_bits)


@dataclass(frozen=True, kw_only=True)
class Xoroshiro128Plus(Recurrence):
    """Two 64-bit words, rotated and shifted; a word is their sum. Source: Blackman, Vigna (2021), constants 24, 16, 37."""

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return both words mixed."""
        a, b = state
        mixed = a ^ b
        return (_rotated(a, 24) ^ mixed ^ mixed << 16 & full(64), _rotated(mixed, 37))

    def back(self, state: State) -> State:
        """Return both words before they were mixed."""
        a, b = state
        mixed = _rotated(b, 64 - 37)
        before = _rotated(a ^ mixed ^ mixed << 16 & full(64), 64 - 24)
        return (before, mixed ^ before)

    def output(self, state: tuple[W, ...]) -> W:
        """Return the sum, cut."""
        return state[0] + state[1] & full(self.word_bits)


@dataclass(frozen=True, kw_only=True)
class Xorshift1024(Recurrence):
    """A ring of sixteen 64-bit words, turned so that the newest is first, under a multiplication. Source: Vigna (2016)."""

    multiplier: int = 0x9E3779B97F4A7C13

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the ring turned by one, its new first word mixed with the old."""
        mixed = state[1] ^ state[1] << 31 & full(64)
        return (mixed ^ state[0] ^ mixed >> 11 ^ state[0] >> 30, *state[2:], state[0])

    def back(self, state: State) -> State:
        """Return the ring turned back."""
        first = state[-1]
        mixed = without_right_shift(state[0] ^ first ^ first >> 30, 11, 64)
        return (first, without_left_shift(mixed, 31, 64), *state[1:-1])

    def output(self, state: tuple[W, ...]) -> W:
        """Return the newest word, multiplied."""
        return state[0] * self.multiplier & full(64)


def _rotated(x: W, left: int) -> W:
    return x << left & full(64) ^ x >> 64 - left
