"""The robust slope: right on lines, calm on noise, deaf to spikes, silent on too few points."""

from __future__ import annotations

import random

import pytest

from engine.vitals.slope import theil_sen


def test_a_leak_of_a_megabyte_an_hour_is_seen_under_noise() -> None:
    rng = random.Random(3)
    times = [float(30 * i) for i in range(400)]
    slope = theil_sen(times, [100 + t / 3600 + rng.gauss(0, 0.3) for t in times])
    assert slope is not None
    assert not slope.flat
    assert slope.per_hour == pytest.approx(1.0, abs=0.15)


def test_noise_around_a_level_is_flat_as_often_as_promised() -> None:
    rng = random.Random(5)
    times = [float(i) for i in range(60)]
    flat = sum(bool((s := theil_sen(times, [rng.gauss(50, 2) for _ in times])) and s.flat) for _ in range(60))
    assert flat >= 52, "95 % intervals must hold zero about 57 times of 60"


def test_one_spike_changes_nothing() -> None:
    times = [float(i) for i in range(50)]
    values = [10.0] * 50
    values[25] = 5_000.0
    slope = theil_sen(times, values)
    assert slope is not None
    assert slope.per_second == 0.0
    assert slope.flat


def test_a_constant_has_slope_zero_and_a_line_its_own() -> None:
    times = [float(i) for i in range(20)]
    line = theil_sen(times, [2 * t for t in times])
    assert line is not None
    assert (line.per_second, line.lo, line.hi) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_too_few_points_give_no_slope(n: int) -> None:
    assert theil_sen([float(i) for i in range(n)], [1.0] * n) is None


def test_equal_times_give_no_slope() -> None:
    assert theil_sen([1.0] * 20, [float(i) for i in range(20)]) is None
