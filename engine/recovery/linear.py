"""The gap-agnostic detector: does a bit that draws leak exactly follow a linear recurrence? Finds structure, not a family."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.recovery.berlekamp_massey import linear_complexity, surprise_bits

LONGEST = 45_000  # draws examined: enough for MT19937 (39,936) with a margin; the cost grows with the square


@dataclass(frozen=True)
class Structure:
    """The most surprising lane: `bits` is evidence after all lanes are paid, on `count` draws."""

    lane: str
    complexity: int
    count: int
    bits: float

    def line(self) -> str:
        """Return the finding as one line."""
        return (
            f"the {self.lane} of the draws follows a linear recurrence of length {self.complexity} over GF(2) "
            f"({self.count} draws, {self.bits:.0f} bits)"
        )


def lanes(values: np.ndarray, lo: int, hi: int) -> dict[str, np.ndarray]:
    """Return the bit lanes that draws on lo..hi leak exactly: low bit (of `%`) and half (of `floor(u*M)`), for even M."""
    if (hi - lo + 1) % 2:
        return {}
    shifted = values - lo
    return {"low bit": shifted & 1, "upper half": (shifted >= (hi - lo + 1) // 2).astype(np.int64)}


def detect(values: np.ndarray, lo: int, hi: int) -> Structure | None:
    """Return the most surprising lane of int64 (n,) draws, or None where no lane is exact or a draw is missing (-1)."""
    if (values < 0).any():
        return None
    found = [
        Structure(name, length, len(bits), surprise_bits(length, len(bits)) - math.log2(2))
        for name, bits in lanes(values[:LONGEST], lo, hi).items()
        for length in [linear_complexity(bits.tolist())]
    ]
    return max(found, key=lambda one: one.bits, default=None)
