"""The range notation: what is accepted, what each refusal says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.search.ranges import Range, parse_range, parse_seeds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", (7, 7, None)),
        ("0:16", (0, 16, None)),
        ("0x10:0xff", (16, 255, None)),
        ("0:2^32-1", (0, 2**32 - 1, None)),
        ("1_000:2_000", (1000, 2000, None)),
        ("1970-01-01T00:00..1970-01-02T00:00/s", (0, 86400, "s")),
        ("1970-01-01T00:00..1970-01-01T00:00:01/ms", (0, 1000, "ms")),
    ],
)
def test_both_ends_belong_to_the_range(text: str, expected: tuple[int, int, str | None]) -> None:
    assert tuple(parse_range(text, what="--seeds")) == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("9:3", "reversed"),
        ("a:3", "not an integer"),
        ("1:2:3", "LO:HI"),
        ("-1:3", "allowed are"),
        ("2026-01-01..2026-01-02/min", "/s, /ms or /us"),
        ("soon..later/s", "not an ISO time"),
    ],
)
def test_a_refusal_names_the_option_the_text_and_the_rule(text: str, rule: str) -> None:
    with pytest.raises(UsageError, match=rule) as caught:
        parse_range(text, what="--gaps")
    assert "--gaps" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_the_notation_round_trips(one: int, other: int) -> None:
    found = Range(min(one, other), max(one, other))
    assert parse_range(found.text(), what="x") == found


@given(st.integers(0, 2**51), st.sampled_from(["s", "ms", "us"]))
def test_times_round_trip_to_the_last_digit(moment: int, unit: str) -> None:
    ticks = {"s": moment // 1_000_000, "ms": moment // 1000, "us": moment}[unit]
    found = Range(ticks, ticks + 7, unit)
    assert parse_range(found.text(), what="x") == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5:9", ((5, 9, None),)), ("0:9, 20:29,10:12", ((0, 12, None), (20, 29, None))), ("small", ((0, 65535, None),)),
        ("small,65536:70000", ((0, 70000, None),)), ("2^64-2:2^64-1", ((2**64 - 2, 2**64 - 1, None),)),
        ("1970-01-01T00:00..1970-01-01T00:01/s,7", ((7, 7, None), (0, 60, "s"))),
        ("1970-01-01T00:01..1970-01-01T00:02/s+pid(10:20)", ((70, 140, None),)),
        ("1970-01-02T00:00..1970-01-02T00:01/s^pid(1:1000)", ((86016, 87039, None),)),
    ],
)  # fmt: skip
def test_seeds_are_intervals_presets_and_mixed_times(text: str, expected: tuple[object, ...]) -> None:
    assert tuple(tuple(one) for one in parse_seeds(text)) == expected


@given(st.integers(10**9, 2 * 10**9), st.integers(0, 5000), st.integers(1, 32767))
def test_a_time_mixed_with_a_process_number_lies_in_the_seeds(second: int, ahead: int, pid: int) -> None:
    ends = [Range(at, at, "s").text().partition("..")[0] for at in (second - ahead, second + ahead)]
    (mixed,) = parse_seeds(f"{ends[0]}..{ends[1]}/s^pid")
    assert mixed.lo <= second ^ pid <= mixed.hi
    (summed,) = parse_seeds(f"{ends[0]}..{ends[1]}/s+pid")
    assert summed.lo <= second + pid <= summed.hi


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("@words.txt", "words:FILE"), ("0:9/python_str@0123456789ab", "words:FILE"), ("1,,2", "a part is empty"), ("tiny", "is not an integer"),
        ("1970-01-01..1970-01-02/s*pid", "with a process number"), ("1970-01-01..1970-01-02/s^pid(9:3)", "reversed"),
    ],
)  # fmt: skip
def test_seeds_that_cannot_be_read_say_the_rule(text: str, rule: str) -> None:
    with pytest.raises(UsageError, match=rule):
        parse_seeds(text)
