"""From numbers to one of the four verdicts, by the precedence that DEFINITIONS fixes."""

from __future__ import annotations

from typing import Literal

from engine.evidence.evalue import required_bits

Verdict = Literal["identified", "biased", "no_evidence", "not_identifiable"]


def decide(
    *, best_bits: float | None, alpha: float, biased: bool, identifiable_cells: int, total_cells: int
) -> Verdict:
    """Return the verdict: identified > biased > no_evidence > not_identifiable (no cell of the space could be).

    `best_bits` are the claim's bits on draws the search never used, description length already subtracted.
    """
    if not 0 <= identifiable_cells <= total_cells:
        raise ValueError(f"identifiable cells {identifiable_cells} of {total_cells}: must nest")
    if best_bits is not None and best_bits >= required_bits(alpha):
        return "identified"
    if biased:
        return "biased"
    return "no_evidence" if identifiable_cells else "not_identifiable"
