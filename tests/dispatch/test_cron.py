"""Cron: fields, names of days as numbers, the next and the last firing, and refusals that name the field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dispatch.cron import Cron
from engine.errors import UsageError


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "after", "before"),
    [
        ("*/15 * * * *", "2026-03-01T10:07:30", "2026-03-01T10:15", "2026-03-01T10:00"),
        ("0 3 * * *", "2026-12-31T23:59", "2027-01-01T03:00", "2026-12-31T03:00"),
        ("@weekly", "2026-03-04T00:00", "2026-03-08T00:00", "2026-03-01T00:00"),
        ("30 4 1,15 * 5", "2026-03-01T05:00", "2026-03-06T04:30", "2026-03-01T04:30"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00", "2024-02-29T00:00"),
        ("5-9/2 22 * * 7", "2026-03-01T22:07", "2026-03-01T22:09", "2026-03-01T22:07"),
        ("0 12 */10 * *", "2026-03-12T00:00", "2026-03-21T12:00", "2026-03-11T12:00"),
    ],
)
def test_next_and_last_firing(text: str, now: str, after: str, before: str) -> None:
    entry = Cron.parse(text)
    assert entry.after(at(now)) == at(after)
    assert entry.before(at(now)) == at(before)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("* * * *", "five fields"),
        ("60 * * * *", "minute '60'"),
        ("* 24 * * *", "hour '24'"),
        ("* * 0 * *", "day '0'"),
        ("* * * 13 *", "month '13'"),
        ("* * * * 8", "weekday '8'"),
        ("9-5 * * * *", "minute '9-5'"),
        ("*/0 * * * *", "minute '*/0'"),
        ("a * * * *", "minute 'a'"),
        ("5- * * * *", "minute '5-'"),
        ("0 0 30 2 *", "no such day"),
        ("@never", "five fields"),
    ],
)
def test_a_wrong_entry_names_the_field(text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        Cron.parse(text)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


entries = st.builds(
    lambda *parts: Cron.parse(" ".join(parts)),
    st.sampled_from(["*", "0", "*/7", "3,44", "10-20/3"]),
    st.sampled_from(["*", "0", "23", "*/5"]),
    st.sampled_from(["*", "1", "28", "1-7", "*/9"]),
    st.sampled_from(["*", "2", "11,12"]),
    st.sampled_from(["*", "0", "1-5", "6"]),
)


@given(entries, st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
@settings(max_examples=40, deadline=None)
def test_searching_agrees_with_asking_every_minute(entry: Cron, moment: datetime) -> None:
    start = moment.replace(tzinfo=UTC)
    following = entry.after(start)
    assert following is not None
    assert entry.matches(following)
    assert entry.before(following) == following
    gap = min(following - start, timedelta(days=1))
    step = start.replace(second=0, microsecond=0)
    minutes = [step + timedelta(minutes=n) for n in range(1, int(gap.total_seconds() // 60))]
    assert not any(entry.matches(one) for one in minutes if one < following)
