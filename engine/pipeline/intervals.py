"""Intervals and p-values for lifts that stay valid with few draws and few hits: betting intervals, permutations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STAKES = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99])
HALVINGS = 60


@dataclass(frozen=True)
class Interval:
    """An estimate with the interval that holds the truth at the stated confidence."""

    value: float
    lo: float
    hi: float

    def scaled(self, factor: float) -> Interval:
        """Return the interval in another unit."""
        return Interval(self.value * factor, self.lo * factor, self.hi * factor)

    def dump(self) -> dict[str, float]:
        """Return plain JSON."""
        return {"value": self.value, "lo": self.lo, "hi": self.hi}


def mean_interval(x: np.ndarray, confidence: float) -> Interval:
    """Return the mean of independent values in [0, 1] with a betting interval, valid at every sample size.

    Source: the hedged capital idea of Waudby-Smith and Ramdas (2020); a fixed mixture of stakes keeps it a martingale.
    """
    limit = np.log(2.0 / (1.0 - confidence))
    if not len(x):
        return Interval(0.0, 0.0, 1.0)
    mean = float(x.mean())
    low = _bisect(lambda m: _capital(x, m) >= limit, 0.0, mean)
    high = 1.0 - _bisect(lambda m: _capital(1.0 - x, m) >= limit, 0.0, 1.0 - mean)
    return Interval(mean, low, high)


def _capital(x: np.ndarray, m: float) -> float:
    """Return log of the mixed capital from betting that the mean exceeds m; it never falls below 0 on any path."""
    if m <= 0.0:
        return np.inf if x.max() > 0.0 else 0.0
    logs = np.log1p(STAKES[:, None] * (x / m - 1.0)[None, :]).sum(axis=1)
    return float(np.logaddexp.reduce(logs) - np.log(len(STAKES)))


def _bisect(rejected: Callable[[float], bool], low: float, high: float) -> float:
    """Return the largest m below `high` that is rejected, found from a monotone rule; `low` if none is."""
    if not rejected(low + 1e-12):
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low


def permutation_ps(
    predicted: np.ndarray,
    drawn: np.ndarray,
    weights: np.ndarray,
    rounds: int,
    rng: np.random.Generator,
    pause: Callable[[], None],
) -> tuple[float, float]:
    """Return p of the weighted hits and p of the best row's hits, the draws' order permuted `rounds` times.

    predicted int (K, n), drawn int (n,) without missing ones, weights (K,).
    """
    if predicted.size == 0:
        return 1.0, 1.0
    observed = _statistics(predicted, drawn, weights)
    reached = np.zeros(2)
    for turn in range(rounds):
        if turn % 64 == 0:
            pause()
        reached += (
            np.array(_statistics(predicted, rng.permutation(drawn), weights)) >= np.array(observed) - 1e-12
        )
    weighted, best = (1.0 + reached) / (1.0 + rounds)
    return float(weighted), float(best)


def _statistics(predicted: np.ndarray, drawn: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    hits = (predicted == drawn).sum(axis=1)
    return float(weights @ hits), float(hits.max())
