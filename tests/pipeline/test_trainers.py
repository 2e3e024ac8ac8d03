"""The four families: each really learns, starts at chance, can be stored without a pickle, and repeats bit for bit."""

import time

import numpy as np
import pytest

from engine.pipeline.fitting import Rows
from engine.pipeline.gains import draw_gains, hit_shares, rates, weights
from engine.pipeline.selection import CHANCE, Candidate, select, stored
from engine.pipeline.trainers import TRAINERS

CHANCE_RATE = 0.01


def rows(truths=4, noise=0, seed=0):
    """Return 160 rows of 10 draws; the first `truths` hit always and show it in column 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(160, 6))
    hits = rng.binomial(10, CHANCE_RATE, 160).astype(float)
    hits[:truths] = 10
    x[:truths, 1] += 6
    return Rows(x, hits, np.full(160, 10.0), CHANCE_RATE)


@pytest.mark.parametrize("family", TRAINERS)
def test_a_planted_truth_is_learnt_and_survives_storage(family):
    trainer, made = TRAINERS[family], rows()
    model = trainer.fit(made, trainer.ladder[1][0], 3, lambda: None)
    rate = rates(model.margin(made.x), CHANCE_RATE)
    assert rate[:4].min() > 0.2 > 0.05 > np.median(rate[4:])
    back = trainer.load(model.dump())
    assert np.allclose(back.margin(made.x), model.margin(made.x), atol=1e-6)
    assert back.size == model.size > 0
    assert b"sklearn" not in model.dump()[:200]


@pytest.mark.parametrize("family", TRAINERS)
def test_without_a_single_hit_every_family_stays_near_or_below_chance(family):
    trainer = TRAINERS[family]
    made = Rows(rows(0).x, np.zeros(160), np.full(160, 10.0), CHANCE_RATE)
    rate = rates(trainer.fit(made, trainer.ladder[0][-1], 3, lambda: None).margin(made.x), CHANCE_RATE)
    assert rate.max() < 1.5 * CHANCE_RATE


@pytest.mark.parametrize("family", TRAINERS)
def test_the_same_seed_gives_the_same_model(family):
    trainer, made = TRAINERS[family], rows(2)
    first, second = (
        trainer.fit(made, trainer.ladder[0][-1], 9, lambda: None).margin(made.x) for _ in range(2)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize("family", TRAINERS)
def test_equal_models_are_equal_bytes_whenever_they_were_trained(family):
    trainer, made = TRAINERS[family], rows(2)
    first = trainer.fit(made, trainer.ladder[0][-1], 9, lambda: None).dump()
    time.sleep(1.05 - time.time() % 1)  # into another second: a library may write the time down
    assert trainer.fit(made, trainer.ladder[0][-1], 9, lambda: None).dump() == first


@pytest.mark.parametrize("family", TRAINERS)
def test_the_ladder_climbs_in_capacity(family):
    trainer, made = TRAINERS[family], rows(8)
    sizes = [
        trainer.fit(made, config, 1, lambda: None).size for rung in trainer.ladder for config in rung[-1:]
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize("family", TRAINERS)
def test_a_model_can_be_asked_as_it_was_earlier_in_its_training(family):
    trainer, made = TRAINERS[family], rows(6)
    model = trainer.fit(made, trainer.ladder[1][0], 5, lambda: None)
    whole, half = trainer.ladder[1][0]["rounds"], trainer.ladder[1][0]["rounds"] // 2
    assert np.array_equal(model.margin(made.x, whole), model.margin(made.x))
    early = trainer.fit(made, {**trainer.ladder[1][0], "rounds": half}, 5, lambda: None)
    assert np.allclose(model.margin(made.x, half), early.margin(made.x), atol=1e-5)
    assert not np.allclose(early.margin(made.x), model.margin(made.x), atol=1e-3)


@pytest.mark.parametrize("family", TRAINERS)
def test_the_anatomy_counts_what_does_nothing(family):
    trainer, made = TRAINERS[family], rows(6)
    found = trainer.fit(made, trainer.ladder[1][0], 5, lambda: None).anatomy(made.x)
    assert 0.0 <= found.dead_units < 0.5
    assert 0.0 <= found.unused_features < 1.0
    assert (found.gradient_decades is not None) == (family == "torch_mlp")
    flat = Rows(np.column_stack([np.zeros((160, 5)), made.x[:, 1]]), made.hits, made.scored, CHANCE_RATE)
    blind = trainer.fit(flat, trainer.ladder[0][0], 5, lambda: None).anatomy(flat.x)
    assert family == "torch_mlp" or blind.unused_features == pytest.approx(5 / 6)


@pytest.mark.parametrize("family", TRAINERS)
def test_every_library_names_itself_and_its_version(family):
    name, _, version = TRAINERS[family].library().partition(" ")
    assert name.split("_")[0] in family
    assert version[0].isdigit()


def test_stated_chance_earns_nothing_and_a_stated_truth_its_bits():
    marks = np.array([[1, 1, -1], [0, 0, 0]], dtype=np.int8)
    assert draw_gains(np.full(2, 0.01), marks, 0.01).tolist() == [0, 0, 0]
    got = draw_gains(np.array([0.5, 0.01]), marks, 0.01)
    assert got == pytest.approx([np.log2(50) / 2, np.log2(50) / 2, 0.0])


def test_trust_goes_to_what_is_above_chance_or_to_all_alike():
    assert weights(np.array([0.03, 0.02, 0.001]), 0.01).tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert weights(np.array([0.001, 0.001]), 0.01).tolist() == [0.5, 0.5]
    assert hit_shares(np.array([0.5, 0.5]), np.array([[1, -1], [0, -1]])).tolist() == [0.5]


def candidate(name, gains, size):
    return Candidate(name, np.asarray(gains, dtype=float), size)


def test_the_simplest_within_one_standard_error_is_selected():
    big = candidate("big", [1.0, 1.2, 0.9, 1.1], 500)
    small = candidate("small", [1.0, 1.1, 1.0, 1.05], 20)
    assert select({"big": big, "small": small}) == "small"
    assert select({"big": big, "small": candidate("small", [0.1, 0.1, 0.1, 0.0], 20)}) == "big"


def test_chance_is_selected_where_nothing_beats_it_and_the_strongest_is_stored_all_the_same():
    models = {"a": candidate("a", [0.2, -0.3, 0.1, -0.1], 9), "b": candidate("b", [-0.2, -0.3, 0.0, -0.1], 3)}
    assert select(models) == CHANCE
    assert stored(models, CHANCE) == "a"
    assert stored(models, "b") == "b"
