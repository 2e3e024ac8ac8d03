"""Linear congruential generators whose raw word is a plain cut of the state: their numbers, step, inverse, jump and words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Words = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True)
class Congruence:
    """x -> multiplier * x + increment mod `modulus`; a raw word is the state after a step, `shift` low bits cut off.

    Bits above the word are no part of the state: they never reach a lower one (MSVC's rand() is a generator mod 2^31).
    """

    modulus: int
    multiplier: int
    increment: int = 0
    shift: int = 0

    @property
    def binary(self) -> bool:
        """Return whether the modulus is a power of two."""
        return self.modulus & (self.modulus - 1) == 0

    @cached_property
    def inverse(self) -> Congruence:
        """Return the congruence that steps back."""
        multiplier = pow(self.multiplier, -1, self.modulus)
        increment = -self.increment * multiplier % self.modulus
        return Congruence(self.modulus, multiplier, increment, self.shift)

    def step(self, state: int) -> int:
        """Return the next state."""
        return (self.multiplier * state + self.increment) % self.modulus

    def back(self, state: int) -> int:
        """Return the state before."""
        return self.inverse.step(state)

    def power(self, count: int) -> tuple[int, int]:
        """Return (a, c) such that `count` >= 0 steps take x to a * x + c; by repeated squaring."""
        (a, c), (square, added) = (1, 0), (self.multiplier, self.increment)
        while count:
            if count & 1:
                a, c = a * square % self.modulus, (c * square + added) % self.modulus
            square, added = square * square % self.modulus, (added * square + added) % self.modulus
            count >>= 1
        return a, c

    def jump(self, state: int, count: int) -> int:
        """Return the state `count` steps on, or back where it is negative."""
        a, c = (self if count >= 0 else self.inverse).power(abs(count))
        return (a * state + c) % self.modulus

    def states(self, state: int, count: int) -> Words:
        """Return the `count` states after `state`, uint64; each pass doubles them by one jump."""
        found = np.full(1, self.step(state), dtype=np.uint64)
        while len(found) < count:
            a, c = self.power(len(found))
            found = np.concatenate([found, self._within(found * np.uint64(a) + np.uint64(c))])
        return found[:count]

    def words(self, state: int, count: int) -> Words:
        """Return the `count` raw words that follow `state`, uint64."""
        return self.states(state, count) >> np.uint64(self.shift)

    def low(self, bits: int) -> Congruence:
        """Return the congruence that the low `bits` bits follow by themselves (a power-of-two modulus)."""
        modulus = min(self.modulus, 1 << bits)
        return Congruence(modulus, self.multiplier % modulus, self.increment % modulus, self.shift)

    def _within(self, states: Words) -> Words:
        """Reduce products of 64 bits; a smaller modulus that is no power of two must leave them room."""
        return states & np.uint64(self.modulus - 1) if self.binary else states % np.uint64(self.modulus)


def _lehmer(multiplier: int) -> Congruence:
    return Congruence((1 << 31) - 1, multiplier)


_JAVA = 0x5DEECE66D  # the multiplier of java.util.Random (its documentation) and of drand48 (POSIX)
_MMIX = 6364136223846793005  # Knuth, TAOCP 2, section 3.3.4
_MSVC = (1 << 31, 214013, 2531011)

# Constants as in the headers of hip_cuda_kernels/generators, each compared there with an independent implementation.
MODELS: dict[str, Congruence] = {
    "lcg48/drand48": Congruence(1 << 48, _JAVA, 11),
    "lcg48/java": Congruence(1 << 48, _JAVA, 11, shift=16),
    "knuth_lcg64/musl": Congruence(1 << 64, _MMIX, 1, shift=33),
    "knuth_lcg64/newlib": Congruence(1 << 63, _MMIX, 1, shift=32),
    "msvc_rand/srand": Congruence(*_MSVC, shift=16),
    "glibc_random/type0": Congruence(1 << 31, 1103515245, 12345),
    "gforth_random/seed": Congruence(1 << 64, 0x10450405, 1),
    "vb_rnd/state": Congruence(1 << 24, 0xFD43FD, 0xC39EC3),
    "vb_rnd/randomize": Congruence(1 << 24, 0xFD43FD, 0xC39EC3),
    "knuth_lcg/randu": Congruence(1 << 31, 65539),
    "knuth_lcg/borosh13": Congruence(1 << 32, 1812433253),
    "knuth_lcg/waterman14": Congruence(1 << 32, 1566083941),
    "knuth_lcg/transputer": Congruence(1 << 32, 1664525),
    "knuth_lcg/vax": Congruence(1 << 32, 69069, 1),
    "lcg31/minstd16807": _lehmer(16807),
    "lcg31/minstd48271": _lehmer(48271),
    "lcg31/fishman18": _lehmer(62089911),
    "lcg31/ran0": _lehmer(16807),
    "tcl_rand/srand": _lehmer(16807),
}
