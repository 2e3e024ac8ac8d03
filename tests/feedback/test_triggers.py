"""Triggers: the stated false-alarm rate holds, real change is seen, and an open request keeps them silent."""

from __future__ import annotations

import random

import pytest

from engine.feedback.diagnostics import Score
from engine.feedback.triggers import Watch, closed, due_for_search, opened, update, watch

ALPHA = 0.01


def score(hit: bool, *, stated: float, model: str = "m") -> Score:
    return Score(
        for_draw=1, hit=hit, size=20, modulus=1000, chance=0.02, stated=stated, bits=0.0, model=model
    )


def alarms(rate: float, stated: float, draws: int, seed: int) -> list[int]:
    """Return the draws at which a trigger fires that starts over after each alarm."""
    rng, state, fired_at = random.Random(seed), None, []
    for draw in range(draws):
        state, fired = update(state, score(rng.random() < rate, stated=stated), ALPHA)
        if fired:
            fired_at.append(draw)
            state = closed(opened(state, "r-1"))
    return fired_at


@pytest.mark.parametrize("rate", [0.02, 0.6])
def test_a_sound_model_alarms_at_most_once_in_a_hundred_draws(rate: float) -> None:
    count = sum(len(alarms(rate, rate, 2_000, seed)) for seed in range(5))
    assert count <= 100 * 1.3, "10,000 draws at alpha 0.01 allow 100 alarms on average"


def test_a_pool_that_stops_hitting_is_noticed_within_a_dozen_draws() -> None:
    first = [alarms(0.02, 0.6, 60, seed)[0] for seed in range(10)]
    assert max(first) < 30
    assert sum(first) / 10 < 12


def test_an_even_pool_that_hits_too_often_asks_for_a_full_run() -> None:
    state: Watch | None = None
    for _ in range(10):
        state, fired = update(state, score(True, stated=0.02), ALPHA)
        if fired:
            break
    assert fired is not None
    assert (fired.trigger, fired.request) == ("unnoticed_structure", "pipeline_rerun")
    assert "once in 100 draws" in fired.reason


def test_an_open_request_keeps_the_trigger_silent_until_it_ends() -> None:
    state: Watch | None = None
    fired = None
    while fired is None:
        state, fired = update(state, score(False, stated=0.9), ALPHA)
    state = opened(state, "r-7")
    for _ in range(50):
        state, again = update(state, score(False, stated=0.9), ALPHA)
        assert again is None
    state = closed(state)
    assert state.bits(ALPHA) is None
    state, again = update(state, score(False, stated=0.9), ALPHA)
    assert again is None, "evidence must be gathered anew"


def test_a_new_model_starts_a_new_watch() -> None:
    state, _ = update(None, score(False, stated=0.9), ALPHA)
    state, _ = update(state, score(False, stated=0.5, model="next"), ALPHA)
    assert (state.model, state.baseline, state.draws) == ("next", 0.5, 1)


def test_a_learning_loop_that_did_not_help_is_followed_by_a_full_run() -> None:
    asked, state = list[str](), None
    for model in ("first", "second", "third"):
        fired = None
        while fired is None:
            state, fired = update(state, score(False, stated=0.9, model=model), ALPHA)
        asked.append(fired.request)
        state = closed(opened(state, "r-1"))
    assert asked == ["learning_loop", "pipeline_rerun", "pipeline_rerun"]
    for _ in range(60):
        state, _ = update(state, score(True, stated=0.9, model="good"), ALPHA)
    assert state.loops == 0, "a model that held for a while starts the ladder anew"


def test_state_survives_json() -> None:
    state, _ = update(watch(score(True, stated=0.9)), score(False, stated=0.9), ALPHA)
    assert Watch.model_validate_json(state.model_dump_json()) == state
    assert Watch.model_validate_json(watch(score(True, stated=0.9)).model_dump_json()).bits(ALPHA) is None


@pytest.mark.parametrize(
    ("draws", "searched", "verdict", "need", "trigger"),
    [
        (40, None, None, None, None),
        (40, 20, "identified", None, None),
        (11, 10, "not_identifiable", 12, None),
        (12, 10, "not_identifiable", 12, "enough_draws"),
        (59, 40, "no_evidence", None, None),
        (60, 40, "no_evidence", None, "history_grown"),
        (60, 40, "biased", None, "history_grown"),
    ],
)
def test_length_calls_for_a_search_only_when_it_can_change_the_answer(
    draws: int, searched: int | None, verdict: str | None, need: int | None, trigger: str | None
) -> None:
    fired = due_for_search(draws=draws, searched=searched, verdict=verdict, need=need)
    assert (fired.trigger if fired else None) == trigger
