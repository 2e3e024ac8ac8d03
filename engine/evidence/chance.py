"""What chance alone produces: binomial tails in bits, expected false survivors, thresholds and search blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betainc, betaincc

LINEAR_FLOOR = 1e-250
"""Below this a tail is summed in logarithms; above it the incomplete beta function is exact to a double."""


@dataclass(frozen=True)
class Block:
    """A search block: `draws` in the window, `threshold` matches, expected false survivors, power for a true seed."""

    draws: int
    threshold: int
    expected: float
    power: float


def log2_tail(draws: int, hits: int, p: float) -> float:
    """Return log2 P(Bin(draws, p) >= hits), accurate also where the probability is far below a double."""
    _check(draws, p)
    if hits <= 0:
        return 0.0
    if hits > draws or p == 0.0:
        return -math.inf
    if p == 1.0:
        return 0.0
    tail = float(betainc(hits, draws - hits + 1, p))
    if tail > 0.5:
        return math.log1p(-float(betaincc(hits, draws - hits + 1, p))) / math.log(2)
    return math.log2(tail) if tail > LINEAR_FLOOR else _log2_far_tail(draws, hits, p)


def log2_expected_false(hypotheses: int, draws: int, hits: int, p: float) -> float:
    """Return log2 of the expected number of hypotheses that reach `hits` of `draws` by chance."""
    if hypotheses < 0:
        raise ValueError(f"hypotheses {hypotheses}: must not be negative")
    return -math.inf if hypotheses == 0 else math.log2(hypotheses) + log2_tail(draws, hits, p)


def expected_false(hypotheses: int, draws: int, hits: int, p: float) -> float:
    """Return the expected number of false survivors (0.0 or inf where a double cannot hold it)."""
    bits = log2_expected_false(hypotheses, draws, hits, p)
    return math.inf if bits >= 1024 else 2.0**bits


def threshold_for(hypotheses: int, draws: int, p: float, *, expected: float = 1.0) -> int | None:
    """Return the smallest count with at most `expected` false survivors; None if even all matching is not rare."""
    return smallest_count(_log2_budget(hypotheses, expected), draws, p)


def smallest_count(log2_budget: float, draws: int, p: float) -> int | None:
    """Return the smallest count whose tail is at most 2^log2_budget, or None."""
    if log2_tail(draws, draws, p) > log2_budget:
        return None
    low, high = 0, draws
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if log2_tail(draws, middle, p) <= log2_budget else (middle + 1, high)
    return low


def search_block(
    hypotheses: int,
    available: int,
    p: float,
    noise: float,
    *,
    expected: float = 1.0,
    power: float = 0.99,
    longest: int = 64,
) -> Block | None:
    """Return the shortest block that keeps false survivors at `expected` and true seeds at `power`, or None."""
    budget = _log2_budget(hypotheses, expected)
    found = smallest_block(budget, p, noise, power=power, longest=min(available, longest))
    if found is None:
        return None
    draws, count = found
    reached = 2.0 ** log2_tail(draws, count, hit_rate(p, noise))
    return Block(draws, count, expected_false(hypotheses, draws, count, p), reached)


def smallest_block(
    log2_budget: float, p: float, noise: float, *, power: float, longest: int
) -> tuple[int, int] | None:
    """Return the smallest (draws, count) with tail <= 2^log2_budget under chance and >= `power` under the truth."""
    rate = hit_rate(p, noise)
    if rate <= p:
        return None
    count = 0
    for draws in range(1, longest + 1):
        while count <= draws and log2_tail(draws, count, p) > log2_budget:
            count += 1  # the least rare-enough count never falls as draws are added
        if count <= draws and 2.0 ** log2_tail(draws, count, rate) >= power:
            return draws, count
    return None


def hit_rate(p: float, noise: float) -> float:
    """Return how often the true hypothesis matches when a share `noise` of the draws is replaced by chance."""
    if not 0.0 <= noise <= 1.0:
        raise ValueError(f"noise {noise}: must lie in 0..1")
    return min(1.0, 1.0 - noise + noise * p)


def _log2_budget(hypotheses: int, expected: float) -> float:
    if hypotheses < 1 or not expected > 0:
        raise ValueError(f"hypotheses {hypotheses}, expected {expected}: both must be positive")
    return math.log2(expected) - math.log2(hypotheses)


def _log2_far_tail(draws: int, hits: int, p: float) -> float:
    """Sum the tail upward from `hits`, far above the mean, relative to its first (largest) term."""
    first = math.lgamma(draws + 1) - math.lgamma(hits + 1) - math.lgamma(draws - hits + 1)
    first += hits * math.log(p) + (draws - hits) * math.log1p(-p)
    odds, term, total = p / (1.0 - p), 1.0, 1.0
    for count in range(hits, draws):
        term *= (draws - count) / (count + 1) * odds
        total += term
        if term < 1e-18 * total:
            break
    return (first + math.log(total)) / math.log(2)


def _check(draws: int, p: float) -> None:
    if draws < 0 or not 0.0 <= p <= 1.0:
        raise ValueError(f"draws {draws}, p {p}: draws must not be negative and p must lie in 0..1")
