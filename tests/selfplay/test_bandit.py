"""The bandit: seeded, explores, finds the good arm faster than chance, and shows a posterior that is right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.selfplay.arms import ARMS
from engine.selfplay.bandit import Bandit, normalised_entropy

MEANS = {"a": 0.0, "b": 0.05, "c": 0.3, "d": -0.1}


def play(seed: int, rounds: int) -> Bandit:
    rng = np.random.default_rng(seed)
    bandit = Bandit(tuple(MEANS), seed)
    for _ in range(rounds):
        arm = bandit.choose()
        bandit.tell(arm, MEANS[arm] + float(rng.normal(0, 0.1)))
    return bandit


def test_the_same_seed_gives_the_same_sequence_and_another_seed_another() -> None:
    def sequence(seed: int) -> list[str]:
        return Bandit(tuple(MEANS), seed).choose_many(20)

    assert sequence(1) == sequence(1)
    assert len({tuple(sequence(seed)) for seed in range(5)}) == 5


def test_it_prefers_the_best_arm_and_still_looks_at_the_others() -> None:
    shares = [play(seed, 60).pulls()["c"] / 60 for seed in range(8)]
    assert sum(shares) / len(shares) > 0.6, "even choice would give 0.25"
    assert all(0.0 < play(seed, 60).exploration() < 1.0 for seed in range(4))


def test_a_reward_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        Bandit(("a",), 0).tell("a", math.nan)


def test_entropy_spans_zero_to_one() -> None:
    assert normalised_entropy([5, 0, 0]) == 0.0
    assert normalised_entropy([4, 4, 4]) == pytest.approx(1.0)
    assert normalised_entropy([]) == 0.0


def found_by(episode: int, seed: int) -> bool:
    """Play the room's arms, one of them better by two standard deviations of an episode; say whether it leads by then."""
    rng, names = np.random.default_rng([5, seed]), tuple(ARMS)
    best, bandit = names[int(rng.integers(len(names)))], Bandit(names, seed)
    for _ in range(episode):
        arm = bandit.choose()
        bandit.tell(arm, float(rng.normal(0.2 if arm == best else 0.0, 0.1)))
    return bandit.posterior()[0].arm == best


def test_an_arm_that_is_better_by_two_sigma_leads_within_thirty_episodes() -> None:
    assert len(ARMS) >= 12
    assert sum(found_by(30, seed) for seed in range(20)) >= 18


UNEVEN = np.exp(np.linspace(math.log(0.2), math.log(2.7), len(ARMS)))


def told_evenly(seed: int, times: int = 4) -> tuple[Bandit, dict[str, float], list[str]]:
    """Tell every arm as often, each with a noise of its own; return the bandit, the true means, and the three loudest arms."""
    rng = np.random.default_rng([8, seed])
    names, means, bandit = (
        rng.permutation(tuple(ARMS)),
        rng.normal(0, 1, len(ARMS)),
        Bandit(tuple(ARMS), seed),
    )
    for name, mean, noise in zip(names, means, UNEVEN, strict=True):
        bandit.remember((str(name), float(reward)) for reward in rng.normal(mean, noise, times))
    return bandit, dict(zip(map(str, names), means, strict=True)), [str(name) for name in names[-3:]]


def test_ninety_percent_intervals_hold_the_truth_of_loud_arms_too() -> None:
    """With one noise for all arms they would hold 68 % of the loud ones' means."""
    held, loud = [], []
    for seed in range(40):
        bandit, truth, loudest = told_evenly(seed)
        for row in bandit.posterior():
            held.append(abs(row.mean - truth[row.arm]) <= 1.645 * row.spread)
            loud += [held[-1]] if row.arm in loudest else []
    assert 0.87 <= sum(held) / len(held) <= 0.97
    assert sum(loud) / len(loud) >= 0.78


def test_a_quiet_arm_is_known_better_than_a_loud_one_after_the_same_rewards() -> None:
    bandit = Bandit(("quiet", "loud", "other"), 1)
    for at in range(6):
        sign = 1 if at % 2 else -1
        bandit.remember([("quiet", 0.01 * sign), ("loud", 1.0 * sign), ("other", 0.3 * sign)])
    rows = {row.arm: row for row in bandit.posterior()}
    assert rows["quiet"].spread < rows["other"].spread < rows["loud"].spread
    assert rows["quiet"].noise < 0.6 * rows["loud"].noise


def test_what_all_arms_return_is_not_what_the_favourite_returns() -> None:
    """An arm that nobody tried again is believed to be like the others, not like the one that is played all the time."""
    bandit = Bandit(("best", "a", "b", "c"), 3)
    bandit.remember([("a", 0.0), ("b", 0.1), ("c", -0.1)] + [("best", 1.0)] * 40)
    low = {row.arm: row.mean for row in bandit.posterior()}
    assert low["a"] < 0.1


def test_choices_in_flight_do_not_pile_up_on_one_arm() -> None:
    bandit = Bandit(("a", "b", "c", "d"), 3)
    assert sorted(bandit.choose_many(4)) == ["a", "b", "c", "d"]


def test_posteriors_are_whole_and_rewards_of_arms_that_are_gone_are_left_out() -> None:
    bandit = Bandit(("a", "b"), 1)
    bandit.remember([("a", 1.0), ("gone", 9.0), ("b", 0.0), ("a", 1.1)])
    rows = bandit.posterior()
    assert [row.arm for row in rows] == ["a", "b"]
    assert sum(row.best for row in rows) == pytest.approx(1.0)
    assert rows[0].spread < rows[1].spread
