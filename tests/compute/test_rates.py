"""How fast each worker was: over its newest pieces, and not known any more after minutes without one."""

from __future__ import annotations

import pytest

from engine.compute.rates import FRESH, PIECES, Paces, hypotheses_in


def test_a_pace_is_over_the_newest_pieces_and_grows_stale() -> None:
    paces = Paces()
    paces.add("rig/gpu0", 1000.0, 100.0, end=1.0)
    for _ in range(PIECES):
        paces.add("rig/gpu0", 300.0, 10.0, end=5.0)
    paces.add("rig/gpu0", float("nan"), 10.0, end=9.0)
    assert paces.of("rig/gpu0", now=6.0) == pytest.approx(30.0)
    assert paces.of("rig/gpu0", now=5.0 + FRESH + 1) is None
    assert paces.of("rig/gpu1", now=6.0) is None


@pytest.mark.parametrize("told", [10**400, -1, float("nan"), True, "7", None, [1]])
def test_what_is_no_number_of_hypotheses_counts_as_none(told: object) -> None:
    assert hypotheses_in({"hypotheses": told}) == 0.0
    assert hypotheses_in({"hypotheses": 1 << 40}) == 2.0**40
