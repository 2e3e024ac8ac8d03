"""Importance of parameters: a planted one is found, one that does nothing stands at chance, few trials say nothing."""

from __future__ import annotations

import random

from engine.evidence.importance import importance


def trials(seed: int, weight: float, count: int = 40) -> dict[str, float]:
    dice = random.Random(seed)
    params = [{"a": dice.random(), "b": dice.choice(["x", "y", "z"])} for _ in range(count)]
    return importance(params, [weight * row["a"] + dice.gauss(0, 1) for row in params])


def test_the_parameter_that_moves_the_value_comes_first_with_its_share() -> None:
    shares = trials(1, weight=20.0)
    assert list(shares) == ["a", "b"]
    assert shares["a"] > 0.8
    assert shares["b"] < 0.2


def test_parameters_that_do_nothing_stand_at_chance() -> None:
    found = [share for seed in range(60) for share in trials(seed, weight=0.0).values()]
    assert sum(found) / len(found) < 0.04


def test_too_few_trials_or_one_value_say_nothing() -> None:
    assert trials(1, 20.0, count=7) == {}
    assert importance([{"a": n} for n in range(9)], [1.0] * 9) == {"a": 0.0}
