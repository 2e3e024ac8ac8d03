"""Step 4, ML meta-optimizer: architecture and capacity of each model family by nested chronological validation in a stated budget.

Each family climbs its own ladder as long as the next capacity gains more than a standard error, on inner blocks only: the last
development block is left to step 5, the final block to the end. Step 5 trains with exactly what is written here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from engine.compute.task import Task
from engine.pipeline import content
from engine.pipeline.artifacts import ENGINE, SCORED, EngineConfig
from engine.pipeline.calls import TaskFailed, kept
from engine.pipeline.context import Progress, RunContext, StepOutcome, StepProgress, StepRefused
from engine.pipeline.parts import Parts
from engine.pipeline.scored import Scored
from engine.pipeline.shelf import Shelf
from engine.pipeline.study import together
from engine.pipeline.trainers import TRAINERS
from engine.watcher.evaluation import Finding

Answer = dict[str, Any]
SKIPPED = "skipped"


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Let every family climb, write what each chose; a library that fails here is left out, and said so."""
    shelf = Shelf(ctx, "4")
    scored = await asyncio.to_thread(shelf.scored, SCORED)
    done = 0

    async def climb(family: str) -> Answer:
        nonlocal done
        answer = await attempt(ctx, ladder_task(ctx, scored, family))
        done += 1
        said = f"skipped, {answer[SKIPPED]}" if SKIPPED in answer else f"rung {answer['rung']}"
        progress(StepProgress("4", done, len(TRAINERS), f"{family} {said}"))
        return answer

    answers = dict(zip(TRAINERS, await together([climb(family) for family in TRAINERS]), strict=True))
    outcome = await asyncio.to_thread(_write, ctx, shelf, scored, answers)
    await asyncio.to_thread(Parts(ctx.artifacts.directory, "4").clear)
    return outcome


async def attempt(ctx: RunContext, task: Task) -> Answer:
    """Run a family's task; where its library or its process fails the answer is `skipped` with the reason."""
    try:
        meta = (await kept(ctx, "4", task)).meta
    except TaskFailed as error:
        return {SKIPPED: str(error)}
    return {SKIPPED: meta["unusable"]} if "unusable" in meta else meta


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


def skips(reasons: dict[str, str]) -> list[Finding]:
    """Return a warning for each family that was left out."""
    return [
        Finding(code="model.skipped", level="warn", text=f"{family} is left out on this machine: {reason}")
        for family, reason in reasons.items()
    ]


def _write(ctx: RunContext, shelf: Shelf, scored: Scored, answers: dict[str, Answer]) -> StepOutcome:
    reasons = {family: answer[SKIPPED] for family, answer in answers.items() if SKIPPED in answer}
    climbed = {family: answer for family, answer in answers.items() if SKIPPED not in answer}
    if not climbed:
        raise StepRefused(
            f"step 4: no model library works on this machine ({'; '.join(reasons.values())}); mimicry doctor names what is missing"
        )
    config = EngineConfig.parse(
        {
            "history": ctx.history.digest,
            "features": scored.head.features,
            "models": {family: answer["chosen"] for family, answer in climbed.items()},
            "tried": {
                **{family: answer["tried"] for family, answer in climbed.items()},
                **{family: [{SKIPPED: reason}] for family, reason in reasons.items()},
            },
            "draws": next(iter(climbed.values()))["draws"],
        },
        "step 4",
    )
    shelf.write(ENGINE, config)
    outcome = StepOutcome("4", artifacts=shelf.written, findings=skips(reasons))
    _measure(outcome, config, climbed)
    return outcome


def _measure(outcome: StepOutcome, config: EngineConfig, climbed: dict[str, Answer]) -> None:
    bits = {family: [float(trial["bits"]) for trial in answer["tried"]] for family, answer in climbed.items()}
    fits, allowed = (sum(answer[name] for answer in climbed.values()) for name in ("fits", "budget"))
    outcome.findings += content.architectures(bits)
    outcome.measure("families", len(climbed), ">=", 1, f"{len(TRAINERS) - len(climbed)} left out")
    outcome.measure(
        "rungs_tried", sum(answer["tried"][-1]["rung"] + 1 for answer in climbed.values()), ">=", 1
    )
    outcome.measure("fits", fits, "<=", allowed, "trainings; the limit is the budget")
    outcome.measure("inner_draws", config.draws, ">=", 1)
    outcome.metrics |= {
        "bits": {family: max(scores) for family, scores in bits.items()},
        "chosen": dict(config.models),
        "libraries": {family: answer["library"] for family, answer in climbed.items()},
        "budget": {"fits": fits, "of": allowed},
    }
    rungs = ", ".join(f"{family} rung {answer['rung']}" for family, answer in climbed.items())
    skipped = [finding.text for finding in outcome.findings if finding.code == "model.skipped"]
    outcome.note = "; ".join([f"{rungs}, {fits} of {allowed} trainings", *skipped])
