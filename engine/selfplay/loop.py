"""The selfplay loop: choose transforms, run episodes on the workers, hand over the best as a candidate. It never promotes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.compute.task import Task, TaskResult
from engine.errors import Halted, UsageError
from engine.seedtree import named_rng, named_seed
from engine.selfplay.arms import ARMS, on_top_of, propose
from engine.selfplay.bandit import Bandit
from engine.selfplay.candidate import Candidate
from engine.selfplay.episode import MODELS
from engine.selfplay.material import Material
from engine.selfplay.rules import Policy

if TYPE_CHECKING:
    Arrays = dict[str, npt.NDArray[Any]]

FINALISTS = 3
FINAL = "final"
ATTEMPTS = 64
NO_POLICY = Policy()


class Compute(Protocol):
    """The part of the compute engine that selfplay uses."""

    def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncIterator[TaskResult]:
        """Run tasks on the workers and yield results as they come."""


@dataclass(frozen=True)
class Episode:
    """One finished episode, for the record; `refused` says why its policy left nothing to learn from."""

    number: int
    arm: str
    policy: Policy
    model: str
    test: int
    fitness: float
    baseline: float
    null: float
    seconds: float
    fingerprint: str = ""
    refused: str | None = None

    @property
    def gain(self) -> float:
        """Return the bits per draw that the policy adds to the same learner under the base policy."""
        return self.fitness - self.baseline

    @property
    def reward(self) -> float:
        """Return the gain; one that its decoy (shuffled targets) wins as well is none."""
        return self.gain if self.fitness > self.null else min(0.0, self.gain)


@dataclass(frozen=True)
class Start:
    """Where a session starts from: its seed and size, the policy under which it plays, and what earlier sessions left."""

    seed: int
    episodes: int
    width: int = 1
    base: Policy = NO_POLICY
    parent: int = 0
    told: tuple[tuple[str, float], ...] = ()
    played: frozenset[str] = frozenset()
    before: tuple[Episode, ...] = ()
    """Episodes of this very session that an earlier attempt has played: a halt or a crash came before its end."""


@dataclass
class Session:
    """One session as it stands: what was played, the bandit, and every episode's fingerprint."""

    start: Start
    bandit: Bandit
    known: set[str]
    played: list[Episode] = field(default_factory=list)
    candidate: Candidate | None = None

    @classmethod
    def begin(cls, start: Start) -> Session:
        """Begin with what earlier sessions learnt of the arms."""
        bandit = Bandit(tuple(ARMS), start.seed)
        bandit.remember(start.told)
        done = [episode for episode in start.before if episode.arm != FINAL]
        return cls(start, bandit, set(start.played), done)


async def explore(
    compute: Compute, material: Material, start: Start, record: Callable[[Episode], None] = lambda _: None
) -> Session:
    """Play episodes, re-play the best policies on every block; the session's candidate is the best one, if any helps.

    No episode equals another, of this session or of those in `start.played`: one that would is planned anew, and where
    nothing new can be planned the session ends early.
    """
    tests = material.tests()
    if not tests:
        raise UsageError("selfplay: no block has a training block before it; a longer history is needed")
    session = Session.begin(start)
    number = max((episode.number + 1 for episode in session.played), default=0)
    while number < start.episodes:
        wanted = min(start.width, start.episodes - number)
        plans = [
            plan
            for at, arm in enumerate(session.bandit.choose_many(wanted))
            if (plan := _plan(session, material, number + at, arm, tests)) is not None
        ]
        if not plans:
            break
        for episode in await _play(compute, material, plans, start.base):
            session.bandit.tell(episode.arm, episode.reward)
            session.played.append(episode)
            record(episode)
        number += wanted
    session.candidate = await _final(compute, material, session, record)
    return session


@dataclass(frozen=True)
class Plan:
    """One episode before it runs."""

    number: int
    arm: str
    policy: Policy
    model: str
    test: int
    seed: int
    fingerprint: str


def _plan(session: Session, material: Material, number: int, arm: str, tests: list[int]) -> Plan | None:
    """Plan an episode that nobody has played; None where the arm has nothing new to offer."""
    seed, model, test = session.start.seed, MODELS[number % len(MODELS)], tests[number % len(tests)]
    for attempt in range(ATTEMPTS):
        rng = named_rng(seed, "selfplay", "plan", number, attempt)
        policy = on_top_of(session.start.base, propose(arm, material.names, rng, len(tests)))
        mark = fingerprint(policy, model, test, material.digest)
        if policy != session.start.base and mark not in session.known:
            session.known.add(mark)
            return Plan(
                number, arm, policy, model, test, named_seed(seed, "selfplay", "model", number) >> 32, mark
            )
    return None


def fingerprint(policy: Policy, model: str, test: int, table: str) -> str:
    """Return what two equal episodes share: policy, learner, block and table."""
    return hashlib.sha256(f"{policy.model_dump_json()}|{model}|{test}|{table}".encode()).hexdigest()[:16]


