"""Are the draws uniform and independent? Tests that hold for few draws of a large range too."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, betainc, betaincc, gammainc, gammaincc, pdtr, pdtrc

from engine.evidence.power import clopper_pearson_upper

Ints = NDArray[np.int64]

FULL_CELLS = 5.0
"""Expected draws per value from which every value is a cell of its own."""
POOLED_CELLS = 10.0
"""Expected draws per cell where values are pooled."""
MANY_CELLS = 64
"""Cells from which a chi-square is smooth enough to be read on its lower side as it is."""
SPARSE = 1e-3
"""Draws per value below which the repeats are Poisson."""


@dataclass(frozen=True)
class Uniformity:
    """The strongest departure found: which test, its statistic, corrected p, effect size (Cohen's w), the claim."""

    test: str
    statistic: float
    p_value: float
    effect: float
    biased: bool


@dataclass(frozen=True)
class _Part:
    test: str
    statistic: float
    p_value: float
    effect: float


def uniformity(values: Ints, lo: int, hi: int, *, alpha: float = 1e-6) -> Uniformity:
    """Test frequencies, lag-1 differences and pairs of draws in lo..hi (-1 = missing) against uniform chance.

    p is two-sided and corrected for the number of tests; `biased` says p <= alpha.
    """
    modulus, offsets = _offsets(values, lo, hi)
    present = offsets[offsets >= 0]
    both = (offsets[1:] >= 0) & (offsets[:-1] >= 0)
    # differences mod M of independent uniform draws are independent and uniform again
    steps = np.mod(offsets[1:] - offsets[:-1], modulus)[both]
    parts = [*_frequency("frequency", present, modulus), *_frequency("differences", steps, modulus)]
    parts += _pairs(offsets, modulus)
    return _strongest(parts, alpha)


def match_probability(values: Ints, lo: int, hi: int, *, alpha: float = 1e-3) -> float:
    """Return 1/M, or an upper bound (99.9999 %) of the most frequent value's probability if frequencies are biased."""
    modulus, offsets = _offsets(values, lo, hi)
    present = offsets[offsets >= 0]
    if not _strongest(_frequency("frequency", present, modulus), alpha).biased:
        return 1.0 / modulus
    top = int(np.unique(present, return_counts=True)[1].max())
    return max(1.0 / modulus, clopper_pearson_upper(top, len(present), confidence=1.0 - 1e-6 / modulus))


def _offsets(values: Ints, lo: int, hi: int) -> tuple[int, Ints]:
    """Return the modulus and the draws counted from `lo`, missing ones as -1."""
    if hi < lo:
        raise ValueError(f"range {lo}:{hi}: reversed")
    missing = values == -1
    inside = (values >= lo) & (values <= hi)
    if not bool(np.all(inside | missing)):
        raise ValueError(f"draws outside {lo}:{hi}")
    return hi - lo + 1, np.where(missing, np.int64(-1), values - lo)


def _strongest(parts: list[_Part], alpha: float) -> Uniformity:
    if not parts:
        return Uniformity("none", 0.0, 1.0, 0.0, False)
    best = min(parts, key=lambda part: part.p_value)
    corrected = min(1.0, best.p_value * len(parts))
    return Uniformity(best.test, best.statistic, corrected, best.effect, corrected <= alpha)


def _frequency(name: str, offsets: Ints, modulus: int) -> list[_Part]:
    draws = len(offsets)
    if draws < 2 or modulus < 2:
        return []
    if draws >= FULL_CELLS * modulus:
        return [_chi_square(name, np.bincount(offsets, minlength=modulus), modulus)]
    parts = [_repeats(f"{name}, repeats", offsets, modulus)]
    cells = min(modulus, int(draws / POOLED_CELLS))
    if cells >= 2:
        counts = np.bincount(_pool(offsets, modulus, cells), minlength=cells)
        parts.append(_chi_square(f"{name}, pooled", counts, modulus))
    return parts


def _pool(offsets: Ints, modulus: int, cells: int) -> Ints:
    """Return the cell of each draw; cell c starts at ceil(c * modulus / cells), without overflow."""
    edges = np.array(_edges(modulus, cells)[1:-1], dtype=np.int64)
    return np.searchsorted(edges, offsets, side="right").astype(np.int64)


def _edges(modulus: int, cells: int) -> list[int]:
    return [-(-cell * modulus // cells) for cell in range(cells + 1)]


def _shares(modulus: int, cells: int) -> NDArray[np.float64]:
    return np.diff(np.array(_edges(modulus, cells), dtype=object)).astype(np.float64) / modulus


def _chi_square(name: str, counts: Ints, modulus: int) -> _Part:
    draws, cells = int(counts.sum()), len(counts)
    expected = draws * _shares(modulus, cells)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    if cells == 2 and modulus % 2 == 0:
        p = _two_sided(*_binomial_half(int(counts.max()), draws))
    else:
        p = _two_sided(*_pearson_tails(statistic, draws, cells))
    return _Part(name, statistic, p, math.sqrt(max(0.0, statistic - (cells - 1)) / draws))


def _pearson_tails(statistic: float, draws: int, cells: int) -> tuple[float, float]:
    """Return (P(X2 <= x), P(X2 >= x)) by a shifted gamma with the exact first three moments of equal cells."""
    mean = cells - 1.0
    variance = 2.0 * mean * (draws - 1) / draws
    third = 4.0 * (draws - 1) * mean * (cells + 2.0 * draws - 6.0) / draws**2
    shape = 4.0 * variance**3 / third**2
    scale = third / (2.0 * variance)
    low = _spread(statistic, cells, draws / cells)
    return (
        float(gammainc(shape, max(0.0, (low - mean) / scale + shape))),
        float(gammaincc(shape, max(0.0, (statistic - mean) / scale + shape))),
    )


def _spread(statistic: float, cells: int, per_cell: float) -> float:
    """Return the statistic with room for the lattice that counts live on, so that "too even" stays conservative.

    With few cells a perfectly even table is not a probability-zero event: widen its radius by half a lattice cell.
    """
    if cells > MANY_CELLS:
        return statistic
    return (math.sqrt(statistic) + math.sqrt(cells / per_cell) / 2) ** 2


def _binomial_half(larger: int, draws: int) -> tuple[float, float]:
    """Return both tails of the larger count of two equally likely values (folded, so the upper one is doubled)."""
    upper = min(1.0, 2.0 * float(bdtr(draws - larger, draws, 0.5)))
    lower = 1.0 if larger == draws else 1.0 - 2.0 * float(bdtr(draws - larger - 1, draws, 0.5))
    return lower, upper


def _repeats(name: str, offsets: Ints, modulus: int) -> _Part:
    """Test how many draws repeat an earlier value, too often or too seldom."""
    draws = len(offsets)
    counts = np.unique(offsets, return_counts=True)[1]
    repeats = draws - len(counts)
    pairs, expected = float((counts * (counts - 1) / 2).sum()), draws * (draws - 1) / 2 / modulus
    p = _two_sided(*_repeat_tails(repeats, draws, modulus))
    return _Part(name, float(repeats), p, math.sqrt(abs(pairs / expected - 1.0)))


def _repeat_tails(repeats: int, draws: int, modulus: int) -> tuple[float, float]:
    """Return (P(R <= r), P(R >= r)).

    The number of empty cells is a sum of independent indicators, so a binomial with its mean and variance fits
    in the tails too; with few draws per value the limit is Poisson.
    """
    if draws < SPARSE * modulus:
        mean = draws * (draws - 1) / 2 / modulus
        return float(pdtr(repeats, mean)), float(pdtrc(repeats - 1, mean)) if repeats else 1.0
    filled, variance = _occupancy(draws, modulus)
    empty, again = modulus - filled, draws - filled
    if again <= empty:
        return _fitted_tails(repeats, again, variance)
    return _fitted_tails(repeats + modulus - draws, empty, variance)


def _occupancy(draws: int, modulus: int) -> tuple[float, float]:
    """Return mean and variance of the number of different values among uniform draws."""
    if modulus <= 10_000:
        none, pair = (1 - 1 / modulus) ** draws, (1 - 2 / modulus) ** draws
        return modulus * (1 - none), modulus * none + modulus * (modulus - 1) * pair - (modulus * none) ** 2
    load = draws / modulus  # beyond, the exact form cancels; the limit is right to 1/modulus
    return -modulus * math.expm1(-load), modulus * math.exp(-load) * (1 - (1 + load) * math.exp(-load))


def _fitted_tails(count: int, mean: float, variance: float) -> tuple[float, float]:
    share = 1.0 - variance / mean
    if share < 1e-6:
        return float(pdtr(count, mean)), float(pdtrc(count - 1, mean)) if count else 1.0
    size = mean / share
    if count >= size:
        return 1.0, (float(share**size) if count < size + 1 else 0.0)
    lower = float(betaincc(count + 1, size - count, share))
    return lower, float(betainc(count, size - count + 1, share)) if count else 1.0


def _pairs(offsets: Ints, modulus: int) -> list[_Part]:
    """Test whether neighbours depend on each other: the interaction part of a table of disjoint pairs."""
    even = offsets[: len(offsets) // 2 * 2].reshape(-1, 2)
    even = even[(even >= 0).all(axis=1)]
    cells = min(modulus, math.isqrt(int(len(even) / POOLED_CELLS)))
    if cells < 2:
        return []
    shares = _shares(modulus, cells)
    table = np.zeros((cells, cells))
    np.add.at(table, (_pool(even[:, 0], modulus, cells), _pool(even[:, 1], modulus, cells)), 1)
    statistic = _interaction(table, shares)
    degrees = (cells - 1) ** 2
    low = _spread(statistic, cells * cells, len(even) / cells**2)
    tails = float(gammainc(degrees / 2, low / 2)), float(gammaincc(degrees / 2, statistic / 2))
    effect = math.sqrt(max(0.0, statistic - degrees) / len(even))
    return [_Part("pairs", statistic, _two_sided(*tails), effect)]


def _interaction(table: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Return the chi-square of a pair table without what its row and column totals explain."""
    pairs = float(table.sum())
    whole = _pearson(table, pairs * np.outer(shares, shares))
    margins = _pearson(table.sum(0), pairs * shares) + _pearson(table.sum(1), pairs * shares)
    return max(0.0, whole - margins)


def _pearson(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


def _two_sided(lower: float, upper: float) -> float:
    return min(1.0, 2.0 * min(lower, upper))
