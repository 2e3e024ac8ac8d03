"""Does a series grow? A robust slope over block values, with an interval that stays honest when neighbouring readings resemble each other.

Sen's interval assumes independent noise. Readings of a process are not: memory wanders, saws with the garbage collector, steps
with the work. So (1) readings become blocks (medians for sizes, minima for counts: what is only borrowed is given back within a
block, what leaks raises the floor); (2) the variance of Kendall's S over the blocks is inflated by (1 + r) / (1 - r), r the lag-one
autocorrelation that the ranks of the detrended blocks still have, corrected for its bias in short series; it is never deflated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Literal

BLOCKS, FEWEST_BLOCKS = 24, 12
MOST_RHO = 0.9


@dataclass(frozen=True)
class Trend:
    """Change per hour with a two-sided interval; `inflation` is by how much autocorrelation widened the variance."""

    per_hour: float
    lo: float
    hi: float
    blocks: int
    inflation: float
    hours: float


def trend(
    times: Sequence[float],
    values: Sequence[float],
    *,
    of: Literal["median", "floor"] = "median",
    confidence: float = 0.95,
) -> Trend | None:
    """Return the trend of values over times (seconds), None with fewer than twelve blocks of two readings or more."""
    blocks = _blocks(times, values, of)
    if len(blocks) < FEWEST_BLOCKS:
        return None
    slopes = sorted((v2 - v1) / (t2 - t1) for i, (t1, v1) in enumerate(blocks) for t2, v2 in blocks[i + 1 :])
    slope = median(slopes)
    inflation = _inflation([value - slope * at for at, value in blocks])
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(
        inflation * _variance([value for _, value in blocks])
    )
    lower = max(0, math.floor((len(slopes) - half) / 2))
    upper = min(len(slopes) - 1, math.ceil((len(slopes) + half) / 2))
    hour = 3600.0
    return Trend(
        slope * hour, slopes[lower] * hour, slopes[upper] * hour, len(blocks), round(inflation, 3),
        (blocks[-1][0] - blocks[0][0]) / hour,
    )  # fmt: skip


def _blocks(times: Sequence[float], values: Sequence[float], of: str) -> list[tuple[float, float]]:
    """Return (mean time, median or minimum) of consecutive blocks of equal length in time."""
    if len(times) < 2 * FEWEST_BLOCKS:
        return []
    first, last = min(times), max(times)
    length = (last - first) / BLOCKS or 1.0
    cells: list[list[tuple[float, float]]] = [[] for _ in range(BLOCKS)]
    for at, value in zip(times, values, strict=True):
        cells[min(int((at - first) / length), BLOCKS - 1)].append((at, value))
    return [
        (
            sum(at for at, _ in cell) / len(cell),
            (min if of == "floor" else median)(value for _, value in cell),
        )
        for cell in cells
        if len(cell) >= 2
    ]


def _inflation(residuals: Sequence[float]) -> float:
    """Return n/n* from the significant autocorrelations of the residuals' ranks; 1 or more."""
    n = len(residuals)
    order = sorted(range(n), key=lambda index: residuals[index])
    ranks = [0.0] * n
    at = 0
    while at < n:  # ties share their mean rank
        end = at
        while end + 1 < n and residuals[order[end + 1]] == residuals[order[at]]:
            end += 1
        for place in range(at, end + 1):
            ranks[order[place]] = (at + end) / 2
        at = end + 1
    mean = sum(ranks) / n
    spread = sum((rank - mean) ** 2 for rank in ranks)
    if spread == 0.0:
        return 1.0
    rho = sum((ranks[i] - mean) * (ranks[i + 1] - mean) for i in range(n - 1)) / spread
    rho = min(
        MOST_RHO, rho + (1.0 + 4.0 * rho) / n
    )  # detrending and few blocks bias it down: Kendall (1954), Biometrika 41: 403-404
    return max(1.0, (1.0 + rho) / (1.0 - rho))


def _variance(values: Sequence[float]) -> float:
    """Return the variance of Kendall's S under no trend; ties make it smaller."""
    n = len(values)
    ties = {value: values.count(value) for value in set(values)}
    tied = sum(t * (t - 1) * (2 * t + 5) for t in ties.values())
    return (n * (n - 1) * (2 * n + 5) - tied) / 18.0