async def _play(compute: Compute, material: Material, plans: list[Plan], base: Policy) -> list[Episode]:
    """Run plans on the workers; results are told in plan order, so that a seed gives one sequence."""
    by_key = {f"{material.run}/selfplay/{plan.number}": plan for plan in plans}
    done: dict[int, Episode] = {}
    tasks = [
        episode_task(key, material, plan.policy, plan.model, plan.seed, plan.test, base)
        for key, plan in by_key.items()
    ]
    async for result in compute.map(tasks):
        plan = by_key[result.key]
        if result.stopped:
            raise Halted(f"selfplay stopped at episode {plan.number}; it goes on after resume")
        if not result.ok:
            raise UsageError(f"selfplay episode {plan.number} failed: {result.error}")
        done[plan.number] = _episode(plan, result)
    return [done[plan.number] for plan in plans]


def _episode(plan: Plan, result: TaskResult) -> Episode:
    meta = result.meta
    # a policy that leaves nothing to learn from earns nothing, and costs its arm the pull
    none = meta["refused"] is not None
    fitness, baseline, null = (0.0 if none else float(meta[name]) for name in ("fitness", "baseline", "null"))
    return Episode(plan.number, plan.arm, plan.policy, plan.model, plan.test, fitness, baseline, null,
                   result.seconds, plan.fingerprint, meta["refused"])  # fmt: skip


def episode_task(
    key: str, material: Material, policy: Policy, model: str, seed: int, test: int, base: Policy = NO_POLICY
) -> Task:
    """Return the task of one episode: learn on the blocks before `test`, rank block `test`."""
    train = material.trains[test]
    wanted = (*train, test)
    survivors = material.x.shape[1]
    rate = np.divide(
        material.hits, material.scored, out=np.zeros(material.hits.shape), where=material.scored > 0
    )
    return Task(
        kind="episode",
        key=key,
        params={
            "policy": policy.model_dump(mode="json"), "base": base.model_dump(mode="json"), "model": model, "seed": seed,
            "names": list(material.names), "train": list(train), "test": test, "chance": material.chance,
        },
        arrays={
            "x": np.concatenate([material.x[block] for block in wanted]).astype(float),
            "y": np.concatenate([rate[block] for block in wanted]),
            "block": np.repeat(np.array(wanted, dtype=np.int64), survivors),
            "marks": material.marks[test],
        },
        isolate=True,
    )  # fmt: skip


async def _final(
    compute: Compute, material: Material, session: Session, record: Callable[[Episode], None]
) -> Candidate | None:
    """Play the best policies on every block: one lucky block is not enough to become a candidate."""
    best: tuple[float, Episode, list[Episode]] | None = None
    for rank, chosen in enumerate(_finalists(session.played)):
        final = await _finals_played(
            compute, material, session, _finals(session, material, chosen, rank), record
        )
        gain, over_decoys = (sum(values) / len(final) for values in (
            [episode.gain for episode in final], [episode.fitness - episode.null for episode in final]
        ))  # fmt: skip
        if min(gain, over_decoys) > 0 and (best is None or gain > best[0]):
            best = (gain, chosen, final)
    return None if best is None else _candidate(best[1], best[2], material, session)


async def _finals_played(
    compute: Compute,
    material: Material,
    session: Session,
    plans: list[Plan],
    record: Callable[[Episode], None],
) -> list[Episode]:
    """Play what an earlier attempt has not played, and return all of it in plan order."""
    known = {episode.number: episode for episode in session.start.before if episode.arm == FINAL}
    done = {
        plan.number: known[plan.number]
        for plan in plans
        if plan.number in known
        and (known[plan.number].policy, known[plan.number].test) == (plan.policy, plan.test)
    }
    fresh = [plan for plan in plans if plan.number not in done]
    for episode in await _play(compute, material, fresh, session.start.base) if fresh else []:
        done[episode.number] = episode
        record(episode)
    return [done[plan.number] for plan in plans]


def _finals(session: Session, material: Material, chosen: Episode, rank: int) -> list[Plan]:
    first, seed = session.start.episodes + rank * len(material.tests()), session.start.seed
    return [
        Plan(first + at, FINAL, chosen.policy, chosen.model, test, named_seed(seed, "selfplay", FINAL, first + at) >> 32, "")
        for at, test in enumerate(material.tests())
    ]  # fmt: skip


def _finalists(played: list[Episode]) -> list[Episode]:
    """Return the best episodes, one a policy; the last one played has no privilege."""
    seen: dict[str, Episode] = {}
    for episode in sorted(played, key=lambda one: -one.reward):
        if episode.reward > 0:
            seen.setdefault(episode.policy.model_dump_json(), episode)
    return list(seen.values())[:FINALISTS]


def _candidate(chosen: Episode, final: list[Episode], material: Material, session: Session) -> Candidate:
    count = len(final)
    return Candidate(
        policy=chosen.policy,
        model=chosen.model,
        fitness=sum(one.fitness for one in final) / count,
        baseline=sum(one.baseline for one in final) / count,
        null=sum(one.null for one in final) / count,
        gains=tuple(round(one.gain, 6) for one in final),
        episodes=len(session.played),
        exploration=round(session.bandit.exploration(), 4),
        seed=session.start.seed,
        draws_seen=material.draws_seen,
        table=material.digest,
        run=material.run,
        arm=chosen.arm,
        episode=chosen.number,
        parent=session.start.parent,
    )
