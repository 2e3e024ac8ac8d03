"""Combined Tausworthe generators: several shift registers, each kept in the top bits of a word, xored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor

from engine.recovery.recurrences.forms import W
from engine.recovery.recurrences.recurrence import Recurrence, State, full


@dataclass(frozen=True, kw_only=True)
class Tausworthe(Recurrence):
    """Components (k, q, s): a register b[i + k] = b[i] ^ b[i + q] that moves s bits a step, b[0] the top bit of its word.

    A word is the xor of the components' words, cut to `word_bits`.
    Source: L'Ecuyer, Maximally equidistributed combined Tausworthe generators (1996), and Tables of ... LFSR generators (1999).
    """

    components: tuple[tuple[int, int, int], ...]

    def live(self, index: int) -> int:
        """Return the top k bits: the rest of a word follows from them."""
        return full(self.bits) ^ full(self.bits - self.components[index][0])

    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return every register moved."""
        return tuple(self._moved(i, z) for i, z in enumerate(state))

    def _moved(self, index: int, z: W) -> W:
        k, q, s = self.components[index]
        return ((z << q ^ z) & full(self.bits)) >> k - s ^ (z & self.live(index)) << s & full(self.bits)

    def back(self, state: State) -> State:
        """Return every register moved back, bit by bit."""
        return tuple(self._moved_back(i, z) for i, z in enumerate(state))

    def _moved_back(self, index: int, z: int) -> int:
        k, q, s = self.components[index]
        for _ in range(s):
            z = z >> 1 | ((z >> self.bits - k ^ z >> self.bits - q) & 1) << self.bits - 1
        return z & self.live(index)

    def output(self, state: tuple[W, ...]) -> W:
        """Return the sum of the components."""
        return reduce(xor, state) & full(self.word_bits)
