"""How many draws a claim needs in principle; asked before a search, so that hopeless ones are not run."""

from __future__ import annotations

import math

from engine.evidence.chance import smallest_block
from engine.evidence.evalue import required_bits

LONGEST = 20_000
"""Draws beyond which a noisy hypothesis counts as not identifiable."""


def needed_draws(
    hypothesis_bits: float, p: float, *, alpha: float = 1e-6, noise: float = 0.0, power: float = 0.99
) -> int | None:
    """Return the draws that tell one of 2^hypothesis_bits hypotheses from chance; None if no number does."""
    found = needed_block(hypothesis_bits, p, alpha=alpha, noise=noise, power=power)
    return None if found is None else found[0]


def needed_block(
    hypothesis_bits: float, p: float, *, alpha: float = 1e-6, noise: float = 0.0, power: float = 0.99
) -> tuple[int, int] | None:
    """Return (draws, matches among them) that a claim needs, or None."""
    total = hypothesis_bits + required_bits(alpha)
    if not 0.0 < p < 1.0:
        return None
    if noise == 0.0:
        draws = max(1, _ceil(total / -math.log2(p)))
        return draws, draws
    return smallest_block(-total, p, noise, power=power, longest=LONGEST)


def variable_gap_identifiable(
    draws: int, hypothesis_bits: float, p: float, gap_values: int, *, alpha: float = 1e-6
) -> bool:
    """Return whether `draws` suffice when every gap may take any of `gap_values` values on its own."""
    needed = variable_gap_needed_draws(hypothesis_bits, p, gap_values, alpha=alpha)
    return needed is not None and draws >= needed


def variable_gap_needed_draws(
    hypothesis_bits: float, p: float, gap_values: int, *, alpha: float = 1e-6
) -> int | None:
    """Return the draws needed with independent unknown gaps; None if a draw pins less than its gap costs."""
    if gap_values < 1 or not 0.0 < p < 1.0:
        raise ValueError(f"gap_values {gap_values}, p {p}: at least one gap value, p inside (0, 1)")
    gain = -math.log2(p) - math.log2(gap_values)
    if gain <= 0.0:
        return None
    return max(1, math.floor((hypothesis_bits + required_bits(alpha)) / gain) + 1)


def _ceil(value: float) -> int:
    """Round up, forgiving the last bits of a quotient that is whole on paper."""
    return math.ceil(value - 1e-9)
