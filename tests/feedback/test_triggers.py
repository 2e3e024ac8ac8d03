"""Triggers: the stated false-alarm rate holds, real change is seen, and an open request keeps them silent."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from engine.feedback.diagnostics import Score
from engine.feedback.triggers import Fired, Watch, closed, due_for_search, opened, update, watch

ALPHA = 0.01


def score(hit: bool, *, stated: float, model: str = "m", draw: int = 1) -> Score:
    return Score(
        for_draw=draw, hit=hit, size=20, modulus=1000, chance=0.02, stated=stated, bits=0.0, model=model
    )


def even(offset: int, draw: int = 1) -> Score:
    return Score(
        for_draw=draw, hit=True, size=1000, modulus=1000, chance=1.0, stated=1.0, bits=0.0, model="even", offset=offset
    )  # fmt: skip


def first_alarm(rate: float, stated: float, draws: int, seed: int) -> Fired | None:
    """Return the first alarm within so many draws of a pool that hits at `rate` and states `stated`."""
    rng, state = random.Random(seed), None
    for draw in range(draws):
        state, fired = update(state, score(rng.random() < rate, stated=stated, draw=draw), ALPHA)
        if fired:
            return fired
    return None


@pytest.mark.parametrize("rate", [0.02, 0.6, 0.95])
def test_a_sound_model_is_hardly_ever_accused_however_long_it_is_watched(rate: float) -> None:
    accused = sum(first_alarm(rate, rate, 200, seed) is not None for seed in range(40))
    assert accused <= 3, "alpha 0.01 allows two of five hundred; benchmarks/loop.py null counts many more"


def test_even_draws_are_hardly_ever_called_uneven_and_lopsided_ones_are() -> None:
    def ever(draw: Callable[[random.Random], int], seed: int) -> int | None:
        rng, state = random.Random(seed), None
        for at in range(300):
            state, fired = update(state, even(draw(rng)), ALPHA)
            if fired:
                assert (fired.trigger, fired.request) == ("draws_uneven", "pipeline_rerun")
                return at
        return None

    assert sum(ever(lambda rng: rng.randrange(1000), seed) is not None for seed in range(20)) <= 2
    seen = [ever(lambda rng: min(rng.randrange(1000), rng.randrange(1000)), seed) for seed in range(5)]
    assert sum(at is not None for at in seen) >= 4


def test_a_generator_that_changed_is_noticed_soon_and_dated() -> None:
    for seed in range(10):
        rng, state, fired = random.Random(seed), None, None
        for draw in range(130):
            hit = draw < 100 and rng.random() < 0.9
            state, fired = update(state, score(hit, stated=0.9, draw=draw), ALPHA)
            if fired:
                break
        assert fired is not None
        assert fired.trigger == "generator_changed"
        assert fired.request == "pipeline_rerun"
        assert fired.since is not None
        assert 96 <= fired.since <= 100, "a miss or two before the change may be counted to it"
        assert draw < 115


def test_a_pool_that_hits_half_as_often_asks_for_a_learning_loop() -> None:
    kinds = [(first_alarm(0.45, 0.9, 200, seed) or pytest.fail("no alarm")).request for seed in range(10)]
    assert kinds.count("learning_loop") >= 7


def test_an_even_pool_that_hits_too_often_asks_for_a_full_run() -> None:
    state: Watch | None = None
    for _ in range(10):
        state, fired = update(state, score(True, stated=0.02), ALPHA)
        if fired:
            break
    assert fired is not None
    assert (fired.trigger, fired.request) == ("unnoticed_structure", "pipeline_rerun")
    assert "probability 0.01" in fired.reason


def missed(state: Watch | None, model: str = "m") -> tuple[Watch, Fired]:
    for _ in range(30):
        state, fired = update(state, score(False, stated=0.9, model=model), ALPHA)
        if fired:
            return state, fired
    raise AssertionError("thirty misses raise no alarm")


def test_an_open_request_and_the_silence_after_it_keep_the_trigger_quiet() -> None:
    state = opened(missed(None)[0], "r-7")
    for _ in range(50):
        state, again = update(state, score(False, stated=0.9), ALPHA)
        assert again is None
    done = closed(state, executed=True, cooldown=3)
    assert done.bits(ALPHA) is None
    for _ in range(3):
        done, again = update(done, score(False, stated=0.9), ALPHA)
        assert again is None, "the cooldown is a matter of draws"
    failed = closed(state, executed=False, cooldown=1)
    assert update(failed, score(False, stated=0.9), ALPHA)[1] is not None, (
        "nothing was done, nothing is forgotten"
    )


def test_a_new_model_starts_a_new_watch() -> None:
    state, _ = update(None, score(False, stated=0.9), ALPHA)
    state, _ = update(state, score(False, stated=0.5, model="next"), ALPHA)
    assert (state.model, state.baseline, state.draws) == ("next", 0.5, 1)


def test_a_learning_loop_that_did_not_help_is_followed_by_a_full_run() -> None:
    asked, state = list[str](), None
    for model in ("first", "second"):
        fired, turn = None, 0
        while fired is None:
            turn += 1
            state, fired = update(state, score(turn % 2 == 0, stated=0.9, model=model), ALPHA)
        asked.append(fired.request)
        state = closed(opened(state, "r-1"), executed=True, cooldown=0)
    assert asked == ["learning_loop", "pipeline_rerun"]
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
