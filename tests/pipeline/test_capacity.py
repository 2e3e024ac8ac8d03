"""Capacity: the simplest within one standard error, within the budget; a library that fails here is left out and said so."""

import numpy as np
import pytest

from engine.pipeline import health, models
from engine.pipeline.artifacts import ENGINE, MODEL_META, POOL, EngineConfig, ModelMeta, Pool
from engine.pipeline.baselines import best_row, single
from engine.pipeline.calibrate import best_share, shrunk, slope
from engine.pipeline.capacity import LENGTHS, Trial, budget, choose, climbs
from engine.pipeline.runner import run_pipeline
from engine.pipeline.trainers import TRAINERS

CONFIG = {"rounds": 40}


def trial(gains, rung=0, size=10, rounds=40):
    return Trial(rung, CONFIG, rounds, size, np.asarray(gains, dtype=float), True)


def test_the_simplest_within_a_standard_error_of_the_best_is_chosen():
    small, big = trial([1.0, 1.1, 0.9, 1.0]), trial([1.0, 1.2, 0.8, 1.1], rung=1, size=90)
    assert choose([small, big]) is small
    better = trial([2.0, 2.1, 1.9, 2.0], rung=1, size=90)
    assert choose([small, better]) is better
    short = trial([1.0, 1.1, 0.9, 1.0], size=5, rounds=20)
    assert choose([small, short, big]).chosen() == {"rounds": 20, "allowed": 40}


def test_a_rung_must_gain_more_than_its_error_to_be_climbed():
    low = [trial([1.0, 1.0, 1.0, 1.0])]
    assert climbs([trial([1.5, 1.6, 1.5, 1.4], rung=1)], low)
    assert not climbs([trial([3.0, -1.0, 2.0, 0.2], rung=1)], low)
    assert not climbs([trial([0.9, 1.0, 1.0, 1.0], rung=1)], low)


def test_the_budget_counts_trainings_and_shorter_lengths_cost_none():
    ladder = TRAINERS["torch_mlp"].ladder
    assert budget(ladder[:1], 3) == 6
    assert budget(ladder, 2) == 8
    lengths = Trial.lengths(0, CONFIG, 100)
    assert [one.rounds for one in lengths] == [10, 20, 30, 40]
    assert sum(one.last for one in lengths) == 1
    assert len(lengths) == len(LENGTHS)


def test_step_5_trains_with_exactly_what_step_4_chose_within_the_budget(full_run):
    store, four = full_run.ctx.artifacts, full_run.outcomes["4"]
    config = EngineConfig.parse(store.read_json(ENGINE), ENGINE)
    meta = ModelMeta.parse(store.read_json(MODEL_META), MODEL_META)
    assert {family: one["config"] for family, one in meta.models.items()} == config.models
    assert meta.config == config.models[meta.family]
    assert store.lineage(MODEL_META).inputs[ENGINE] == store.ref(ENGINE).sha256
    assert four.metrics["budget"]["fits"] <= four.metrics["budget"]["of"]
    assert set(four.metrics["libraries"]) == set(TRAINERS)


def test_every_model_has_its_health_its_calibration_and_intervals(full_run):
    meta = ModelMeta.parse(full_run.ctx.artifacts.read_json(MODEL_META), MODEL_META)
    for family, one in meta.models.items():
        assert set(health.LIMITS) <= set(one["health"]), family
        assert 0.0 < one["health"]["early_stop"] <= 1.0
        assert 0.05 <= one["calibration"]["share"] <= 1.0
        assert one["out_of_fold_bits"]["lo"] <= one["out_of_fold_bits"]["value"]
    assert meta.final["single"]["out_of_fold_bits"]["value"] > 0
    assert meta.final["skipped"] == {}
    assert isinstance(meta.final["beats_single"], bool)


def broken(error):
    def library():
        raise error

    return library


