"""Decoys: same alignment, other origin; chance survivors match as often as asked and nowhere else."""

import numpy as np

from engine.pipeline.decoys import chance_survivors, make, needed, reseeded, templates
from engine.search.alignment import Alignment, Gap, Origin

ONE = Alignment(
    family="lcg48/java",
    mapping="java_bounded",
    range=(0, 9),
    origin=Origin.seed(5, 48),
    start=4,
    gap=Gap.constant(2),
)


def test_a_decoy_differs_from_its_pattern_in_the_origin_alone():
    rng = np.random.default_rng(0)
    made = make([ONE, ONE.model_copy(update={"start": 9})], 40, rng)
    assert len({one.origin.value for one in made}) == 40
    assert {one.model_copy(update={"origin": ONE.origin, "start": 4}) for one in made} == {ONE}
    assert [one.start for one in made[:3]] == [4, 9, 4]
    assert all(one.origin.number() < 2**48 for one in made)


def test_a_one_bit_origin_never_returns_itself():
    tiny = ONE.model_copy(update={"origin": Origin.seed(1, 1)})
    assert {reseeded(tiny, np.random.default_rng(seed)).origin.number() for seed in range(9)} == {0}


def test_chance_survivors_match_exactly_as_often_as_asked_inside_the_window():
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 100, 80)
    drawn[[3, 7]] = -1
    predicted = chance_survivors(drawn, np.array([0, 5, 12] * 20), (0, 20), (0, 99), rng)
    inside = (predicted[:, :20] == drawn[:20]).sum(axis=1)
    assert inside.tolist() == [0, 5, 12] * 20
    outside = (predicted[:, 20:] == drawn[20:]).mean()
    assert 0.005 < outside < 0.02


def test_one_survivor_gets_enough_company_and_many_get_half():
    assert (needed(1, 48), needed(0, 48), needed(500, 48)) == (47, 48, 24)


def test_without_survivors_the_asked_space_gives_the_patterns(make_context, steps):
    ctx = make_context(steps["uniform_history"]())
    empty = steps["survivors_of"](ctx.history, [], 0.0)
    assert [one.family for one in templates(empty, ctx.space)] == ["lcg48/java"]
