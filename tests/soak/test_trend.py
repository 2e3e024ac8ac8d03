"""The slope's interval must stay honest under noise that resembles itself: a leak is never called flat, flat noise mostly is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.soak.trend import FEWEST_BLOCKS, trend

HOURS, EVERY = 100 / 60, 10.0
LEAK, LIMIT = 3.0, 1.0
Noise = Callable[[np.random.Generator, int], np.ndarray]


def times() -> np.ndarray:
    return np.arange(0.0, HOURS * 3600, EVERY)


def white(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(0, 0.3, n)


def wandering(rng: np.random.Generator, n: int) -> np.ndarray:
    """Readings whose neighbours correlate by 0.97: five minutes of memory."""
    noise, out = rng.normal(0, 0.3 * np.sqrt(1 - 0.97**2), n), np.zeros(n)
    for place in range(1, n):
        out[place] = 0.97 * out[place - 1] + noise[place]
    return out


def saw(rng: np.random.Generator, n: int) -> np.ndarray:
    period, phase = rng.uniform(200, 900), rng.uniform(0, 900)
    return 2.0 * ((np.arange(n) * EVERY + phase) % period) / period + rng.normal(0, 0.2, n)


@pytest.mark.parametrize("noise", [white, wandering, saw])
def test_a_leak_of_three_megabytes_an_hour_is_never_called_flat_and_flat_noise_mostly_is(
    noise: Noise,
) -> None:
    """Some 0.3 s each; the full table of level and power is `test_level_and_power`."""
    rng, at = np.random.default_rng(7), times()
    flat = leaking = 0
    for _ in range(20):
        values = 150.0 + noise(rng, len(at))
        flat += bounded(at, values)
        leaking += bounded(at, values + LEAK * at / 3600)
    assert leaking == 0
    assert flat >= 12


def bounded(at: np.ndarray, values: np.ndarray) -> bool:
    found = trend(at.tolist(), values.tolist())
    assert found is not None
    return found.hi <= LIMIT


@pytest.mark.statistical
@pytest.mark.parametrize(("noise", "least"), [(white, 0.93), (wandering, 0.91), (saw, 0.93)])
def test_level_and_power(noise: Noise, least: float) -> None:
    """400 series each, about 15 s: the interval covers the truth nearly as often as it says, however the noise is correlated."""
    rng, at = np.random.default_rng(11), times()
    covered = flat = leaking = 0
    for _ in range(400):
        values = noise(rng, len(at))
        found = trend(at.tolist(), values.tolist())
        assert found is not None
        covered += found.lo <= 0 <= found.hi
        flat += found.hi <= LIMIT
        leaking += bounded(at, values + LEAK * at / 3600)
    assert leaking == 0
    assert covered / 400 >= least
    assert flat / 400 >= 0.6


def test_a_floor_ignores_what_is_borrowed_and_sees_what_is_kept() -> None:
    rng, at = np.random.default_rng(3), times()
    borrowed = 30 + rng.integers(0, 4, len(at)) * (rng.random(len(at)) < 0.3)
    calm = trend(at.tolist(), borrowed.tolist(), of="floor")
    kept = trend(at.tolist(), (borrowed + np.floor(at / 600)).tolist(), of="floor")
    assert calm is not None
    assert kept is not None
    assert (calm.per_hour, calm.hi) == (0.0, 0.0)
    assert kept.lo > 4.0


def test_a_short_series_has_no_trend() -> None:
    at = [float(second) for second in range(2 * FEWEST_BLOCKS - 1)]
    assert trend(at, at) is None
    assert trend([], []) is None


def test_correlated_noise_widens_the_interval() -> None:
    rng, at = np.random.default_rng(5), times()
    independent, alike = (trend(at.tolist(), noise(rng, len(at)).tolist()) for noise in (white, wandering))
    assert independent is not None
    assert alike is not None
    assert alike.inflation > independent.inflation >= 1.0
