"""WELL512a and WELL1024a, their rings turned so that the newest word is first. Source: Panneton, L'Ecuyer, Matsumoto (2006)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.recovery.recurrences.forms import W
from engine.recovery.recurrences.recurrence import (
    Recurrence,
    State,
    full,
    without_left_shift,
)

M32 = full(32)


@dataclass(frozen=True, kw_only=True)
class Well(Recurrence):
    """What both have in common: a word is the newest of the ring."""

    def output(self, state: tuple[W, ...]) -> W:
        """Return the newest word."""
        return state[0]


@dataclass(frozen=True, kw_only=True)
class Well512a(Well):
    """Sixteen words."""

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the ring turned by one."""
        here, last, near = state[0], state[15], state[13]
        first = here ^ here << 16 & M32 ^ near ^ near << 15 & M32
        second = state[9] ^ state[9] >> 11
        third = first ^ second
        return (last ^ last << 2 & M32 ^ self._added(first, second, third), third, *state[1:15])

    def _added(self, first: W, second: W, third: W) -> W:
        return first ^ first << 18 & M32 ^ second << 28 & M32 ^ third ^ third << 5 & 0xDA442D24

    def back(self, state: State) -> State:
        """Return the ring turned back."""
        third, near, far = state[1], state[14], state[10]
        second = far ^ far >> 11
        first = third ^ second
        here = without_left_shift(first ^ near ^ near << 15 & M32, 16, 32)
        last = without_left_shift(state[0] ^ self._added(first, second, third), 2, 32)
        return (here, *state[2:], last)


@dataclass(frozen=True, kw_only=True)
class Well1024a(Well):
    """Thirty-two words."""

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the ring turned by one."""
        last = state[31]
        first = state[0] ^ state[3] ^ state[3] >> 8
        second = self._second(state[24], state[10])
        newest = last ^ last << 11 & M32 ^ self._added(first, second)
        return (newest, first ^ second, *state[1:31])

    def _second(self, far: W, middle: W) -> W:
        return far ^ far << 19 & M32 ^ middle ^ middle << 14 & M32

    def _added(self, first: W, second: W) -> W:
        return first ^ first << 7 & M32 ^ second ^ second << 13 & M32

    def back(self, state: State) -> State:
        """Return the ring turned back."""
        second = self._second(state[25], state[11])
        first = state[1] ^ second
        last = without_left_shift(state[0] ^ self._added(first, second), 11, 32)
        return (first ^ state[4] ^ state[4] >> 8, *state[2:], last)
