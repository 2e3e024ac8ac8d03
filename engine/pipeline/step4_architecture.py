"""Step 4, ML meta-optimizer: the capacity of each model family by nested chronological validation within a small budget.

Each family climbs its own ladder as long as the next capacity gains more than a standard error, on inner blocks only: the last
development block is left to step 5, the final block to the end.
"""

from __future__ import annotations

import asyncio

import numpy as np

from engine.compute.task import Task
from engine.pipeline import content
from engine.pipeline.artifacts import ENGINE, SCORED, EngineConfig, Scored
from engine.pipeline.calls import call
from engine.pipeline.context import Progress, RunContext, StepOutcome, StepProgress
from engine.pipeline.shelf import Shelf
from engine.pipeline.study import together
from engine.pipeline.trainers import TRAINERS


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Let every family climb, write what each chose."""
    shelf = Shelf(ctx, "4")
    scored = await asyncio.to_thread(shelf.scored, SCORED)
    done = 0

    async def climb(family: str) -> dict[str, object]:
        nonlocal done
        result = await call(ctx, ladder_task(ctx, scored, family))
        done += 1
        progress(StepProgress("4", done, len(TRAINERS), f"{family} rung {result.meta['rung']}"))
        return result.meta

    answers = dict(zip(TRAINERS, await together([climb(family) for family in TRAINERS]), strict=True))
    return await asyncio.to_thread(_write, ctx, shelf, scored, answers)


def train_arrays(scored: Scored) -> dict[str, np.ndarray]:
    """Return what a training task reads: features of dev blocks and the final one, dev targets and marks."""
    return {"x": scored.x[:-1], "targets": scored.targets, "marks": scored.marks}


def ladder_task(ctx: RunContext, scored: Scored, family: str) -> Task:
    """Return the task in which one family climbs its ladder."""
    blocks = scored.head.blocks()
    params = {
        "job": "ladder",
        "family": family,
        "rungs": ctx.parameters.rungs,
        "folds": [[at, blocks.trains(at)] for at in blocks.inner],
        "length": blocks.length,
        "chance": scored.head.chance,
        "seed": ctx.seeds.child("step4").integer(family),
    }
    return Task("train", f"{ctx.run}/4/{family}", params, train_arrays(scored), isolate=True)


def _write(
    ctx: RunContext, shelf: Shelf, scored: Scored, answers: dict[str, dict[str, object]]
) -> StepOutcome:
    config = EngineConfig.parse(
        {
            "history": ctx.history.digest,
            "features": scored.head.features,
            "models": {family: answer["chosen"] for family, answer in answers.items()},
            "tried": {family: answer["tried"] for family, answer in answers.items()},
            "draws": next(iter(answers.values()))["draws"],
        },
        "step 4",
    )
    shelf.write(ENGINE, config)
    outcome = StepOutcome("4", artifacts=shelf.written)
    bits = {family: [float(rung["bits"]) for rung in tried] for family, tried in config.tried.items()}
    outcome.findings += content.architectures(bits)
    outcome.measure("families", len(config.models), ">=", len(TRAINERS))
    outcome.measure("rungs_tried", sum(map(len, bits.values())), ">=", len(TRAINERS))
    outcome.measure("inner_draws", config.draws, ">=", 1)
    outcome.metrics |= {
        "bits": {family: max(scores) for family, scores in bits.items()},
        "chosen": dict(config.models),
    }
    outcome.note = ", ".join(f"{family} {len(tried)} rungs" for family, tried in bits.items())
    return outcome
