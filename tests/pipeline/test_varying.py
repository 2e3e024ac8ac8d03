"""Varying gaps: the past is foretold from the draws before it, the next draw by every call within reach; chance earns nothing."""

import numpy as np
import pytest

from engine.history.history import Draw
from engine.pipeline import varying
from engine.pipeline.pool import Believer, make, reissue
from engine.pipeline.replay import NONE, Lines, predictions, stream
from engine.pipeline.step6_prediction import spread
from engine.pipeline.window_kept import lasts
from engine.search.alignment import Alignment, Gap, Origin
from hip_cuda_kernels import host

SPAN, START, DRAWS, SEEN = (0, 999), 2, 160, 100
CHANCE = 1 / 1000


def planted(seed, noise=0.1):
    """Return draws of java under gaps 0..3, a share of them wrong, the true calls, and the survivor with no gaps laid out."""
    rng = np.random.default_rng(seed)
    calls = START + np.concatenate([[0], np.cumsum(rng.integers(1, 5, size=DRAWS - 1))])
    drawn = host.values("lcg48/java", "java_bounded", seed, *SPAN, int(calls[-1]) + 1)[calls]
    wrong = rng.random(DRAWS) < noise
    drawn[wrong] = rng.integers(0, 1000, size=int(wrong.sum()))
    return drawn, calls, survivor(seed)


def survivor(seed):
    gap = Gap(law="range", lo=0, hi=3, pattern=())
    return Alignment(
        family="lcg48/java",
        mapping="java_bounded",
        range=SPAN,
        origin=Origin.seed(seed, 48),
        start=START,
        gap=gap,
    )


def pools(one, drawn):
    """Yield the pool for each draw from SEEN on, re-issued draw by draw, beside what was drawn."""
    gone = varying.walk(one, drawn[:SEEN])
    believers = [Believer(fork, SEEN, 0.9 * share, 0.9, 180, SEEN) for fork, share in gone.forks()]
    pool = make(
        believers, history="h", for_draw=SEEN, session=None, span=SPAN, basis="evidence", model="m", heads=100
    )
    for index in range(SEEN, len(drawn)):
        yield pool, int(drawn[index])
        pool = reissue(pool, index + 1, [Draw(index, int(drawn[index]))])


def lift(told):
    """Return how often the draw was among the 20 likeliest values of its pool, over chance."""
    return float(np.mean([drawn in [value for value, _ in pool.heads[:20]] for pool, drawn in told])) / (
        20 * CHANCE
    )


def test_the_pools_of_a_planted_truth_hold_draws_that_nobody_saw_as_surely_as_they_say():
    drawn, _, one = planted(11)
    told = list(pools(one, drawn))
    assert lift(told) > 35  # of at most 50, of which a tenth of the draws is wrong
    stated = [pool.probability(drawn) for pool, drawn in told]
    assert np.mean(np.log2(np.array(stated) / CHANCE)) > 5


def test_the_pools_of_a_wrong_seed_hold_what_chance_holds():
    drawn, _, _ = planted(11)
    assert lift(list(pools(survivor(12), drawn))) < 3


def test_what_is_foretold_of_a_draw_knows_only_the_draws_before_it():
    drawn, _, one = planted(13)
    changed = drawn.copy()
    changed[100:] = 999 - changed[100:]
    told, other = varying.walk(one, drawn).foretold, varying.walk(one, changed).foretold
    assert told[:101].tolist() == other[:101].tolist()
    assert told[101:].tolist() != other[101:].tolist()


def test_gaps_laid_out_over_the_searched_draws_are_no_forecast_of_them():
    drawn, calls, one = planted(14, noise=0.0)
    gap = one.gap.model_copy(update={"pattern": tuple(int(step) - 1 for step in np.diff(calls))})
    laid = one.model_copy(update={"gap": gap})
    assert stream(laid, 0, DRAWS).tolist() == drawn.tolist()
    assert stream(laid, DRAWS, 2).tolist() == [NONE, NONE]
    told = predictions([laid], Lines(drawn, np.zeros(DRAWS, dtype=np.int64), ()))[0]
    assert 0.1 < np.mean(told == drawn) < 0.45  # one of four gaps


def test_the_gaps_up_to_the_next_draw_are_recovered():
    drawn, calls, one = planted(15, noise=0.0)
    forks = varying.walk(one, drawn[:SEEN]).forks()
    reached = {int(varying.laid_out(fork)[-1]): share for fork, share in forks[:4]}
    assert sorted(reached) == [int(calls[SEEN - 1]) + step for step in range(1, 5)]
    assert sum(reached.values()) == pytest.approx(1.0, abs=1e-2)
    assert varying.laid_out(forks[0][0])[:SEEN].tolist() == calls[:SEEN].tolist()


def test_missing_draws_spread_the_belief_and_the_next_ones_gather_it():
    drawn, calls, one = planted(16, noise=0.0)
    drawn[50:53] = NONE
    near = {int(varying.laid_out(fork)[-1]) for fork, _ in varying.walk(one, drawn[:60]).forks()}
    assert int(calls[60]) in near


def test_an_uneven_law_is_learnt():
    rng = np.random.default_rng(3)
    calls = START + np.concatenate([[0], np.cumsum(rng.choice([1, 4], p=[0.8, 0.2], size=DRAWS - 1))])
    drawn = host.values("lcg48/java", "java_bounded", 17, *SPAN, int(calls[-1]) + 1)[calls]
    gone = varying.walk(survivor(17), drawn)
    assert gone.forks()[0][1] == pytest.approx(0.8, abs=0.08)
    assert np.mean(gone.foretold == drawn) > 0.7


def test_the_prediction_step_shares_its_trust_among_the_calls_within_reach():
    drawn, calls, one = planted(18)
    lines = Lines(drawn[:SEEN], np.zeros(SEEN, dtype=np.int64), ())
    made = spread(Believer(one, SEEN, 0.9, 0.2, 0, 0), lines, 20)
    assert sum(each.trust for each in made) == pytest.approx(0.9, abs=1e-3)
    assert {each.scored for each in made} == {SEEN - 20}
    assert made[0].rate == pytest.approx(0.9, abs=0.08)  # of right draws, not of the best guess among four
    assert int(calls[SEEN]) in [int(varying.laid_out(each.alignment)[-1]) for each in made]


def test_a_claim_holds_to_the_end_of_its_stream_and_no_further_whatever_its_best_guesses_missed():
    held, over = 0, 0
    for seed in range(100, 116):
        drawn, _, one = planted(seed, noise=0.2)
        none = np.zeros(50, dtype=np.int64)
        held += lasts(one, Lines(drawn[:50], none, ()), 5, CHANCE)
        drawn[25:50] = np.random.default_rng(seed).integers(0, 1000, size=25)
        over += lasts(one, Lines(drawn[:50], none, ()), 5, CHANCE)
    assert held >= 15  # the best guess is right once in five draws: judged by it, about half would have ended
    assert over <= 1
