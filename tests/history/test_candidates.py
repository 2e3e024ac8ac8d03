"""Candidate ranges and the check of a given one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.history.candidates import check_range, range_candidates
from engine.history.history import History


def pairs(values: list[int]) -> list[tuple[int, int]]:
    return [(lo, hi) for lo, hi, *_ in range_candidates(np.array(values, dtype=np.int64))]


def test_candidates_are_the_maximum_and_the_next_powers() -> None:
    assert set(pairs([0, 640, 985])) == {(0, 999), (0, 1023), (0, 985)}


def test_draws_from_one_bring_one_to_maximum() -> None:
    assert set(pairs([1, 4, 6])) == {(1, 6), (1, 10), (0, 6), (0, 7), (0, 9)}


def test_sixty_throws_of_a_die_are_a_die_first() -> None:
    assert pairs([*np.random.default_rng(1).integers(1, 7, 60).tolist(), 6])[0] == (1, 6)


def test_sixty_draws_below_a_thousand_are_a_thousand_first() -> None:
    assert pairs(np.random.default_rng(2).integers(0, 1000, 60).tolist())[0] == (0, 999)


def test_draws_from_one_to_a_hundred_are_so_before_a_hundred_was_drawn() -> None:
    found = range_candidates(np.array([3, 98, 40, 77, 12]))
    assert {(0, 99), (1, 100)} == {(one.lo, one.hi) for one in found[:2]}
    assert found[1].share > found[0].share / 2
    assert sum(one.share for one in found) == pytest.approx(1.0)
    assert (1, 100) in pairs([3, 100, 5])
    assert (1, 1000) not in pairs([3, 100, 5])


def test_the_next_usual_pool_is_a_candidate() -> None:
    assert (1, 49) in pairs([1, 48, 7])
    assert (1, 49) not in pairs([0, 48, 7])


def test_equal_candidates_are_one_with_both_reasons() -> None:
    found = {(lo, hi): reason for lo, hi, reason, _ in range_candidates(np.array([0, 3, 7]))}
    assert list(found).count((0, 7)) == 1
    assert found[0, 7] == "the power of 2 above the largest draw 7 and the largest draw 7"


def test_missing_draws_do_not_count() -> None:
    assert range_candidates(np.array([-1, -1])) == []
    assert set(pairs([-1, 5, 9])) == {(1, 9), (1, 10), (1, 12), (0, 9), (0, 15)}


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_every_candidate_holds_every_draw_once(values: list[int]) -> None:
    found = pairs(values)
    assert found
    assert len(found) == len(set(found))
    assert all(lo <= min(values) <= max(values) <= hi < 2**63 for lo, hi in found)


def test_a_range_that_holds_all_draws_passes() -> None:
    check_range(History.of([1, None, 6]), 1, 6)


def test_the_first_draw_outside_is_named() -> None:
    with pytest.raises(
        BadInput, match=r"memory, draw 3: draw 1000 lies outside the range 0:999 \(2 of 4 do\)"
    ):
        check_range(History.of([5, None, 1000, 2000]), 0, 999)
    with pytest.raises(BadInput, match="draw 1: draw 0 lies outside the range 1:6"):
        check_range(History.of([0, 3]), 1, 6)
