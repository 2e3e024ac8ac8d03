"""A robust slope with its interval: the median of all pairwise slopes, so one spike neither hides nor fakes a leak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

MOST_POINTS = 120
FEWEST_POINTS = 8


@dataclass(frozen=True)
class Slope:
    """Change per second of time, with a confidence interval; `flat` = the interval holds zero."""

    per_second: float
    lo: float
    hi: float
    points: int

    @property
    def flat(self) -> bool:
        """Say whether no change at all is compatible with the points."""
        return self.lo <= 0.0 <= self.hi

    @property
    def per_hour(self) -> float:
        """Return the slope per hour."""
        return self.per_second * 3600.0


def theil_sen(times: Sequence[float], values: Sequence[float], *, confidence: float = 0.95) -> Slope | None:
    """Return the Theil–Sen slope of values over times (seconds), or None with fewer than eight points.

    The interval is Sen's, from the variance of Kendall's statistic with ties corrected. It assumes independent
    noise; a slowly wandering series gets too narrow an interval. More than 120 points are thinned evenly.
    """
    if len(times) != len(values):
        raise ValueError(f"{len(times)} times, {len(values)} values: want as many of each")
    points = _thin(sorted(zip(times, values, strict=True)))
    if len(points) < FEWEST_POINTS:
        return None
    slopes = sorted(
        (v2 - v1) / (t2 - t1) for i, (t1, v1) in enumerate(points) for t2, v2 in points[i + 1 :] if t2 > t1
    )
    if not slopes:
        return None
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(_variance([value for _, value in points]))
    lower = max(0, math.floor((len(slopes) - half) / 2))
    upper = min(len(slopes) - 1, math.ceil((len(slopes) + half) / 2))
    return Slope(median(slopes), slopes[lower], slopes[upper], len(points))


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(index * step)] for index in range(MOST_POINTS)]


def _variance(values: list[float]) -> float:
    """Return the variance of Kendall's S under no trend; ties make it smaller."""
    n = len(values)
    ties: dict[float, int] = {}
    for value in values:
        ties[value] = ties.get(value, 0) + 1
    tied = sum(t * (t - 1) * (2 * t + 5) for t in ties.values())
    return (n * (n - 1) * (2 * n + 5) - tied) / 18.0
