"""The backward direction: the draws before a window, reached from the window's start by the generator's own inverse step.

Where a family has no inverse step, or the hypothesis seeds anew before each draw, the earlier draws confirm as a disjoint block.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.search.claims import Claim, predicted
from hip_cuda_kernels import host
from hip_cuda_kernels.lowering import lower_call
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of

By = Literal["inverse", "block"]
SPARE_WORDS = 64  # beyond what the calls take at least, for words that a mapping draws again


def by(claim: Claim) -> By:
    """Return how a hypothesis is led back to the draws before its window."""
    entry, cell = family_of(claim.cell.family), claim.cell
    plain = cell.law == "constant" and cell.origin == "seed"
    return (
        "inverse"
        if entry.inverse and plain and not is_composed(parse_mapping(cell.mapping, entry))
        else "block"
    )


def earlier(claim: Claim) -> np.ndarray:
    """Return the int64 draws that a hypothesis makes before its window, int64 (window,)."""
    cell = claim.cell
    if cell.window == 0 or by(claim) == "block":
        return predicted(cell, claim.seed, claim.start, claim.gap, cell.window)
    entry = family_of(cell.family)
    call = lower_call(parse_mapping(cell.mapping, entry), entry, cell.lo, cell.hi)
    reached = (
        claim.start + cell.window * (claim.gap + 1)
    ) * call.raw_words  # words at the window's first draw
    words = reached + SPARE_WORDS
    while True:
        made = host.walk(cell.family, claim.seed, reached, reached, words)
        draws = host.read(
            cell.family, cell.mapping, cell.lo, cell.hi, made, cell.window, start=claim.start, gap=claim.gap
        )
        if len(draws) == cell.window:
            return draws
        words *= 2
