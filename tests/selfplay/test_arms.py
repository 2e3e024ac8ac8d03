"""Every arm makes policies that the table can bear, of its own kind, from the generator alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.selfplay.arms import ARMS, on_top_of, propose
from engine.selfplay.policy import Table, apply_policy
from engine.selfplay.rules import Filter, Mask, Policy, Window

NAMES = ("match.rate", "match.bits", "gap.mean", "gap.max", "noise.a")


def table(seed: int, names: tuple[str, ...] = NAMES) -> Table:
    rng = np.random.default_rng(seed)
    return Table(
        names, rng.random((120, len(names))), rng.random(120), np.repeat(np.arange(4), 30), np.ones(120)
    )


def test_there_are_at_least_twelve_arms() -> None:
    assert len(ARMS) >= 12


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_gives_many_policies_that_apply(arm: str) -> None:
    made = [propose(arm, NAMES, np.random.default_rng(seed), 4) for seed in range(30)]
    assert all(len(apply_policy(policy, table(1)).y) >= 8 for policy in made)
    assert len({policy.model_dump_json() for policy in made}) >= 3
    assert propose(arm, NAMES, np.random.default_rng(7), 4) == made[7]
    assert all(policy != Policy() for policy in made)


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_bears_a_table_of_one_column(arm: str) -> None:
    apply_policy(propose(arm, NAMES[:1], np.random.default_rng(1), 1), table(1, NAMES[:1]))


def test_on_top_of_a_policy_only_what_the_change_says_is_replaced() -> None:
    base = Policy(mask=Mask(columns=("noise.a",)), window=Window(blocks=2))
    change = Policy(window=Window(blocks=1), filter=Filter(column="gap.max", side="above", quantile=0.2))
    assert on_top_of(base, change) == Policy(mask=base.mask, window=change.window, filter=change.filter)
    assert on_top_of(base, Policy()) == base
