"""Diagnostics: folded draw by draw, observed beside expected, calibrated when stated rates come true."""

from __future__ import annotations

import random

import pytest

from engine.feedback.diagnostics import BINS, Health, Score, bits_of, fold, fold_unscored


def score(draw: int, hit: bool, *, stated: float = 0.02, size: int = 20, model: str = "m") -> Score:
    return Score(for_draw=draw, hit=hit, size=size, modulus=1000, chance=size / 1000, stated=stated, bits=0.5 if hit else -0.1, model=model)  # fmt: skip


def test_observed_stands_beside_what_chance_and_the_pool_expected() -> None:
    health = Health()
    for draw in range(10):
        health = fold(health, score(draw, draw < 3, stated=0.3))
    summary = health.summary()
    assert summary["hits"] == 3
    assert summary["hits_expected_by_chance"] == pytest.approx(0.2)
    assert summary["hits_expected_by_pool"] == pytest.approx(3.0)
    assert summary["calibration_error"] == pytest.approx(0.0)
    assert health.bits == pytest.approx(3 * 0.5 - 7 * 0.1)


def test_coverage_is_the_share_of_the_range_that_recent_pools_named() -> None:
    health = Health()
    assert health.summary()["pool_coverage"] is None
    for draw, size in enumerate((20, 40)):
        health = fold(health, score(draw, hit=False, size=size))
    assert health.summary()["pool_coverage"] == pytest.approx(0.03)


def test_a_boastful_pool_shows_in_calibration() -> None:
    rng = random.Random(1)
    honest = boastful = Health()
    for draw in range(400):
        hit = rng.random() < 0.3
        honest = fold(honest, score(draw, hit, stated=0.3))
        boastful = fold(boastful, score(draw, hit, stated=0.9))
    assert honest.calibration_error is not None
    assert boastful.calibration_error is not None
    assert honest.calibration_error < 0.05
    assert boastful.calibration_error > 0.5


def test_unforecast_and_missing_draws_are_counted_and_never_scored() -> None:
    health = fold_unscored(fold_unscored(Health(), 5, missing=False), 6, missing=True)
    assert (health.unforecast, health.missing, health.forecast, health.last_draw) == (1, 1, 0, 6)
    assert health.brier is None


def test_the_record_survives_json_and_its_buffers_are_bounded() -> None:
    health = Health()
    for draw in range(200):
        health = fold(health, score(draw, draw % 7 == 0, stated=draw / 200))
    assert Health.model_validate_json(health.model_dump_json()) == health
    assert len(health.recent) == 50
    assert sum(bin_.count for bin_ in health.bins) == 200
    assert len(health.bins) == BINS


def test_bits_of_an_even_probability_are_zero_and_of_an_impossible_one_bounded() -> None:
    assert bits_of(0.001, 1000) == pytest.approx(0.0)
    assert bits_of(0.0, 1000) == -1024.0
