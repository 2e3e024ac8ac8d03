"""Bias: proven where values come unequally often, silent on chance, and its frequencies are calibrated."""

import numpy as np
import pytest

from engine.history.history import Draw
from engine.pipeline.bias import WIDEST, bias_of, chances, counted
from engine.pipeline.pool import make_biased, reissue, seal
from engine.pipeline.proper import reliability_slope
from engine.pipeline.step6_prediction import proven
from engine.scenarios.catalog import make as scenario
from engine.scenarios.scenario import Asked


def test_a_biased_history_is_proven_and_chance_hardly_ever_reaches_a_few_bits():
    biased = scenario("biased", Asked(draws=400, range=(0, 19), seed=3, strength=1.0))
    assert proven(bias_of(np.array(biased.values), (0, 19)), 1e-6)
    rng = np.random.default_rng(1)
    bits = [bias_of(rng.integers(0, 20, 300), (0, 19)).bits for _ in range(200)]
    assert np.mean([one >= np.log2(10) for one in bits]) <= 0.1
    assert max(bits) < 10


def test_the_evidence_averages_to_one_under_chance():
    rng = np.random.default_rng(2)
    ratios = [2.0 ** bias_of(rng.integers(0, 3, 12), (0, 2)).bits for _ in range(1500)]
    assert 0.8 < np.mean(ratios) < 1.2


def test_missing_draws_count_nothing_and_a_wide_range_has_no_frequencies():
    values = np.array([3, -1, 3, 4])
    assert bias_of(values, (0, 9)).counts == ((3, 2), (4, 1))
    assert bias_of(values, (0, WIDEST)).bits == 0.0
    assert bias_of(np.array([-1, -1]), (0, 9)).counts == ()


def test_frequencies_sum_to_one_and_count_new_draws():
    named, rest = chances(((3, 2), (4, 1)), 1.0, 10)
    assert named[0] == (3, pytest.approx(3 / 13))
    assert sum(chance for _, chance in named) + 8 * rest == pytest.approx(1.0)
    assert counted(((3, 2),), [3, None, 5]) == ((3, 3), (5, 1))


def test_the_pool_of_a_bias_is_sealed_sums_to_one_and_learns_with_each_draw():
    pool = make_biased(((3, 6), (4, 1)), 1.0, history="h", for_draw=7, span=(0, 9), model="m")
    assert (pool.basis, pool.uniform, pool.components) == ("bias", False, ())
    assert pool.total() == pytest.approx(1.0)
    assert pool.sha256 == seal(pool)
    later = reissue(pool, 9, [Draw(7, 3), Draw(8, None)])
    assert later.for_draw == 9
    assert later.counts == ((3, 7), (4, 1))
    assert later.probability(3) == pytest.approx(8 / 18)


def test_stated_frequencies_come_true_as_often_as_they_say():
    values = np.array(scenario("biased", Asked(draws=1500, range=(0, 9), seed=5, strength=1.0)).values)
    skew, stated, came = bias_of(values[:1000], (0, 9)), [], []
    named = dict(chances(skew.counts, skew.prior, 10)[0])
    for value in values[1000:]:
        stated += [named[at] for at in range(10)]
        came += [float(at == value) for at in range(10)]
    assert 0.75 < reliability_slope(np.array(stated), np.array(came)) < 1.25
