"""The selfplay loop: choose transforms, run episodes on the workers, hand over the best as a candidate. It never promotes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.compute.task import Task, TaskResult
from engine.errors import Halted, UsageError
from engine.seedtree import named_rng, named_seed
from engine.selfplay.bandit import Bandit
from engine.selfplay.candidate import Candidate
from engine.selfplay.episode import MODELS
from engine.selfplay.rules import Filter, Mask, Policy, Weight, Window

if TYPE_CHECKING:
    Arrays = dict[str, npt.NDArray[Any]]

QUANTILES = (0.1, 0.25, 0.5)
POWERS = (-1.0, 1.0, 2.0)
FINALISTS = 3


class Compute(Protocol):
    """The part of the compute engine that selfplay uses."""

    def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncIterator[TaskResult]:
        """Run tasks on the workers and yield results as they come."""


@dataclass(frozen=True)
class Material:
    """What episodes play on: the table of step 3, its digest, and the blocks that selfplay may use.

    `x` (blocks, K, F), `hits` and `scored` (blocks, K), `marks` per block (K, draws); every block lies before the
    final one, which selfplay never sees. `trains` gives the training blocks of a test block, embargo respected.
    """

    names: tuple[str, ...]
    x: npt.NDArray[Any]
    hits: npt.NDArray[Any]
    scored: npt.NDArray[Any]
    marks: tuple[npt.NDArray[Any], ...]
    trains: dict[int, tuple[int, ...]]
    chance: float
    draws_seen: int
    digest: str
    run: str

    def tests(self) -> list[int]:
        """Return the blocks that can be tested: those with a training block before them."""
        return [block for block, train in sorted(self.trains.items()) if train]


@dataclass(frozen=True)
class Episode:
    """One finished episode, for the record."""

    number: int
    arm: str
    policy: Policy
    model: str
    test: int
    fitness: float
    baseline: float
    null: float
    seconds: float

    @property
    def gain(self) -> float:
        """Return the bits per draw that the policy adds to the same learner without one."""
        return self.fitness - self.baseline


ARMS = ("filter above", "filter below", "weight", "mask", "window", "mask+weight")


async def explore(
    compute: Compute,
    material: Material,
    *,
    seed: int,
    episodes: int,
    width: int,
    record: Callable[[Episode], None] = lambda _: None,
) -> Candidate | None:
    """Play `episodes`, re-play the best policies on every block, and return the best one, or None if none helps."""
    tests = material.tests()
    if not tests:
        raise UsageError("selfplay: no block has a training block before it; a longer history is needed")
    bandit = Bandit(ARMS, seed)
    played: list[Episode] = []
    while len(played) < episodes:
        batch = bandit.choose_many(min(width, episodes - len(played)))
        plans = [_plan(material, seed, len(played) + i, arm, tests) for i, arm in enumerate(batch)]
        for episode in await _play(compute, material, plans):
            bandit.tell(episode.arm, episode.gain)
            played.append(episode)
            record(episode)
    return await _final(compute, material, played, bandit, seed, record)


@dataclass(frozen=True)
class Plan:
    """One episode before it runs."""

    number: int
    arm: str
    policy: Policy
    model: str
    test: int
    seed: int


def _plan(material: Material, seed: int, number: int, arm: str, tests: list[int]) -> Plan:
    rng = named_rng(seed, "selfplay", "plan", number)
    policy = propose(arm, material.names, rng, len(tests))
    return Plan(number, arm, policy, MODELS[number % len(MODELS)], tests[number % len(tests)],
                named_seed(seed, "selfplay", "model", number) >> 32)  # fmt: skip


def propose(arm: str, names: tuple[str, ...], rng: np.random.Generator, blocks: int) -> Policy:
    """Make a concrete policy of an arm's kind; the generator alone chooses column and strength."""
    column = names[int(rng.integers(len(names)))]
    weight = Weight(column=column, power=float(rng.choice(POWERS)))
    families = sorted({name.partition(".")[0] for name in names})
    family = families[int(rng.integers(len(families)))]
    hidden = tuple(name for name in names if name.partition(".")[0] == family)
    mask = Mask(columns=hidden if len(hidden) < len(names) else hidden[:1]) if len(names) > 1 else None
    quantile = float(rng.choice(QUANTILES))
    kinds: dict[str, Policy] = {
        "filter above": Policy(filter=Filter(column=column, side="above", quantile=quantile)),
        "filter below": Policy(filter=Filter(column=column, side="below", quantile=1.0 - quantile)),
        "weight": Policy(weight=weight),
        "mask": Policy(mask=mask),
        "window": Policy(window=Window(blocks=int(rng.integers(1, max(2, blocks))))),
        "mask+weight": Policy(
            mask=mask, weight=weight if mask is None or column not in mask.columns else None
        ),
    }
    return kinds[arm]


