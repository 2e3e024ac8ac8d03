"""The precedence of verdicts."""

from __future__ import annotations

import pytest

from engine.evidence.verdict import decide


@pytest.mark.parametrize(
    ("bits", "biased", "cells", "verdict"),
    [
        (19.94, True, 0, "identified"),
        (19.92, True, 0, "biased"),
        (None, True, 3, "biased"),
        (19.92, False, 3, "no_evidence"),
        (None, False, 1, "no_evidence"),
        (None, False, 0, "not_identifiable"),
        (float("-inf"), False, 0, "not_identifiable"),
    ],
)
def test_precedence(bits: float | None, biased: bool, cells: int, verdict: str) -> None:
    assert (
        decide(best_bits=bits, alpha=1e-6, biased=biased, identifiable_cells=cells, total_cells=3) == verdict
    )


def test_more_identifiable_cells_than_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="4 of 3"):
        decide(best_bits=None, alpha=1e-6, biased=False, identifiable_cells=4, total_cells=3)
