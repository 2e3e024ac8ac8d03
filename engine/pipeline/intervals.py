"""Intervals and p-values for lifts that stay valid with few draws and few hits: betting intervals, permutations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom

STAKES = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99])
HALVINGS = 60
TIE = 1e-12


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


def hits_interval(hits: int, draws: int, chance: float, confidence: float = 0.95) -> Interval:
    """Return hits over chance with a mid-p interval: it holds the truth about as often as stated, not at least as often.

    For reports of what a published pool did, where an interval that always holds would say nothing; a claim uses `mean_interval`.
    """
    if draws < 1 or not 0 <= hits <= draws:
        raise ValueError(f"{hits} hits of {draws} draws: want 0 <= hits <= draws, one draw at least")
    side = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else float(brentq(lambda p: _upper(hits, draws, p) - side, 0.0, hits / draws))
    high = (
        1.0
        if hits == draws
        else float(brentq(lambda p: 1.0 - _upper(hits, draws, p) - side, hits / draws, 1.0))
    )
    return Interval(hits / draws, low, high).scaled(1.0 / chance)


def _upper(hits: int, draws: int, p: float) -> float:
    """Return P(Bin > hits) + P(Bin = hits) / 2."""
    return float(binom.sf(hits, draws, p) + binom.pmf(hits, draws, p) / 2.0)


@dataclass(frozen=True)
class Permuted:
    """p-values by permutation: of the weighted hits and of the best row's hits, ties counted as reached (never too small).

    `random_ties` is the first with ties split at random: uniform under chance, so that a drift can be seen; nothing is decided by it.
    """

    weighted: float
    best: float
    random_ties: float


def permutation_ps(
    predicted: np.ndarray,
    drawn: np.ndarray,
    weights: np.ndarray,
    rounds: int,
    rng: np.random.Generator,
    pause: Callable[[], None],
) -> Permuted:
    """Permute the draws' order `rounds` times and count how often the weighted hits and the best row's are reached.

    predicted int (K, n), drawn int (n,) without missing ones, weights (K,).
    """
    if predicted.size == 0:
        return Permuted(1.0, 1.0, float(rng.random()))
    observed = np.array(_statistics(predicted, drawn, weights))
    beyond, level = np.zeros(2), np.zeros(2)
    for turn in range(rounds):
        if turn % 64 == 0:
            pause()
        lead = np.array(_statistics(predicted, rng.permutation(drawn), weights)) - observed
        beyond += lead > TIE
        level += np.abs(lead) <= TIE
    weighted, best = (1.0 + beyond + level) / (1.0 + rounds)
    split = (beyond[0] + rng.random() * (1.0 + level[0])) / (1.0 + rounds)
    return Permuted(float(weighted), float(best), float(split))


def _statistics(predicted: np.ndarray, drawn: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    hits = (predicted == drawn).sum(axis=1)
    return float(weights @ hits), float(hits.max())
