"""Are draws even? A universal e-process over bins of the range: bets on the counts so far, fair whenever one looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_BINS = 10


@dataclass(frozen=True)
class Evenness:
    """Counts per bin and the bits won by betting on them (Krichevsky-Trofimov) against even draws.

    Under even draws the probability that `bits` ever reaches log2(1/alpha) is at most alpha.
    """

    counts: tuple[int, ...] = ()
    bits: float = 0.0

    def update(self, value: int, modulus: int) -> Evenness:
        """Take in one draw, 0 <= value < modulus."""
        if not 0 <= value < modulus:
            raise ValueError(f"value {value}: must lie in 0..{modulus - 1}")
        bins = min(modulus, MOST_BINS)
        counts = self.counts if len(self.counts) == bins else (0,) * bins
        at = value * bins // modulus
        bet = (counts[at] + 0.5) / (sum(counts) + bins / 2)
        moved = (*counts[:at], counts[at] + 1, *counts[at + 1 :])
        return Evenness(moved, self.bits + math.log2(bet / share(at, bins, modulus)))

    def worst(self) -> int | None:
        """Return the bin that is drawn most; None before the first draw."""
        return max(range(len(self.counts)), key=self.counts.__getitem__) if self.counts else None


def share(bin_: int, bins: int, modulus: int) -> float:
    """Return the share of even draws that falls into a bin: exact also where the bins differ by one value."""
    return (_first(bin_ + 1, bins, modulus) - _first(bin_, bins, modulus)) / modulus


def _first(bin_: int, bins: int, modulus: int) -> int:
    return -(-bin_ * modulus // bins)
