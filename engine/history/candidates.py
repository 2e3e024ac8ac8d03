"""The range of the draws: check a given one, or list the candidates with the reason for each."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadInput
from engine.history.history import MISSING, History

LARGEST = 2**63 - 1


class Candidate(NamedTuple):
    """A possible range with both ends included, and why it is one."""

    lo: int
    hi: int
    reason: str


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
    ranked = sorted(
        found.items(), key=lambda each: draws * math.log(each[0][1] - each[0][0] + 1) - math.log(each[1][0])
    )
    return [Candidate(lo, hi, " and ".join(reasons)) for (lo, hi), (_, reasons) in ranked]


def _options(low: int, top: int) -> list[tuple[tuple[int, int], float, str]]:
    ten = 10 ** len(str(top))
    two = 1 << top.bit_length()
    options = [
        ((0, ten - 1), 0.5, f"the power of 10 above the largest draw {top}"),
        ((0, two - 1), 0.25, f"the power of 2 above the largest draw {top}"),
        ((0, top), 0.1 / (top + 1), f"the largest draw {top}"),
    ]
    # the two that end at the largest draw share their weight with every other end that could have been seen
    return options + (
        [((1, top), 0.15 / top, f"1 to the largest draw {top}, no draw is 0")] if low >= 1 else []
    )
