"""Judge open candidates on blocks that came after them: the same learner, under the candidate's policy and the active one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Protocol

from engine.errors import Halted, MimicryError
from engine.feedback.acceptance import Acceptance
from engine.feedback.verdict import Verdict, weigh
from engine.seedtree import named_seed
from engine.selfplay.candidate import Candidate
from engine.selfplay.loop import episode_task
from engine.selfplay.material import Material
from engine.selfplay.rules import Policy

if TYPE_CHECKING:
    from engine.compute.task import Task, TaskResult

SEED = "feedback/duel"


class Compute(Protocol):
    """The part of the compute engine that a duel uses."""

    def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncIterator[TaskResult]:
        """Run tasks on the workers and yield results as they come."""


class DuelFailed(MimicryError):
    """An episode of a duel ended with an error; the candidate stays open."""


async def judge_open(
    acceptance: Acceptance, material: Material, cuts: dict[int, int], compute: Compute
) -> list[tuple[Candidate, Verdict]]:
    """Judge every open candidate on the blocks whose draws it never saw (`cuts`: block -> its first draw)."""
    judged = []
    for candidate in list(acceptance.open.values()):
        unseen = [block for block in material.tests() if cuts[block] >= candidate.draws_seen]
        if not unseen:
            acceptance.judge(candidate, _waits(candidate, acceptance.judged + 1))
            continue
        verdict = await _duel(candidate, acceptance, material, unseen, compute)
        acceptance.judge(candidate, verdict)
        judged.append((candidate, verdict))
    return judged


async def _duel(
    candidate: Candidate, acceptance: Acceptance, material: Material, blocks: list[int], compute: Compute
) -> Verdict:
    sides = {"candidate": candidate.policy, "active": acceptance.active}
    bits: dict[str, list[float]] = {}
    for side, policy in sides.items():
        played = await _play(candidate, side, policy, material, blocks, compute)
        if played is None:
            return _inapplicable(side)
        bits[side] = played
    return weigh(bits["candidate"], bits["active"], rank=acceptance.judged + 1)


async def _play(
    candidate: Candidate, side: str, policy: Policy, material: Material, blocks: list[int], compute: Compute
) -> list[float] | None:
    """Return bits per draw over the blocks in order; None if the policy cannot be applied to this table."""
    tasks = {
        f"{material.run}/duel/{candidate.id}/{side}/{block}": episode_task(
            f"{material.run}/duel/{candidate.id}/{side}/{block}",
            material,
            policy,
            candidate.model,
            named_seed(candidate.seed, SEED, block) >> 32,
            block,
        )
        for block in blocks
    }
    found: dict[str, list[float]] = {}
    async for result in compute.map(tasks.values()):
        if result.stopped:
            raise Halted(f"{result.key}: halted; the candidate stays open")
        if not result.ok:
            raise DuelFailed(f"{result.key}: {result.error}; the candidate stays open")
        if result.meta["refused"] is not None:
            return None
        found[result.key] = result.arrays["bits"].tolist()
    return [bit for key in tasks for bit in found[key]]


def _waits(candidate: Candidate, rank: int) -> Verdict:
    told = f"it has seen all draws up to {candidate.draws_seen}; blocks that begin later will judge it"
    return weigh([], [], rank=rank).model_copy(update={"reason": told})


def _inapplicable(side: str) -> Verdict:
    return Verdict(
        outcome="reject" if side == "candidate" else "wait", draws=0, wins=0, losses=0, mean_gain=0.0, bits=0.0, required=0.0,
        reason=f"the {side} policy does not fit the present table of features",
    )  # fmt: skip
