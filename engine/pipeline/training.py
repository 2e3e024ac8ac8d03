"""Training: every model family in a process of its own, over chronological blocks; the choice among them out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compute.task import Task, TaskResult
from engine.pipeline import health
from engine.pipeline.artifacts import EngineConfig
from engine.pipeline.baselines import SINGLE, single
from engine.pipeline.calibrate import best_share, slope
from engine.pipeline.calls import TaskFailed, kept
from engine.pipeline.context import Progress, RunContext, StepProgress, StepRefused
from engine.pipeline.scored import Scored
from engine.pipeline.selection import CHANCE, Candidate, out_of_fold, select, stored
from engine.pipeline.step4_architecture import SKIPPED, train_arrays
from engine.pipeline.study import together
from engine.pipeline.taught import params_of
from engine.pipeline.trainers import TRAINERS
from engine.selfplay.rules import Policy

NO_POLICY = Policy()


@dataclass(frozen=True)
class Trained:
    """Everything that training gave, before anybody looks at the final block; `single` is the baseline, `skipped` has reasons."""

    results: Mapping[str, TaskResult]
    candidates: Mapping[str, Candidate]
    single: Candidate
    shares: Mapping[str, float]
    slopes: Mapping[str, float | None]
    selected: str
    stored: str
    skipped: Mapping[str, str]

    def health(self) -> dict[str, health.Numbers]:
        """Return each model's health."""
        return {
            family: health.numbers(result.meta, self.candidates[family].bits)
            for family, result in self.results.items()
        }


def total(ctx: RunContext) -> int:
    """Return how many pieces the step has: models, decoy histories, the final judgement."""
    return len(TRAINERS) + 2


async def train(
    ctx: RunContext, scored: Scored, config: EngineConfig, progress: Progress, policy: Policy = NO_POLICY
) -> Trained:
    """Train every family in a process of its own, under the active policy, and select out of fold; one whose process fails is left out, and said so."""
    arrays, done = train_arrays(scored), 0
    skipped = {
        family: str(tried[0][SKIPPED])
        for family, tried in config.tried.items()
        if family not in config.models
    }

    async def one(family: str) -> TaskResult | None:
        nonlocal done
        result = await _trained(ctx, scored, config, family, arrays, skipped, policy)
        done += 1
        said = "trained" if result is not None else f"skipped, {skipped[family]}"
        progress(StepProgress("5", done, total(ctx), f"{family} {said}"))
        return result

    made = await together([one(family) for family in config.models])
    results = {
        family: result for family, result in zip(config.models, made, strict=True) if result is not None
    }
    if not results:
        raise StepRefused(
            f"step 5: no model could be trained ({'; '.join(skipped.values())}); run step 4 again"
        )
    return _selected(scored, results, skipped)


async def _trained(
    ctx: RunContext,
    scored: Scored,
    config: EngineConfig,
    family: str,
    arrays: dict[str, np.ndarray],
    skipped: dict[str, str],
    policy: Policy,
) -> TaskResult | None:
    key = f"{ctx.run}/5/{family}"
    try:
        result = await kept(
            ctx, "5", train_task(ctx, scored, key, family, config.models[family], arrays, policy=policy)
        )
    except TaskFailed as error:
        skipped[family] = str(error)
        return None
    if result.meta["config"] != config.models[family]:
        raise StepRefused(f"{key}: trained with another configuration than step 4 chose; run the step again")
    return result


def _selected(scored: Scored, results: dict[str, TaskResult], skipped: dict[str, str]) -> Trained:
    """Judge every model and the baselines out of fold, and select."""
    blocks, chance = scored.head.blocks(), scored.head.chance
    first, length = blocks.outer[0], blocks.length
    held_out = {family: result.arrays["held_out"] for family, result in results.items()}
    candidates = {
        family: Candidate(
            family,
            out_of_fold(rates, scored.marks, blocks.outer, length, chance),
            int(results[family].meta["size"]),
        )
        for family, rates in held_out.items()
    }
    folds = [(at, blocks.trains(at)) for at in blocks.outer]
    baseline = single(scored.targets, scored.marks, folds, trusted(scored), length, chance)
    selected = select({SINGLE: baseline, **candidates})
    return Trained(
        results,
        candidates,
        baseline,
        {f: best_share(rates, scored.marks, first, length, chance) for f, rates in held_out.items()},
        {f: slope(rates, scored.marks, first, length) for f, rates in held_out.items()},
        selected,
        stored(candidates, CHANCE if selected == SINGLE else selected),
        skipped,
    )


def trusted(scored: Scored) -> int:
    """Return how many rows may be trusted: the survivors, or without any the decoys that stand in for them."""
    return scored.real or len(scored.head.decoys)


def train_task(
    ctx: RunContext,
    scored: Scored,
    key: str,
    family: str,
    config: dict[str, Any],
    arrays: dict[str, np.ndarray],
    job: str = "train",
    policy: Policy = NO_POLICY,
) -> Task:
    """Return the task that trains one family: outer folds, then all development blocks."""
    blocks = scored.head.blocks()
    params = {
        "job": job,
        "family": family,
        "config": config,
        "folds": [[at, blocks.trains(at)] for at in blocks.outer],
        "length": blocks.length,
        "chance": scored.head.chance,
        "seed": ctx.seeds.child("step5").integer(family),
        **params_of(policy, scored.head.names),
    }
    return Task("train", key, params, arrays, isolate=True)
