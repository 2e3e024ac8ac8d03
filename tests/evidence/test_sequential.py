"""Triggers fire soon after a change and rarely without one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.evidence.sequential import SHARES, Rise, Trigger, spent


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


def test_weights_that_sum_to_one_bound_the_probability_of_ever_alarming() -> None:
    rng, alarms = np.random.default_rng(14), 0
    for _ in range(60):
        trigger = Trigger(0.05, 0.7)
        for draw, hit in enumerate((rng.random(200) < 0.7).tolist(), 1):
            trigger.update(hit, spent(draw))
            if trigger.fired:
                alarms += 1
                break
    assert alarms <= 7, "alpha 0.05 allows three of sixty"
    assert sum(spent(draw) for draw in range(1, 10_000)) == pytest.approx(1.0, abs=1e-3)


def test_the_leading_alternative_tells_a_loss_from_an_end() -> None:
    for hits, leading in (([True, False] * 20, 0.3), ([False] * 20, SHARES[-1])):
        trigger = Trigger(1e-3, 0.9)
        for hit in hits:
            trigger.update(hit)
        assert trigger.leading in (leading, 0.6 if leading == 0.3 else leading)


def test_a_rise_is_dated_by_the_draw_after_which_it_never_fell_back() -> None:
    rise = Rise()
    for draw, ratio in enumerate([-1.0, 2.0, -3.0, 1.0, 1.0, -0.5, 2.0]):
        rise = rise.update(ratio, draw)
    assert (rise.since, rise.bits) == (3, 3.5)