async def _play(compute: Compute, material: Material, plans: list[Plan]) -> list[Episode]:
    """Run plans on the workers; results are told in plan order, so that a seed gives one sequence."""
    by_key = {f"{material.run}/selfplay/{plan.number}": plan for plan in plans}
    done: dict[int, Episode] = {}
    async for result in compute.map([_task(key, plan, material) for key, plan in by_key.items()]):
        plan = by_key[result.key]
        if result.stopped:
            raise Halted(f"selfplay stopped at episode {plan.number}; it goes on after resume")
        if not result.ok:
            raise UsageError(f"selfplay episode {plan.number} failed: {result.error}")
        done[plan.number] = _episode(plan, result)
    return [done[plan.number] for plan in plans]


def _episode(plan: Plan, result: TaskResult) -> Episode:
    meta = result.meta
    if meta["refused"] is not None:
        # a policy that leaves nothing to learn from earns nothing, and costs its arm the pull
        return Episode(
            plan.number, plan.arm, plan.policy, plan.model, plan.test, 0.0, 0.0, 0.0, result.seconds
        )
    return Episode(plan.number, plan.arm, plan.policy, plan.model, plan.test,
                   meta["fitness"], meta["baseline"], meta["null"], result.seconds)  # fmt: skip


def _task(key: str, plan: Plan, material: Material) -> Task:
    return episode_task(key, material, plan.policy, plan.model, plan.seed, plan.test)


def episode_task(key: str, material: Material, policy: Policy, model: str, seed: int, test: int) -> Task:
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
            "policy": policy.model_dump(mode="json"), "model": model, "seed": seed,
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
    compute: Compute,
    material: Material,
    played: list[Episode],
    bandit: Bandit,
    seed: int,
    record: Callable[[Episode], None],
) -> Candidate | None:
    """Play the best policies on every block: one lucky block is not enough to become a candidate."""
    best: tuple[float, list[Episode]] | None = None
    for rank, chosen in enumerate(_finalists(played)):
        start = len(played) + rank * len(material.tests())
        plans = [
            Plan(
                start + i,
                "final",
                chosen.policy,
                chosen.model,
                test,
                named_seed(seed, "selfplay", "final", start + i) >> 32,
            )
            for i, test in enumerate(material.tests())
        ]
        final = await _play(compute, material, plans)
        for episode in final:
            record(episode)
        gain = sum(episode.gain for episode in final) / len(final)
        if gain > 0 and (best is None or gain > best[0]):
            best = (gain, final)
    return None if best is None else _candidate(best[1], material, len(played), bandit, seed)


def _finalists(played: list[Episode]) -> list[Episode]:
    seen: dict[str, Episode] = {}
    for episode in sorted(played, key=lambda one: -one.gain):
        if episode.gain > 0:
            seen.setdefault(episode.policy.model_dump_json(), episode)
    return list(seen.values())[:FINALISTS]


def _candidate(
    final: list[Episode], material: Material, episodes: int, bandit: Bandit, seed: int
) -> Candidate:
    count = len(final)
    return Candidate(
        policy=final[0].policy,
        model=final[0].model,
        fitness=sum(one.fitness for one in final) / count,
        baseline=sum(one.baseline for one in final) / count,
        null=sum(one.null for one in final) / count,
        gains=tuple(round(one.gain, 6) for one in final),
        episodes=episodes,
        exploration=round(bandit.exploration(), 4),
        seed=seed,
        draws_seen=material.draws_seen,
        table=material.digest,
        run=material.run,
    )
