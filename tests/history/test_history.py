"""A history is an immutable snapshot with a digest of its own, and sessions and heads are histories too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.history.history import MISSING, NO_TIME, Draw, History, instant, stamp

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TWO = History.of([5, None, 7, 8], [NOON, None, NOON, NOON], ["b", "a", None, "b"])


def test_columns_and_objects_say_the_same() -> None:
    assert TWO.values.tolist() == [5, MISSING, 7, 8]
    assert TWO.times.tolist()[1] == NO_TIME
    assert TWO.draws[0] == Draw(0, 5, NOON, "b")
    assert TWO.draws[1] == Draw(1, None, None, "a")
    assert TWO.sessions == ("b", "a")
    assert len(TWO) == 4


def test_columns_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        TWO.values[0] = 1


def test_a_session_keeps_the_places_of_its_draws() -> None:
    part = TWO.session("b")
    assert [draw.index for draw in part.draws] == [0, 3]
    assert part.sessions == ("b",)
    assert part.where(1) == "draw 4"


def test_an_unknown_session_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="no session 'c'; sessions are: b, a"):
        TWO.session("c")


def test_a_head_is_the_oldest_draws() -> None:
    assert TWO.head(2).values.tolist() == [5, MISSING]
    assert len(TWO.head(99)) == 4
    assert TWO.head(4).digest == TWO.digest
    assert TWO.head(1).sessions == ("b",)


def test_the_digest_is_the_stated_canonical_form() -> None:
    import hashlib

    text = 'mimicry history 1\n5\t1769860800000000\t"b"\n-\t-\t"a"\n7\t1769860800000000\t-\n8\t1769860800000000\t"b"\n'
    assert TWO.digest == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        History.of([5, None, 7, 9], [NOON, None, NOON, NOON], ["b", "a", None, "b"]),
        History.of([5, None, 7, 8], [NOON, None, NOON, NOON], ["b", "a", None, "a"]),
        History.of([5, None, 7, 8], [NOON, None, NOON, None], ["b", "a", None, "b"]),
        History.of([5, None, 7, 8]),
        History.of([5, None, 7]),
    ],
)
def test_any_difference_changes_the_digest(other: History) -> None:
    assert other.digest != TWO.digest


def test_the_source_does_not_change_the_digest() -> None:
    assert History.of([1, 2], source="a").digest == History.of([1, 2], source="b").digest


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7, minutes=30))])))
def test_times_survive_to_the_microsecond(time: datetime) -> None:
    assert instant(stamp(time)) == time


def test_a_time_without_zone_is_utc() -> None:
    assert stamp(datetime(2026, 1, 31, 12)) == stamp(NOON)


def test_empty_history() -> None:
    empty = History.of([])
    assert len(empty) == 0
    assert empty.draws == ()
    assert empty.values.dtype == np.int64
