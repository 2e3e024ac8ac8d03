"""The prospective ledger's numbers: hit, log score and Brier are those of the whole forecast, survivors are counted beside their rates."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.feedback.diagnostics import Health, fold
from engine.feedback.scoring import score_of
from state.predictions import PoolRow


def row(heads: list[tuple[int, float]], components: list[dict[str, Any]] | None = None) -> PoolRow:
    rest = (1.0 - sum(share for _, share in heads)) / (10 - len(heads))
    pool = {
        "range": [10, 19], "heads": [list(head) for head in heads], "rest": rest, "model": "m", "basis": "evidence",
        "components": components or [],
    }  # fmt: skip
    return PoolRow(5, "sha", pool, "now", 1)


@pytest.mark.parametrize("value", [10, 11, 15])
def test_brier_and_log_score_are_those_of_the_whole_distribution(value: int) -> None:
    heads = [(10, 0.5), (11, 0.3)]
    score = score_of(value, row(heads))
    p = {at: dict(heads).get(at, 0.2 / 8) for at in range(10, 20)}
    assert score.brier == pytest.approx(sum((p[at] - (at == value)) ** 2 for at in p))
    assert score.bits == pytest.approx(math.log2(p[value] * 10))
    assert score.brier_even == pytest.approx(0.9)
    assert (score.hit, score.offset) == (value in dict(heads), value - 10)


def test_an_even_pool_scores_what_even_scores() -> None:
    score = score_of(12, row([]))
    assert score.brier == pytest.approx(score.brier_even)
    assert (score.bits, score.chance, score.hit) == (pytest.approx(0.0), 1.0, True)


def test_a_value_outside_of_the_range_is_no_hit_and_has_no_place() -> None:
    score = score_of(25, row([]))
    assert (score.hit, score.offset, score.bits) == (False, None, -1024.0)


def test_survivors_drift_where_they_hit_otherwise_than_they_state_and_a_new_model_begins_anew() -> None:
    health = Health()
    part = {"predicted": 10, "rate": 0.8}
    for value in (10, 11, 11, 11):
        health = fold(health, score_of(value, row([(10, 0.5)], [part])))
    drift = health.survivor_drift
    assert drift is not None
    assert drift == pytest.approx((1 - 3.2) / math.sqrt(4 * 0.16))
    other = score_of(10, row([(10, 0.5)], [part])).model_copy(update={"model": "next"})
    assert fold(health, other).survivors_right == 1