async def test_a_library_that_fails_on_this_machine_is_left_out_and_the_run_says_so(
    make_context, steps, monkeypatch
):
    monkeypatch.setattr(
        TRAINERS["lightgbm"], "library", broken(OSError("libgomp.so.1: cannot open")), raising=False
    )
    ctx = steps["with_first_step"](make_context, steps["planted_history"](noise=0.2))
    outcomes = {one.step: one for one in await run_pipeline(ctx, ("2.5", "3", "4", "5", "6"), lambda _: None)}
    assert all(one.ok for one in outcomes.values())
    for step in ("4", "5"):
        warned = [one.text for one in outcomes[step].findings if one.code == "model.skipped"]
        assert warned == ["lightgbm is left out on this machine: OSError: libgomp.so.1: cannot open"]
        assert "lightgbm" in outcomes[step].note
    meta = ModelMeta.parse(ctx.artifacts.read_json(MODEL_META), MODEL_META)
    assert set(meta.models) == set(TRAINERS) - {"lightgbm"}
    assert "libgomp" in meta.final["skipped"]["lightgbm"]
    assert Pool.parse(ctx.artifacts.read_json(POOL), POOL).basis == "model"


async def test_without_any_library_step_4_fails_and_names_the_reasons(make_context, steps, monkeypatch):
    for trainer in TRAINERS.values():
        monkeypatch.setattr(trainer, "library", broken(ImportError("not installed")), raising=False)
    ctx = steps["with_first_step"](make_context, steps["uniform_history"](), truth=False)
    outcomes = await run_pipeline(ctx, ("2.5", "3", "4"), lambda _: None)
    assert outcomes[-1].status == "failed"
    assert "no model library works" in outcomes[-1].note
    assert not ctx.artifacts.exists(ENGINE)


def test_a_fault_of_our_own_is_not_taken_for_a_missing_library():
    assert not issubclass(AssertionError, models.LIBRARY_FAULTS)
    assert not issubclass(KeyError, models.LIBRARY_FAULTS)


def test_the_single_survivor_is_the_best_of_the_blocks_before():
    targets = np.zeros((2, 3, 4), dtype=np.int32)
    targets[1] = 5
    targets[0, 0, 2], targets[0, 1, 1], targets[0, 1, 3] = 3, 1, 5
    assert best_row(targets, [0], 4) == 2
    assert best_row(targets, [0, 1], 3) == 2
    marks = np.zeros((4, 15), dtype=np.int8)
    marks[2] = 1
    got = single(targets, marks, [(1, [0]), (2, [0, 1])], 3, 5, 0.01)
    assert (len(got.gains), got.size) == (10, 1)
    assert got.bits > 0


def test_a_boaster_is_shrunk_and_an_honest_model_is_left_alone():
    rng = np.random.default_rng(0)
    marks = (rng.random((40, 60)) < 0.1).astype(np.int8)
    honest, boasting = np.full((3, 40), 0.1), np.full((3, 40), 0.6)
    boasting[:, 20:] = 0.01
    assert best_share(honest, marks, 0, 20, 0.01) > 0.8
    assert best_share(boasting, marks, 0, 20, 0.01) < 0.5
    assert shrunk(np.array([0.5]), 0.5, 0.1).tolist() == [pytest.approx(0.3)]
    assert slope(boasting, marks, 0, 20) < 0.3
    assert slope(honest, marks, 0, 20) is None


def test_health_beyond_its_limits_warns_and_names_the_model():
    meta = {
        "anatomy": {"dead_units": 0.9, "unused_features": 0.2, "gradient_decades": None},
        "inside_bits": 3.0,
        "config": {"rounds": 10, "allowed": 40},
    }
    found = health.numbers(meta, 0.5)
    assert found["early_stop"] == 0.25
    codes = [one.code for one in health.warnings({"torch_mlp": found})]
    assert codes == ["health.dead_units", "health.overfit_bits"]
    assert all(one.level == "warn" for one in health.warnings({"torch_mlp": found}))
