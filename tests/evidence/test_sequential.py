"""Triggers fire soon after a change and rarely without one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.evidence.sequential import Trigger


def run_length(trigger: Trigger, hits: np.ndarray) -> int:
    for count, hit in enumerate(hits.tolist(), 1):
        trigger.update(hit)
        if trigger.fired:
            return count
    return len(hits)


@pytest.mark.parametrize(
    ("baseline", "direction"), [(0.9, "below"), (0.5, "below"), (0.1, "above"), (0.02, "above")]
)
def test_false_alarms_come_no_more_often_than_stated(baseline: float, direction: str) -> None:
    rng = np.random.default_rng(12)
    lengths = [run_length(Trigger(0.02, baseline, direction), rng.random(600) < baseline) for _ in range(120)]  # type: ignore[arg-type]
    assert np.mean(lengths) >= 50  # 1/alpha; cutting at 600 only makes the mean smaller


def test_a_drop_after_a_long_good_time_is_noticed_within_a_few_draws() -> None:
    rng = np.random.default_rng(13)
    trigger = Trigger(1e-3, 0.9)
    for hit in (rng.random(500) < 0.9).tolist():
        trigger.update(hit)
    assert run_length(trigger, np.zeros(30, dtype=bool)) <= 6


def test_a_rise_above_chance_is_noticed() -> None:
    assert run_length(Trigger(1e-6, 0.001, "above"), np.ones(10, dtype=bool)) <= 4


def test_misses_that_chance_expects_do_not_fire() -> None:
    assert run_length(Trigger(1e-3, 0.02), np.zeros(40, dtype=bool)) == 40


def test_a_trigger_continues_from_stored_levels_and_forgets_on_reset() -> None:
    first = Trigger(1e-3, 0.8)
    for _ in range(4):
        first.update(False)
    again = Trigger(1e-3, 0.8, levels=first.levels)
    assert again.update(False) == first.update(False)
    again.reset()
    assert again.bits == -math.inf
    assert not again.fired


def test_a_certain_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match=r"baseline 1\.0"):
        Trigger(1e-3, 1.0)
