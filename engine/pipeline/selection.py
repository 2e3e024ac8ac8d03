"""Which model is trusted: the simplest within one standard error of the best out of fold, chance being the simplest of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.pipeline.gains import draw_gains, mean_and_error

CHANCE = "chance"


@dataclass(frozen=True)
class Candidate:
    """A model out of fold: bits over chance per draw, their error, and its capacity (0 for chance)."""

    name: str
    gains: np.ndarray
    size: int

    @property
    def bits(self) -> float:
        """Return the mean bits per draw."""
        return mean_and_error(self.gains)[0]


def out_of_fold(
    rates: np.ndarray, marks: np.ndarray, blocks: range, length: int, chance: float
) -> np.ndarray:
    """Return bits over chance per draw of the outer blocks; `rates` (folds, K)."""
    parts = [
        draw_gains(rate, marks[:, block * length : (block + 1) * length], chance)
        for rate, block in zip(rates, blocks, strict=True)
    ]
    return np.concatenate(parts)


def select(models: Mapping[str, Candidate]) -> str:
    """Return the name of the smallest candidate that is within one standard error of the best; CHANCE is one of them."""
    draws = len(next(iter(models.values())).gains)
    field = [Candidate(CHANCE, np.zeros(draws), 0), *models.values()]
    best = max(field, key=lambda one: (one.bits, -one.size))
    close = [one for one in field if one is best or _within(best.gains - one.gains)]
    return min(close, key=lambda one: (one.size, one.name)).name


def stored(models: Mapping[str, Candidate], selected: str) -> str:
    """Return the model to store: the selected one, or the strongest out of fold where chance was selected."""
    if selected != CHANCE:
        return selected
    return max(models.values(), key=lambda one: (one.bits, -one.size, one.name)).name


def _within(lead: np.ndarray) -> bool:
    mean, error = mean_and_error(lead)
    return mean <= (error if np.isfinite(error) else abs(mean))
