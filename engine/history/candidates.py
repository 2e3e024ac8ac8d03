"""The range of the draws: check a given one, or list the candidates with the reason for each."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadInput
from engine.history.history import MISSING, History

LARGEST = 2**63 - 1
POOLS = (6, 12, 20, 36, 45, 49, 52, 60, 75, 80, 90)
"""Numbers from 1 that people draw from: dice, roulette, lotteries, cards, keno, bingo."""


class Candidate(NamedTuple):
    """A possible range with both ends included, why it is one, and its share of belief among all."""

    lo: int
    hi: int
    reason: str
    share: float


def check_range(history: History, lo: int, hi: int) -> None:
    """Raise BadInput naming the first draw outside lo..hi."""
    values = history.values
    outside = np.flatnonzero((values != MISSING) & ((values < lo) | (values > hi)))
    if len(outside):
        first = int(outside[0])
        raise BadInput(
            f"{history.source}, {history.where(first)}: draw {values[first]} lies outside the range {lo}:{hi} "
            f"({len(outside)} of {len(values)} do); give the range of the draws or correct the file"
        )


def range_candidates(values: NDArray[np.int64]) -> list[Candidate]:
    """Return the candidate ranges, most plausible first: how well they fit, weighted by how usual they are."""
    present = values[values != MISSING]
    if not len(present):
        return []
    top, low, draws = int(present.max()), int(present.min()), len(present)
    found: dict[tuple[int, int], tuple[float, list[str]]] = {}
    for (lo, hi), weight, reason in _options(low, top):
        if hi <= LARGEST:
            total, reasons = found.get((lo, hi), (0.0, []))
            found[lo, hi] = (total + weight, [*reasons, reason])
    # each draw is 1/M as likely in a range of M values, so an oversized range loses bits at every draw
    fits = {
        (lo, hi): math.log(weight) - draws * math.log(hi - lo + 1) for (lo, hi), (weight, _) in found.items()
    }
    best = max(fits.values())
    total = sum(math.exp(fit - best) for fit in fits.values())
    return [
        Candidate(lo, hi, " and ".join(found[lo, hi][1]), math.exp(fit - best) / total)
        for (lo, hi), fit in sorted(fits.items(), key=lambda each: -each[1])
    ]


def _options(low: int, top: int) -> list[tuple[tuple[int, int], float, str]]:
    ten = 10 ** len(str(top))
    two = 1 << top.bit_length()
    options = [
        ((0, ten - 1), 0.5, f"the power of 10 above the largest draw {top}"),
        ((0, two - 1), 0.25, f"the power of 2 above the largest draw {top}"),
        ((0, top), 0.1 / (top + 1), f"the largest draw {top}"),
    ]
    # the two that end at the largest draw share their weight with every other end that could have been seen
    if low < 1:
        return options
    full = ten // 10 if top == ten // 10 else ten
    pool = [((1, end), 0.15, "a usual pool, no draw is 0") for end in POOLS if end >= top][:1]
    return [
        *options,
        ((1, full), 0.4, f"the power of 10 from the largest draw {top} on, no draw is 0"),
        *pool,
        ((1, top), 0.15 / top, f"the largest draw {top}, no draw is 0"),
    ]
