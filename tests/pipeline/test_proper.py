"""Proper scores and pool sizes: chance beside every figure, and honesty pays."""

import numpy as np
import pytest

from engine.pipeline.pool import Believer, make
from engine.pipeline.proper import SIZES, WORST_BITS, members, outcome, reliability_slope
from engine.search.alignment import Alignment, Gap, Origin
from hip_cuda_kernels import host

SPAN = (0, 999)
TRUE = Alignment(
    family="lcg48/java",
    mapping="java_bounded",
    range=SPAN,
    origin=Origin.seed(5, 48),
    start=1,
    gap=Gap.constant(1),
)
NEXT = int(host.values("lcg48/java", "java_bounded", 5, *SPAN, 51, start=1, gap=1)[50])


def pool(trust=0.9, rate=0.8):
    believers = [Believer(TRUE, 50, trust, rate, 40, 50)] if trust else []
    return make(
        believers, history="h", for_draw=50, session=None, span=SPAN, basis="model", model="m", heads=20
    )


def test_each_pool_stands_beside_its_chance_line():
    lines = pool().pools
    assert [(one.size, one.chance) for one in lines] == [(20, 0.02), (100, 0.1), (300, 0.3)]
    assert all(one.stated > one.chance for one in lines)
    assert lines[0].stated == pytest.approx(0.72 + 20 * 0.00028, abs=1e-3)
    assert [one.stated for one in pool(0).pools] == pytest.approx([0.02, 0.1, 0.3])


def test_a_pool_has_its_size_names_the_likeliest_and_larger_ones_hold_smaller_ones():
    made = pool()
    for size in SIZES:
        assert len(set(members(made, size))) == size
        assert members(made, size)[0] == NEXT
    assert set(members(made, 20)) <= set(members(made, 100)) <= set(members(made, 300))
    assert members(made, 20) == members(pool(), 20)


def test_a_hit_pays_a_miss_costs_and_an_even_pool_does_neither():
    right, wrong, even = outcome(pool(), NEXT), outcome(pool(), (NEXT + 1) % 1000), outcome(pool(0), 3)
    assert right.bits == pytest.approx(np.log2(0.7201 * 1000), abs=0.01)
    assert right.bits > 0 > wrong.bits
    assert right.skill > 0 > wrong.skill
    assert even.bits == pytest.approx(0.0)
    assert even.skill == pytest.approx(0.0)
    assert right.inside == {20: True, 100: True, 300: True}


def test_a_stated_impossibility_that_came_is_the_worst():
    assert outcome(pool(1.0, 1.0), (NEXT + 1) % 1000).bits == WORST_BITS


def test_honest_statements_score_best_on_average():
    def mean(stated):
        hit, miss = outcome(pool(1.0, stated), NEXT), outcome(pool(1.0, stated), (NEXT + 1) % 1000)
        return 0.8 * hit.bits + 0.2 * miss.bits, 0.8 * hit.brier + 0.2 * miss.brier

    bits, brier = zip(*(mean(stated) for stated in (0.6, 0.8, 0.95)), strict=True)
    assert bits.index(max(bits)) == 1
    assert brier.index(min(brier)) == 1


def test_a_wide_range_has_pools_too():
    wide = (0, 2**40)
    made = make([], history="h", for_draw=1, session=None, span=wide, basis="model", model="", heads=1)
    assert len(members(made, 300)) == 300


def test_the_slope_is_one_for_what_comes_true_and_less_for_boasting():
    rng = np.random.default_rng(0)
    stated = rng.random(20_000)
    came = (rng.random(20_000) < stated).astype(float)
    assert reliability_slope(stated, came) == pytest.approx(1.0, abs=0.05)
    assert reliability_slope(0.5 + (stated - 0.5) * 2, came) == pytest.approx(0.5, abs=0.03)
    assert np.isnan(reliability_slope(np.full(3, 0.1), np.ones(3)))
