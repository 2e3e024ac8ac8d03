"""Evidence where gaps vary: the likelihood ratio averaged over every start and every pattern of gaps, so that patterns are paid for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.evidence.evalue import NOISE_MIXTURE


def path_bits(
    values: np.ndarray,
    draws: np.ndarray,
    after: Sequence[int],
    *,
    starts: tuple[int, int],
    gaps: tuple[int, int],
    p: float,
    noise: float | None = None,
) -> list[float]:
    """Return the bits of the first n draws for every n in `after` (rising), each alignment of the law having an equal prior share.

    `values` are the mapping calls of one seed; draw j lies at most at call starts[1] + j (gaps[1] + 1). A draw of -1 is missing and
    weighs nothing. The average over alignments, and over the noise mixture where `noise` is None, has mean at most 1 under chance;
    the difference of two entries is the evidence of the draws between, given those before.
    """
    mixture = NOISE_MIXTURE if noise is None else ((noise, 1.0),)
    each = [_bits(values, draws, after, starts, gaps, p, share) for share, _ in mixture]
    return [_mixed([bits[i] for bits in each], [weight for _, weight in mixture]) for i in range(len(after))]


def _bits(
    values: np.ndarray,
    draws: np.ndarray,
    after: Sequence[int],
    starts: tuple[int, int],
    gaps: tuple[int, int],
    p: float,
    noise: float,
) -> list[float]:
    """Run the forward recursion over calls; `weight` is scaled to sum 1, its scale kept in bits."""
    hit, miss = (1.0 - noise) / p + noise, noise
    first, width = starts[0], starts[1] - starts[0] + 1
    weight, bits, found = np.full(width, 1.0 / width), 0.0, {0: 0.0}
    for place, draw in enumerate(draws[: max(after, default=0)].tolist()):
        if place:
            weight = np.convolve(weight, np.full(gaps[1] - gaps[0] + 1, 1.0 / (gaps[1] - gaps[0] + 1)))
            first += gaps[0] + 1
        if draw >= 0:
            weight = weight * np.where(values[first : first + len(weight)] == draw, hit, miss)
            total = float(weight.sum())
            if total == 0.0:
                return [found.get(n, -math.inf) for n in after]
            weight, bits = weight / total, bits + math.log2(total)
        found[place + 1] = bits
    return [found[n] for n in after]


def _mixed(bits: list[float], weights: list[float]) -> float:
    top = max(bits)
    if top == -math.inf:
        return top
    return top + math.log2(
        sum(weight * 2.0 ** (one - top) for one, weight in zip(bits, weights, strict=True))
    )
