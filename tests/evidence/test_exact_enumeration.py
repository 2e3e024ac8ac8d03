"""The e-value under chance, exactly: every one of the M^n sequences of draws is enumerated, and the mean is 1 (or the stated bound)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from engine.evidence.evalue import (
    EProcess,
    log2_against_any,
    log2_evidence,
    prior_bits,
    required_bits,
    survivor_bits,
)
from engine.evidence.paths import path_bits
from engine.search.design import DESIGN_BITS

EXACT = 1e-9
LONGEST = 12
RANKED = 10  # draws where survivors are carried: 60 hypotheses are laid over every sequence
SIZES = (2, 3)
NOISES = (None, 0.0, 0.05, 0.2, 0.5)  # None: the mixture that the product uses


@cache
def sequences(size: int, count: int) -> np.ndarray:
    """Return every sequence of `count` draws below `size`: int8 (size^count, count)."""
    numbers = np.arange(size**count)
    return np.stack([numbers // size**place % size for place in range(count)], axis=1).astype(np.int8)


def predictions(size: int, hypotheses: int, count: int) -> np.ndarray:
    """Return int8 (hypotheses, count): what so many hypotheses foretell; some agree with each other, as seeds do."""
    made = np.random.default_rng(size * count).integers(0, size, (hypotheses, count), dtype=np.int8)
    made[hypotheses // 2] = made[0]
    made[hypotheses // 3, : count // 2] = made[0, : count // 2]
    return made


def ratios(matched: np.ndarray, scored: int, size: int, noise: float | None = None) -> np.ndarray:
    """Return the e-value of each count of matches, as the product computes it."""
    table = [2.0 ** log2_evidence(count, scored, 1 / size, noise) for count in range(scored + 1)]
    return np.array(table)[matched]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("size", SIZES)
def test_a_fixed_hypothesis_averages_to_one_at_every_length(size: int, noise: float | None) -> None:
    for count in range(1, LONGEST + 1):
        (foretold,) = predictions(size, 1, count)
        matched = (sequences(size, count) == foretold).sum(axis=1)
        assert ratios(matched, count, size, noise).mean() == pytest.approx(1.0, abs=EXACT)


@pytest.mark.parametrize("size", SIZES)
def test_a_process_averages_to_one_after_every_draw(size: int) -> None:
    draws = sequences(size, 7)
    reached = []
    for row in draws.tolist():
        process = EProcess(1 / size)
        reached.append([2.0 ** process.update(draw == 0) for draw in row])
    assert np.mean(reached, axis=0) == pytest.approx(np.ones(7), abs=EXACT)


@pytest.mark.parametrize("size", SIZES)
def test_an_equal_prior_over_many_hypotheses_averages_to_one(size: int) -> None:
    hypotheses, draws = 20, sequences(size, LONGEST)
    each = [
        ratios((draws == foretold).sum(axis=1), LONGEST, size)
        for foretold in predictions(size, hypotheses, LONGEST)
    ]
    paid = np.array(each) * 2.0 ** -prior_bits(hypotheses)
    assert paid.sum(axis=0).mean() == pytest.approx(1.0, abs=EXACT)
    assert paid.max(axis=0).mean() <= 1.0  # the best one, which is what is claimed: a bound


@pytest.mark.parametrize("size", SIZES)
def test_cells_by_rank_and_hypotheses_by_prior_stay_below_one(size: int) -> None:
    """The all-draws design: cell r of R weighs 1/(r(r+1)), each of its hypotheses an equal part, and the sum is R/(R+1)."""
    cells, draws, total = (20, 5, 40), sequences(size, 10), 0.0
    for rank, hypotheses in enumerate(cells, start=1):
        for foretold in predictions(size, hypotheses, 10):
            bits = survivor_bits(rank) + prior_bits(hypotheses)
            total = total + ratios((draws == foretold).sum(axis=1), 10, size) * 2.0**-bits
    assert np.mean(total) == pytest.approx(len(cells) / (len(cells) + 1), abs=EXACT)


def ranked(
    size: int, search: int, threshold: int, price: Callable[[int], float]
) -> tuple[np.ndarray, np.ndarray]:
    """Carry every hypothesis that survives the first `search` draws, in order, and weigh it on the others.

    Return, for every sequence, the sum of the paid e-values over its survivors, and how many they are.
    """
    draws = sequences(size, RANKED)
    carried = np.zeros(len(draws), dtype=np.int64)
    total = np.zeros(len(draws))
    weights = np.array([0.0] + [2.0 ** -price(rank) for rank in range(1, 61)])
    for foretold in predictions(size, 60, RANKED):
        same = draws == foretold
        survives = same[:, :search].sum(axis=1) >= threshold
        carried += survives
        total += survives * weights[carried] * ratios(same[:, search:].sum(axis=1), RANKED - search, size)
    return total, carried


@pytest.mark.parametrize(("size", "search", "threshold"), [(2, 5, 4), (2, 6, 6), (3, 5, 4), (3, 4, 4)])
def test_survivors_by_rank_pay_for_themselves_whatever_their_number(
    size: int, search: int, threshold: int
) -> None:
    """Given R survivors the mean is exactly R/(R+1): the price covers any number, and none is left over for chance."""
    total, carried = ranked(size, search, threshold, survivor_bits)
    assert total.mean() == pytest.approx((carried / (carried + 1)).mean(), abs=EXACT)
    assert 0.0 < total.mean() < 1.0
    for count in np.unique(carried):
        assert total[carried == count].mean() == pytest.approx(count / (count + 1), abs=EXACT)


def test_without_the_price_of_the_rank_chance_would_be_paid_for() -> None:
    total, carried = ranked(3, 4, 3, lambda rank: 0.0)
    assert total.mean() == pytest.approx(carried.mean(), abs=EXACT)
    assert total.mean() > 1.0


def test_two_designs_of_half_the_budget_each_stay_below_one() -> None:
    by_rank, _ = ranked(3, 4, 3, survivor_bits)
    draws = sequences(3, RANKED)
    each = [ratios((draws == foretold).sum(axis=1), RANKED, 3) for foretold in predictions(3, 60, RANKED)]
    by_prior = np.sum(each, axis=0) * 2.0 ** -prior_bits(60)
    assert ((by_rank + by_prior) * 2.0**-DESIGN_BITS).mean() <= 1.0 + EXACT


@pytest.mark.parametrize("chances", [(0.7, 0.3), (0.5, 0.3, 0.2)])
def test_an_upper_bound_of_the_match_probability_is_a_bound(chances: tuple[float, ...]) -> None:
    """Where draws are not uniform, the largest chance stands for 1/M: the mean is at most 1, and 1 for the commonest value."""
    size, count = len(chances), 8
    draws = sequences(size, count)
    weights = np.array(chances)[draws].prod(axis=1)
    table = np.array([2.0 ** log2_evidence(matched, count, max(chances)) for matched in range(count + 1)])
    means = [
        weights @ table[(draws == foretold).sum(axis=1)]
        for foretold in sequences(size, count)[:: size**4 - 1]
    ]
    assert means[0] == pytest.approx(1.0, abs=EXACT)
    assert max(means) <= 1.0 + EXACT


@pytest.mark.parametrize("chances", [(0.5, 0.5), (0.7, 0.3), (0.95, 0.05), (0.5, 0.3, 0.2), (0.4, 0.6, 0.0)])
@pytest.mark.parametrize("noise", [None, 0.0, 0.2])
def test_evidence_against_draws_of_any_frequencies_averages_to_at_most_one(
    chances: tuple[float, ...], noise: float | None
) -> None:
    """Whatever the true frequencies, for several predictions, at every length; the largest ratio so far reaches 1/alpha at most so often."""
    size = len(chances)
    count = 7 if size == 2 else 5
    draws = sequences(size, count)
    weights = np.array(chances)[draws].prod(axis=1)

    @cache
    def ratio(met: int, counts: tuple[int, ...]) -> float:
        return float(2.0 ** log2_against_any(met, counts, size, noise))

    for foretold in draws[:: len(draws) // 4]:
        looks = np.zeros((count, len(draws)))
        for length in range(1, count + 1):
            seen = draws[:, :length]
            met = (seen == foretold[:length]).sum(axis=1).tolist()
            counts = np.stack([(seen == value).sum(axis=1) for value in range(size)], axis=1).tolist()
            looks[length - 1] = [ratio(one, tuple(each)) for one, each in zip(met, counts, strict=True)]
        assert (looks @ weights).max() <= 1.0 + EXACT
        assert weights[looks.max(axis=0) >= 4.0].sum() <= 0.25 + EXACT


def test_even_numbers_alone_lose_little_of_their_evidence() -> None:
    """70 draws below 10 of which 63 are met: even numbers tell 2.3 bits each; the bound of the commonest would leave a quarter of that."""
    against_any = log2_against_any(63, [14] * 5, 10)
    assert 90.0 < against_any < log2_evidence(63, 70, 0.1)
    assert against_any > 2 * log2_evidence(63, 70, 0.47)


@pytest.mark.parametrize("size", SIZES)
def test_the_average_over_patterns_of_gaps_averages_to_one(size: int) -> None:
    """Any stream of calls, starts 0..2, gaps 0..2: at each length, over all sequences of draws."""
    stream = np.random.default_rng(size).integers(0, size, 24)
    rows = [
        path_bits(stream, draws.astype(np.int64), range(1, 6), starts=(0, 2), gaps=(0, 2), p=1 / size)
        for draws in sequences(size, 5)
    ]
    assert np.exp2(rows).mean(axis=0) == pytest.approx(np.ones(5), abs=EXACT)


@pytest.mark.parametrize("size", SIZES)
def test_of_all_sequences_no_more_than_alpha_ever_cross(size: int) -> None:
    hits = np.cumsum(sequences(size, LONGEST) == 0, axis=1)
    crossed = ever_crossed(hits, size, alpha=0.05)
    assert 0.0 < crossed[-1] <= 0.05
    assert (np.diff(crossed) >= 0.0).all()


@pytest.mark.parametrize("size", [2, 3, 10])
def test_a_hundred_thousand_null_sequences_are_rejected_at_most_at_alpha_at_every_look(size: int) -> None:
    hits = np.cumsum(np.random.default_rng(size).integers(0, size, (100_000, 60)) == 0, axis=1)
    crossed = ever_crossed(hits, size, alpha=0.05)
    assert crossed.max() <= 0.05
    assert crossed[-1] > 0.0


def ever_crossed(hits: np.ndarray, size: int, alpha: float) -> np.ndarray:
    """Return, for each look, the share of the rows of counted hits that have reached 1/alpha by then."""
    ever = np.zeros(len(hits), dtype=bool)
    shares = []
    for look in range(hits.shape[1]):
        bits = [log2_evidence(count, look + 1, 1 / size) for count in range(look + 2)]
        ever |= (np.array(bits) >= required_bits(alpha))[hits[:, look]]
        shares.append(ever.mean())
    return np.array(shares)
