"""The holdout p-value of the best of K survivors, corrected for choosing it."""

from __future__ import annotations

import math

from engine.evidence.chance import log2_tail


def holdout_p(survivors: int, hits: int, scored: int, p: float) -> float:
    """Return min(1, K * P(Bin(scored, p) >= hits)) for the best of `survivors` hypotheses."""
    if survivors < 1:
        raise ValueError(f"survivors {survivors}: must be positive")
    return math.exp2(min(0.0, math.log2(survivors) + log2_tail(scored, hits, p)))
