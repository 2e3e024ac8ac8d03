"""Whether stated probabilities come true: proper scores, reliability, and the lift of a pool over chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from engine.evidence.power import clopper_pearson_lower, clopper_pearson_upper


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of forecasts: how many, what they said on average, how often it happened (95 % interval)."""

    lo: float
    hi: float
    count: int
    predicted: float
    observed: float
    observed_lo: float
    observed_hi: float


@dataclass(frozen=True)
class Lift:
    """A pool against chance: hit rate over pool_size/modulus, with the bounds of the interval."""

    lift: float
    lo: float
    hi: float
    chance: float
    expected_hits: float


def brier(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
    """Return the mean squared error of the probabilities (0 is perfect, 0.25 a constant one half)."""
    _check(probabilities, outcomes)
    return float(np.mean((probabilities - outcomes) ** 2))


def log_score(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
    """Return the mean bits lost per forecast (0 is perfect, 1 a constant one half, inf a certainty that failed)."""
    _check(probabilities, outcomes)
    given = np.where(outcomes, probabilities, 1.0 - probabilities)
    with np.errstate(divide="ignore"):
        return float(np.mean(-np.log2(given))) + 0.0


def reliability_bins(
    probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_], *, bins: int = 10
) -> list[ReliabilityBin]:
    """Return the non-empty equal-width bins of the forecasts with what happened in each."""
    _check(probabilities, outcomes)
    which = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    return [_bin(probabilities, outcomes, which == index, index, bins) for index in np.unique(which).tolist()]


def expected_calibration_error(
    probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_], *, bins: int = 10
) -> float:
    """Return the mean distance of forecast and frequency over the bins, weighted by their counts."""
    found = reliability_bins(probabilities, outcomes, bins=bins)
    return sum(each.count * abs(each.predicted - each.observed) for each in found) / len(probabilities)


def poisson_bounds(count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of the mean behind a count of rare events (Garwood 1936)."""
    if count < 0 or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"count {count} at {confidence}: want a count from 0 on and a confidence inside (0, 1)"
        )
    side = (1.0 - confidence) / 2
    lowest = 0.0 if count == 0 else float(gammaincinv(count, side))
    return lowest, float(gammaincinv(count + 1, 1.0 - side))


def pool_lift(hits: int, draws: int, pool_size: int, modulus: int, *, confidence: float = 0.95) -> Lift:
    """Return how much more often the pool held the draw than a random pool of its size, with an exact interval."""
    if not 1 <= pool_size <= modulus or draws < 1:
        raise ValueError(
            f"pool {pool_size} of {modulus} over {draws} draws: all must be positive, the pool inside"
        )
    chance, side = pool_size / modulus, 1.0 - (1.0 - confidence) / 2
    lo = clopper_pearson_lower(hits, draws, confidence=side)
    hi = clopper_pearson_upper(hits, draws, confidence=side)
    return Lift(hits / draws / chance, lo / chance, hi / chance, chance, draws * chance)


def _bin(
    probabilities: NDArray[np.float64],
    outcomes: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    index: int,
    bins: int,
) -> ReliabilityBin:
    count, happened = int(inside.sum()), int(outcomes[inside].sum())
    return ReliabilityBin(
        index / bins,
        (index + 1) / bins,
        count,
        float(probabilities[inside].mean()),
        happened / count,
        clopper_pearson_lower(happened, count, confidence=0.975),
        clopper_pearson_upper(happened, count, confidence=0.975),
    )


def _check(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> None:
    if probabilities.shape != outcomes.shape or probabilities.ndim != 1 or not len(probabilities):
        raise ValueError(
            f"probabilities {probabilities.shape}, outcomes {outcomes.shape}: want two equal vectors"
        )
    if probabilities.min() < 0.0 or probabilities.max() > 1.0:
        raise ValueError("probabilities must lie in 0..1")
