"""Duels: an open candidate is judged only on blocks it never saw, against the active policy, by real episodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import numpy as np
import pytest

from engine.compute.kinds import resolve
from engine.compute.task import Task, TaskResult
from engine.errors import Halted
from engine.feedback.acceptance import Acceptance
from engine.feedback.duel import judge_open
from engine.selfplay.candidate import Candidate
from engine.selfplay.material import Material
from engine.selfplay.rules import Mask, Policy
from state.journal import Journal

NAMES = ("match.rate", "noise.a", "noise.b")
DRAWS, CHANCE = 40, 0.1


class Calm:
    def raise_if_asked(self) -> None:
        """Nobody asked."""


class Inline:
    """Runs each task in this process through the table of kinds."""

    def __init__(self, *, stopped: bool = False) -> None:
        self.tasks: list[Task] = []
        self.stopped = stopped

    async def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncIterator[TaskResult]:
        for task in tasks:
            self.tasks.append(task)
            meta, arrays = resolve(task.kind)(task.params, task.arrays, Calm())  # type: ignore[arg-type]
            yield TaskResult(task.key, not self.stopped, meta, arrays, None, 0.01, "here", self.stopped)


def material(*, survivors: int = 60, blocks: int = 4) -> Material:
    """One informative column: a tenth of the survivors hits three draws in four, and the column knows which."""
    rng = np.random.default_rng(4)
    good = np.arange(survivors) < survivors // 10
    marks = tuple(
        (rng.random((survivors, DRAWS)) < np.where(good, 0.75, CHANCE)[:, None]).astype(np.int8)
        for _ in range(blocks)
    )
    x = rng.normal(size=(blocks, survivors, 3))
    x[:, :, 0] = good + rng.normal(0, 0.1, (blocks, survivors))
    return Material(
        names=NAMES, x=x, hits=np.array([m.sum(axis=1) for m in marks]), scored=np.full((blocks, survivors), DRAWS),
        marks=marks, trains={0: (), 1: (0,), 2: (0, 1), 3: (0, 1, 2)}, chance=CHANCE, draws_seen=200, digest="d", run="run-2",
    )  # fmt: skip


CUTS = {0: 40, 1: 80, 2: 120, 3: 160}
BLIND = Policy(mask=Mask(columns=("match.rate",)))


def candidate(policy: Policy, *, seen: int) -> Candidate:
    return Candidate(
        policy=policy, model="lightgbm", fitness=0.5, baseline=0.4, null=0.0, gains=(0.1,), episodes=9, exploration=0.9,
        seed=1, draws_seen=seen, table="earlier", run="run-1",
    )  # fmt: skip


@pytest.fixture
def acceptance(tmp_path: Path) -> Acceptance:
    return Acceptance(Journal.open(tmp_path), tmp_path / "policy_history")


async def test_a_candidate_that_has_seen_every_block_waits_untouched(acceptance: Acceptance) -> None:
    acceptance.propose(candidate(BLIND, seen=161))
    compute = Inline()
    assert await judge_open(acceptance, material(), CUTS, compute) == []
    assert compute.tasks == []
    assert len(acceptance.open) == 1


async def test_only_unseen_blocks_are_played_on_both_sides(acceptance: Acceptance) -> None:
    acceptance.propose(candidate(BLIND, seen=120))
    compute = Inline()
    await judge_open(acceptance, material(), CUTS, compute)
    assert [task.params["test"] for task in compute.tasks] == [2, 3, 2, 3]


async def test_a_policy_that_blinds_the_learner_is_never_promoted(acceptance: Acceptance) -> None:
    acceptance.propose(candidate(BLIND, seen=80))
    ((_, verdict),) = await judge_open(acceptance, material(), CUTS, Inline())
    assert verdict.outcome == "reject"
    assert verdict.mean_gain < 0
    assert acceptance.active == Policy()
    assert acceptance.open == {}


async def test_a_policy_that_opens_the_eyes_is_promoted_over_a_blind_one(acceptance: Acceptance) -> None:
    blind = candidate(BLIND, seen=80)
    acceptance.propose(blind)
    acceptance.promote(blind.id, by="test", testing=True)
    acceptance.propose(candidate(Policy(), seen=80))
    ((_, verdict),) = await judge_open(acceptance, material(), CUTS, Inline())
    assert verdict.outcome == "promote", verdict.reason
    assert acceptance.active == Policy()
    assert acceptance.version == 2


async def test_a_policy_for_columns_that_are_gone_is_rejected_in_words(acceptance: Acceptance) -> None:
    acceptance.propose(candidate(Policy(mask=Mask(columns=("gone.column",))), seen=80))
    ((_, verdict),) = await judge_open(acceptance, material(), CUTS, Inline())
    assert verdict.outcome == "reject"
    assert "does not fit" in verdict.reason


async def test_a_halt_leaves_the_candidate_open(acceptance: Acceptance) -> None:
    acceptance.propose(candidate(BLIND, seen=80))
    with pytest.raises(Halted):
        await judge_open(acceptance, material(), CUTS, Inline(stopped=True))
    assert len(acceptance.open) == 1
