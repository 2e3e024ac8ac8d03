"""The plotting module: round ticks, gaps that stay gaps, thinning that loses no extreme, text that cannot break out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run_report.plot import MOST_POINTS, Axis, Plot, Series, Square, Squares, letter, safe, thinned

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


def plot(points: list[tuple[float, float | None]], name: str = "a") -> str:
    return Plot("p", "title", "text", Axis("x", 0, 10), Axis("y", 0, 10), [Series(name, points, 0)]).svg()


@given(FINITE, st.floats(1e-2, 1e9))
def test_ticks_are_round_rise_and_lie_inside_the_window(lo: float, width: float) -> None:
    axis = Axis("x", lo, lo + width)
    ticks = axis.ticks()
    assert ticks == sorted(ticks)
    assert len(ticks) <= 8
    assert all(axis.lo - width * 1e-6 <= tick <= axis.hi + width * 1e-6 for tick in ticks)


def test_steps_between_ticks_are_1_2_or_5_times_a_power_of_ten() -> None:
    assert Axis("x", 0, 100).ticks() == [0, 20, 40, 60, 80, 100]
    assert Axis("x", 1, 7).ticks() == [1, 2, 3, 4, 5, 6, 7]
    assert Axis("x", 0, 0.3).ticks() == [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]


def test_a_gap_breaks_the_line() -> None:
    (path,) = re.findall(r'<path class="s0" d="([^"]*)"', plot([(0, 1), (1, 2), (2, None), (3, 4), (4, 5)]))
    assert path.count("M") == 2


def test_thinning_keeps_extremes_ends_and_gaps() -> None:
    points: list[tuple[float, float | None]] = [(float(x), float(x % 7)) for x in range(100_000)]
    points[31_415] = (31_415.0, 1e6)
    points[50_000] = (50_000.0, None)
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS * 1.3
    assert {points[0], points[-1], points[31_415], points[50_000]} <= set(kept)


@pytest.mark.parametrize("hostile", ["</svg><script>", 'a" onload="x', "a&b", "\x1b[31m\x00", "\udcff"])
def test_names_cannot_break_out_of_the_picture(hostile: str) -> None:
    drawn = plot([(0, 1)], hostile)
    assert safe(hostile) in drawn
    assert hostile not in drawn
    drawn.encode()


def test_columns_past_z_have_two_letters() -> None:
    assert [letter(place) for place in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]


def test_every_square_tells_a_pointer_what_it_means() -> None:
    table = Squares(
        "c", "title", "text", ["one", "two"], [("row", [Square("full", "95", "all 3"), None])], []
    )
    assert table.svg().count("<title>all 3</title>") == 1
    assert table.svg().count('<rect class="full"') == 1
