"""The board: what K survivors predicted for the first draws of a history, beside what was drawn. Features read nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betainc

from engine.pipeline.replay import NONE

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Board:
    """`predicted` int64 (K, F), `drawn` int64 (F,), values in lo..hi, NONE where there is nothing to compare."""

    predicted: np.ndarray
    drawn: np.ndarray
    lo: int
    hi: int

    def head(self, draws: int) -> Board:
        """Return the board of the first `draws` draws: the only way a feature's past is cut."""
        return Board(self.predicted[:, :draws], self.drawn[:draws], self.lo, self.hi)

    @property
    def modulus(self) -> int:
        """Return how many values a draw can take."""
        return self.hi - self.lo + 1

    @property
    def chance(self) -> float:
        """Return how often a chance prediction hits."""
        return 1.0 / self.modulus

    @cached_property
    def valid(self) -> np.ndarray:
        """Where both a prediction and a draw exist, bool (K, F)."""
        return np.asarray((self.predicted != NONE) & (self.drawn != NONE))

    @cached_property
    def hits(self) -> np.ndarray:
        """Where the prediction came true, bool (K, F)."""
        return np.asarray(self.valid & (self.predicted == self.drawn))

    @cached_property
    def misses(self) -> np.ndarray:
        """Where a prediction failed, bool (K, F)."""
        return np.asarray(self.valid & ~self.hits)

    @cached_property
    def apart(self) -> np.ndarray:
        """How far prediction and draw lie apart on misses, int (K, F); 0 elsewhere."""
        wide = np.int64 if self.modulus > 1 << 30 else np.int32
        return np.asarray(np.where(self.misses, self.predicted - self.drawn, 0), dtype=wide)

    @cached_property
    def missed(self) -> np.ndarray:
        """Misses per survivor, float (K,)."""
        return np.asarray(self.scored - self.matched)

    @cached_property
    def scored(self) -> np.ndarray:
        """Scored draws per survivor, float (K,)."""
        return np.asarray(self.valid.sum(axis=1), dtype=float)

    @cached_property
    def matched(self) -> np.ndarray:
        """Hits per survivor, float (K,)."""
        return np.asarray(self.hits.sum(axis=1), dtype=float)


def ratio(over: np.ndarray, under: np.ndarray, empty: float = 0.0) -> np.ndarray:
    """Return over / under, `empty` where nothing was counted."""
    return np.asarray(
        np.divide(over, under, out=np.full(np.shape(over), empty, dtype=float), where=under > 0)
    )


def tail_bits(matched: np.ndarray, scored: np.ndarray, chance: float) -> np.ndarray:
    """Return -log2 P(Bin(scored, chance) >= matched), cut at 1000 bits."""
    safe = np.maximum(matched, 1.0)
    tail = betainc(safe, np.maximum(scored - matched + 1.0, 1.0), chance)
    return np.where(matched > 0, -np.log2(np.maximum(tail, 2.0**-1000)), 0.0)


def excess(matched: np.ndarray, scored: np.ndarray, chance: float) -> np.ndarray:
    """Return how many standard deviations the matches lie above chance."""
    return ratio(matched - scored * chance, np.sqrt(scored * chance * (1.0 - chance)))


def shrunk_lift(matched: np.ndarray, scored: np.ndarray, chance: float, strength: float = 1.0) -> np.ndarray:
    """Return log2 of the hit rate over chance, shrunk to 0 by `strength` draws' worth of chance hits plus one half."""
    expected = scored * chance + strength
    return np.log2((matched + strength) / expected)
