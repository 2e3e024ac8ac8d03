"""The pool: calibrated, sealed, sums to 1, uniform where nothing is known, and re-issued without training."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.history.history import Draw
from engine.pipeline.pool import Believer, calibrated, evidence_trust, make, reissue, seal
from engine.search.alignment import Alignment, Gap, Origin
from hip_cuda_kernels import host

SPAN = (0, 99)
TRUE = Alignment(
    family="lcg48/java",
    mapping="java_bounded",
    range=SPAN,
    origin=Origin.seed(5, 48),
    start=1,
    gap=Gap.constant(1),
)
OTHER = TRUE.model_copy(update={"origin": Origin.seed(6, 48)})
VALUES = host.values("lcg48/java", "java_bounded", 5, *SPAN, 300, start=1, gap=1)


def believer(alignment=TRUE, trust=0.9, rate=0.8, position=50):
    return Believer(alignment, position, trust, rate, 40, 50)


def pool(*believers, **changes):
    told = {
        "history": "h",
        "for_draw": 50,
        "session": None,
        "span": SPAN,
        "basis": "evidence",
        "model": "m",
        "heads": 20,
    }
    return make(believers, **{**told, **changes})


def test_the_predicted_value_gets_the_trusted_rate_and_the_rest_is_spread():
    made = pool(believer())
    expected = 0.9 * 0.8 + 0.1 / 100
    assert made.heads[0] == (VALUES[50], pytest.approx(expected))
    assert made.rest == pytest.approx((1 - expected) / 99)
    assert made.probability(int(VALUES[50])) == pytest.approx(expected)
    assert made.probability(100) == 0.0


def test_without_believers_it_is_uniform_and_says_so():
    made = pool()
    assert made.uniform
    assert made.basis == "uniform, no evidence"
    assert made.probability(17) == 0.01
    assert made.heads == ()


@settings(deadline=None)  # a loaded machine is no failure
@given(
    trusts=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    rates=st.lists(st.floats(0, 1), min_size=30, max_size=30),
    heads=st.integers(1, 20),
)
def test_probabilities_always_sum_to_one_and_none_is_negative(trusts, rates, heads):
    total = max(1.0, sum(trusts))
    rng = np.random.default_rng(0)
    believers = [
        believer(
            TRUE.model_copy(update={"origin": Origin.seed(int(rng.integers(1 << 20)), 48)}),
            trust / total,
            rate,
        )
        for trust, rate in zip(trusts, rates, strict=False)
    ]
    made = pool(*believers, heads=heads)
    assert made.total() == pytest.approx(1.0, abs=1e-9)
    assert min([made.rest, *(chance for _, chance in made.heads)]) >= 0
    assert len(made.heads) <= heads


def test_survivors_that_predict_the_same_value_add_up():
    made = pool(believer(trust=0.4), believer(trust=0.5))
    assert len(made.heads) == 1
    assert made.heads[0][1] == pytest.approx(0.9 * 0.8 + 0.1 / 100)


def test_a_claim_gets_the_trust_and_chance_evidence_gets_none():
    trust = evidence_trust(np.array([40.0, -5.0, -np.inf]), np.array([0.5, 0.5, 0.5]), 0.01)
    assert trust[0] > 0.999999
    assert trust[2] == 0.0
    assert evidence_trust(np.array([-20.0]), np.array([0.01]), 0.01)[0] < 1e-5


def test_rates_follow_the_draws_more_than_the_model():
    assert calibrated(np.array([0.9]), np.array([0]), np.array([98])) == pytest.approx([0.018])
    assert calibrated(np.array([0.9]), np.array([0]), np.array([0])) == pytest.approx([0.9])


def test_the_seal_covers_every_field_and_repeats():
    made = pool(believer())
    assert made.sha256 == seal(made) == pool(believer()).sha256
    assert seal(made.model_copy(update={"for_draw": 51})) != made.sha256
    assert seal(made.model_copy(update={"rest": made.rest + 1e-12})) != made.sha256


def test_reissue_advances_the_alignment_in_well_under_a_second():
    began = time.perf_counter()
    later = reissue(pool(believer()), 57)
    assert time.perf_counter() - began < 0.5
    assert later.for_draw == 57
    assert later.heads[0][0] == VALUES[57]
    assert later.sha256 == seal(later)


def draws(values, session=None):
    return [
        Draw(50 + at, None if value is None else int(value), None, session) for at, value in enumerate(values)
    ]


def test_hits_raise_and_misses_lower_the_trust():
    start = pool(believer(trust=0.5))
    up = reissue(start, 52, draws(VALUES[50:52]))
    down = reissue(start, 53, draws((VALUES[50:53] + 1) % 100))
    assert up.components[0].weight > 0.99 > 0.1 > down.components[0].weight
    assert up.components[0].matched == 42
    assert up.heads[0][0] == VALUES[52]
    assert down.total() == pytest.approx(1.0)


def test_a_missing_draw_moves_the_stream_and_nothing_else():
    later = reissue(pool(believer(trust=0.5)), 51, draws([None]))
    assert later.components[0].weight == 0.5
    assert later.components[0].scored == 50
    assert later.heads[0][0] == VALUES[51]


def test_a_session_stream_advances_with_its_own_draws_only():
    mine = TRUE.model_copy(update={"session": "a"})
    start = pool(believer(mine), session="a")
    assert reissue(start, 51, draws([3], "b")).heads[0][0] == VALUES[50]
    assert reissue(start, 51, draws([3], "a")).heads[0][0] == VALUES[51]
    with pytest.raises(UsageError, match="give the draws"):
        reissue(start, 51)


def test_a_pool_is_never_reissued_into_the_past_or_over_a_hole():
    with pytest.raises(UsageError):
        reissue(pool(believer()), 49)
    with pytest.raises(UsageError, match="lead to 52"):
        reissue(pool(believer()), 53, draws(VALUES[50:52]))
