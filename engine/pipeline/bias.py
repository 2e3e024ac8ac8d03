"""Biased, but no generator found: evidence that some values come more often, and their calibrated frequencies. Pure.

The measure is a test martingale: draws foretold one by one from the counts before them, under a mixture of prior strengths that
was fixed beforehand, against an even chance for every value. Under chance it exceeds 1/alpha with probability alpha, ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

STRENGTHS = tuple(2.0**power for power in range(-4, 9))
"""Draws' worth of an even prior per value, each as likely as the others."""
WIDEST = 4096
"""Values; a wider range has no frequencies that a history could show."""


@dataclass(frozen=True)
class Bias:
    """Counts of the values that came, the prior draws that every value counts beside them, and the evidence in bits."""

    counts: tuple[tuple[int, int], ...]
    prior: float
    bits: float


def bias_of(values: np.ndarray, span: tuple[int, int]) -> Bias:
    """Weigh draws (negative ones are missing) against an even chance over `span`."""
    size = span[1] - span[0] + 1
    present = values[values >= 0]
    seen, counts = np.unique(present, return_counts=True)
    if size > WIDEST or not len(present):
        return Bias((), 1.0, 0.0)
    logs = np.array([_log2_ratio(counts, size, prior) for prior in STRENGTHS])
    top = float(logs.max())
    bits = top + float(np.log2(np.exp2(logs - top).mean()))
    pairs = tuple(zip(seen.tolist(), counts.tolist(), strict=True))
    return Bias(pairs, STRENGTHS[int(logs.argmax())], bits)


def _log2_ratio(counts: np.ndarray, size: int, prior: float) -> float:
    """Return log2 of the probability of the draws under a Dirichlet prior, over that under an even chance."""
    draws = counts.sum()
    log = gammaln(prior * size) - gammaln(draws + prior * size)
    log += (gammaln(counts + prior) - gammaln(prior)).sum() + draws * np.log(size)
    return float(log / np.log(2.0))


def chances(
    counts: Sequence[tuple[int, int]], prior: float, size: int
) -> tuple[list[tuple[int, float]], float]:
    """Return each counted value's probability, the likeliest first, and that of every value that never came."""
    total = sum(count for _, count in counts) + prior * size
    named = [(value, (count + prior) / total) for value, count in counts]
    return sorted(named, key=lambda one: (-one[1], one[0])), prior / total


def counted(counts: Sequence[tuple[int, int]], values: Sequence[int | None]) -> tuple[tuple[int, int], ...]:
    """Return the counts with more draws in them; None is a missing one."""
    more = dict(counts)
    for value in values:
        if value is not None:
            more[value] = more.get(value, 0) + 1
    return tuple(sorted(more.items()))
