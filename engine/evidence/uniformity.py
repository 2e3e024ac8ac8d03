"""Are the draws uniform and independent? Tests that hold for few draws of a large range too."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, betainccinv, gammainc, gammaincc, pdtr, pdtrc

Ints = NDArray[np.int64]

FULL_CELLS = 5.0
"""Expected draws per value from which every value is a cell of its own."""
POOLED_CELLS = 10.0
"""Expected draws per cell where values are pooled."""
MANY_CELLS = 64
"""Cells from which a chi-square is smooth enough to be read on its lower side as it is."""
EXACT_DRAWS = 1024
"""Up to here the distribution of repeats is computed exactly (a few ms)."""
RARE_PAIRS = 50.0
"""Expected coinciding pairs up to which, beyond EXACT_DRAWS, repeats are Poisson."""


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
    steps = _below(offsets[1:] - offsets[:-1], modulus)[both]
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
    # Clopper-Pearson at one in a million over all M values; by its complement, 1 - risk would round to 1
    bound = 1.0 if top == len(present) else float(betainccinv(top + 1, len(present) - top, 1e-6 / modulus))
    return max(1.0 / modulus, bound)


def collision_probability(values: Ints, lo: int, hi: int, *, alpha: float = 1e-3) -> float:
    """Return 1/M, or how often two of the draws agree if frequencies are biased: what searches are laid out for.

    No bound: a stream that favours the same values meets the draws about so often by chance, and an even one 1/M of the time.
    """
    modulus, offsets = _offsets(values, lo, hi)
    present = offsets[offsets >= 0]
    if not _strongest(_frequency("frequency", present, modulus), alpha).biased:
        return 1.0 / modulus
    shares = np.unique(present, return_counts=True)[1] / len(present)
    return max(1.0 / modulus, float((shares**2).sum()))


def _offsets(values: Ints, lo: int, hi: int) -> tuple[int, Ints]:
    """Return the modulus and the draws counted from `lo`, missing ones as -1."""
    if hi < lo:
        raise ValueError(f"range {lo}:{hi}: reversed")
    missing = values == -1
    inside = (values >= lo) & (values <= hi)
    if not bool(np.all(inside | missing)):
        raise ValueError(f"draws outside {lo}:{hi}")
    return hi - lo + 1, np.where(missing, np.int64(-1), values - lo)


def _below(apart: Ints, modulus: int) -> Ints:
    """Return differences above -M and below M modulo M, which may be 2^63 and no int64 itself."""
    return np.where(apart < 0, (apart.view(np.uint64) + np.uint64(modulus)).view(np.int64), apart)


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
    if draws > EXACT_DRAWS and _expected_pairs(draws, modulus) > RARE_PAIRS:
        parts = [_coincidences(f"{name}, coincidences", offsets, modulus)]
    else:
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
    return _Part(name, statistic, p, math.sqrt(abs(statistic - (cells - 1)) / draws))


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
    pairs = float((counts * (counts - 1) / 2).sum())
    p = _two_sided(*_repeat_tails(repeats, draws, modulus))
    return _Part(name, float(repeats), p, math.sqrt(abs(pairs / _expected_pairs(draws, modulus) - 1.0)))


def _coincidences(name: str, offsets: Ints, modulus: int) -> _Part:
    """Test Pearson's statistic over all values from the pairs that coincide, without a table of the range."""
    draws = len(offsets)
    squares = float((np.unique(offsets, return_counts=True)[1].astype(np.float64) ** 2).sum())
    # sum c^2 * M / n - n, arranged so that a large M does not cancel
    excess = (squares - draws) * modulus / draws - (draws - 1.0)
    p = _two_sided(*_pearson_tails(excess + (modulus - 1.0), draws, modulus))
    return _Part(name, excess + (modulus - 1.0), p, math.sqrt(abs(excess) / draws))


def _repeat_tails(repeats: int, draws: int, modulus: int) -> tuple[float, float]:
    """Return (P(R <= r), P(R >= r)): exact for few draws, Poisson where repeats are rare."""
    if draws <= EXACT_DRAWS:
        chances = _different(draws, modulus)
        return float(chances[draws - repeats :].sum()), float(chances[: draws - repeats + 1].sum())
    mean = _expected_pairs(draws, modulus)
    return float(pdtr(repeats, mean)), float(pdtrc(repeats - 1, mean)) if repeats else 1.0


def _different(draws: int, modulus: int) -> NDArray[np.float64]:
    """Return the exact distribution of the number of different values, by its Markov chain."""
    chances = np.zeros(draws + 1)
    chances[0] = 1.0
    stay = np.minimum(np.arange(draws + 1) / modulus, 1.0)
    for drawn in range(1, draws + 1):
        moved = chances[:drawn] * (1.0 - stay[:drawn])
        chances[: drawn + 1] *= stay[: drawn + 1]
        chances[1 : drawn + 1] += moved
    return chances


def _expected_pairs(draws: int, modulus: int) -> float:
    return draws * (draws - 1) / 2 / modulus


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
    effect = math.sqrt(abs(statistic - degrees) / len(even))
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
