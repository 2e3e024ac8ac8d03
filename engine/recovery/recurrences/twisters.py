"""Twisted and plain generalised feedback shift registers: the Mersenne twisters, TT800 and R250. A state is a window on the sequence."""

from __future__ import annotations

from dataclasses import dataclass

from engine.recovery.recurrences.forms import W
from engine.recovery.recurrences.recurrence import Recurrence, State, full


@dataclass(frozen=True, kw_only=True)
class Twister(Recurrence):
    """A Mersenne twister: x[n] = x[m] ^ A * (upper bits of x[0], lower bits of x[1]), then tempered.

    `tempering` are the four shifts with their masks: right, left, left, right. With `own_bit` the multiple of A is taken by the low
    bit of x[0] in place of x[1]'s. Source: Matsumoto, Nishimura (1998); Nishimura (2000); php_mt_rand.c before PHP 7.1 for `own_bit`.
    """

    middle: int
    lower: int
    twist: int
    tempering: tuple[tuple[int, int], ...]
    own_bit: bool = False

    def live(self, index: int) -> int:
        """Return all bits, of the oldest word only those that are still to be used."""
        return full(self.bits) if index else self._own()

    def _own(self) -> int:
        return full(self.bits) & ~self.lower | self.own_bit

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the window one word on."""
        here, after, far = state[0], state[1], state[self.middle]
        mixed = here & (full(self.bits) & ~self.lower) ^ after & self.lower
        low = (here if self.own_bit else after) & 1
        return (*state[1:], far ^ mixed >> 1 ^ low * self.twist)

    def back(self, state: State) -> State:
        """Return the window one word earlier: the twist's top bit is set, so the newest word shows which multiple was added."""
        mixed = state[-1] ^ state[self.middle - 1]
        low = mixed >> self.bits - 1
        mixed = (mixed ^ low * self.twist) << 1 & full(self.bits)
        here = mixed & ~self.lower | low * self.own_bit
        known = self._own()
        after = state[0] & known | (mixed | low) & ~known
        return (here, after, *state[1:-1])

    def output(self, state: tuple[W, ...]) -> W:
        """Return the newest word, tempered."""
        x, ((u, d), (s, b), (t, c), (last, _)) = state[-1], self.tempering
        x = x ^ x >> u & d
        x = x ^ x << s & b
        x = x ^ x << t & c
        return x ^ x >> last


@dataclass(frozen=True, kw_only=True)
class Tt800(Recurrence):
    """TT800: x[25] = x[7] ^ A * x[0]; the word is x[0], tempered. Source: Matsumoto, Kurita (1994), the code of 1996."""

    twist: int = 0x8EBFD028

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the window one word on."""
        return (*state[1:], state[7] ^ state[0] >> 1 ^ (state[0] & 1) * self.twist)

    def back(self, state: State) -> State:
        """Return the window one word earlier."""
        mixed = state[-1] ^ state[6]
        low = mixed >> 31
        return ((mixed ^ low * self.twist) << 1 & full(32) | low, *state[:-1])

    def output(self, state: tuple[W, ...]) -> W:
        """Return the oldest word, tempered."""
        x = state[0]
        x = x ^ x << 7 & 0x2B5B2500
        x = x ^ x << 15 & 0xDB8B0000
        return x ^ x >> 16


@dataclass(frozen=True, kw_only=True)
class R250(Recurrence):
    """R250: x[250] = x[0] ^ x[103]. Every bit is a register of its own. Source: Kirkpatrick, Stoll (1981)."""

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the window one word on."""
        return (*state[1:], state[0] ^ state[103])

    def back(self, state: State) -> State:
        """Return the window one word earlier."""
        return (state[-1] ^ state[102], *state[:-1])

    def output(self, state: tuple[W, ...]) -> W:
        """Return the newest word."""
        return state[-1]
