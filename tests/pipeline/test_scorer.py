"""The scorer: learns what tells truths from chance, ranks planted truths first, and says nothing where there is nothing."""

import numpy as np
import pytest

from engine.compute.stop import Stop, StopWord
from engine.pipeline.replay import Lines
from engine.pipeline.scorer import Scorer, fit, ranking_bits, reciprocal_rank, twins_job


def test_ranking_measures_agree_with_hand_computation():
    scores = np.array([[3.0, 1.0, 1.0], [0.0, 0.0, -9.0]])
    assert reciprocal_rank(scores) == pytest.approx((1 + 1 / 2) / 2)
    assert ranking_bits(np.zeros((4, 8))) == pytest.approx(3.0)
    assert ranking_bits(scores) == pytest.approx(
        np.mean([-np.log2(np.exp(3) / (np.exp(3) + 2 * np.exp(1))), -np.log2(1 / (2 + np.exp(-9)))])
    )


def test_a_planted_difference_is_found_and_noise_is_not():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3))
    truth = np.arange(600) % 10 == 0
    x[truth, 1] += 3.0
    made = fit(x, truth, ("a", "b", "c"), penalty=0.01, clip=6.0)
    assert made.weights[1] > 5 * max(abs(made.weights[0]), abs(made.weights[2]))
    assert made.score(x, ("a", "b", "c"))[truth].mean() > made.score(x, ("a", "b", "c"))[~truth].mean() + 1


def test_columns_are_taken_by_name_not_by_place():
    made = Scorer(("b",), np.zeros(1), np.ones(1), np.ones(1), 0.0, 5.0)
    assert made.score(np.array([[1.0, 2.0]]), ("a", "b")).tolist() == [2.0]


def test_a_constant_column_gets_no_weight_whatever_it_is_later():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=100), np.zeros(100)])
    made = fit(x, np.arange(100) < 10, ("a", "dead"), penalty=0.1, clip=5.0)
    assert made.weights[1] == 0.0


def test_separable_data_do_not_blow_up():
    x = np.r_[np.full((5, 1), 10.0), np.zeros((50, 1))]
    made = fit(x, np.arange(55) < 5, ("a",), penalty=1e-4, clip=12.0)
    assert np.isfinite(made.weights).all()


def test_planted_truths_pass_the_window_like_any_survivor_however_noisy(tmp_path, steps):
    lines = Lines.of(steps["uniform_history"]())
    params = {
        "alignments": [steps["truth"].model_dump(mode="json")],
        "range": list(steps["span"]),
        "labels": [],
        "window": [0, 30],
        "confirm": [0, 0],
        "reads": [30, 60],
        "twins": 24,
        "decoys": 8,
        "seed": 3,
    }
    word = StopWord(tmp_path / "stop.word")
    arrays = {**lines.arrays(), "matches": np.array([5, 6])}
    meta, made = twins_job(params, arrays, Stop(word, word.generation()))
    rate = made["x"][:, :, meta["names"].index("record.forward_rate")]
    assert made["x"].shape[:2] == (24, 9)
    assert rate.min() >= 5 / 30
    assert rate[:, 1:].max() <= 6 / 30
    assert max(meta["noises"]) > 0.9
