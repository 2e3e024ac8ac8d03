"""Step 2.5, scorer meta-optimizer: Optuna tunes the scorer on twins of this history in which the truth is known.

A twin has this history's length, missing draws and alignments, a planted truth with some noise, and decoys that chance let through the
same window. A trial is good if it names the truth among them, in bits; the real draws' outcome is never used here.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from engine.compute.task import Task, TaskResult
from engine.pipeline import content
from engine.pipeline.artifacts import SCORER, SURVIVORS, WINDOW, ScorerConfig, TrialRow, WindowConfig
from engine.pipeline.blocks import Blocks
from engine.pipeline.calls import call, lent
from engine.pipeline.context import Progress, RunContext, StepOutcome
from engine.pipeline.decoys import templates
from engine.pipeline.features import FAMILY_NAMES
from engine.pipeline.features_meta import counted_up_to
from engine.pipeline.replay import Lines
from engine.pipeline.shelf import Shelf, code_digest
from engine.pipeline.slots import blocks_for
from engine.pipeline.study import Rungs, Study, Trial, optimise
from engine.search.survivors import Survivors

MOST_PATTERNS = 64  # alignments that twins are made after, in turn
LEAST_GAIN = (
    -0.5
)  # bits; with few bits a draw the best scorer may know nothing, a bad one is worse than guessing


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Make the twins, tune the scorer, fit the best one on all of them, write its configuration."""
    shelf = Shelf(ctx, "2.5")
    survivors, blocks, task = await asyncio.to_thread(_prepare, ctx, shelf)
    made = await call(ctx, task)
    twins = Twins.of(made, survivors, blocks)
    study = Study(
        "2.5",
        distributions(),
        ctx.parameters.scorer_trials,
        ctx.parameters.scorer_batch,
        {"inputs": shelf.inputs, "code": code_digest(), "trials": ctx.parameters.scorer_trials},
        ctx.parameters.deterministic,
    )

    async with lent(ctx, {"x": twins.x, "train": twins.train}) as (arrays, inputs):

        def trial(number: int, params: dict[str, Any], *, final: bool) -> Task:
            return replace(
                trial_task(ctx, twins.names, number, params, final=final), arrays=dict(arrays), inputs=inputs
            )

        async def one(number: int, params: dict[str, Any], _: Rungs) -> tuple[float, dict[str, Any]]:
            result = await call(ctx, trial(number, params, final=False))
            return -result.meta["bits"], {name: result.meta[name] for name in ("bits", "reciprocal_rank")}

        trials = await optimise(ctx, study, one, progress)
        best = max(trials, key=lambda trial: (trial.value, -trial.number))
        final = await call(ctx, trial(best.number, best.params, final=True))
    return await asyncio.to_thread(_write, ctx, shelf, trials, best, final)


def _prepare(ctx: RunContext, shelf: Shelf) -> tuple[Survivors, Blocks, Task]:
    config, survivors = shelf.read(WINDOW, WindowConfig), shelf.survivors(SURVIVORS)
    blocks, _ = blocks_for(ctx, config)
    return survivors, blocks, twins_task(ctx, config, survivors, blocks)


def distributions() -> dict[str, BaseDistribution]:
    """Return the scorer's parameters: which feature families, how strong the ridge, how far outliers count."""
    use = {f"use_{family}": CategoricalDistribution([True, False]) for family in FAMILY_NAMES}
    return {
        **use,
        "penalty": FloatDistribution(1e-4, 3.0, log=True),
        "clip": FloatDistribution(2.0, 12.0),
    }


@dataclass(frozen=True)
class Twins:
    """Features of the twins' candidates (twins, candidates, F), the truth first."""

    names: tuple[str, ...]
    x: np.ndarray
    train: np.ndarray

    @classmethod
    def of(cls, made: TaskResult, survivors: Survivors, blocks: Blocks) -> Twins:
        """Leave out columns whose counts on the real survivors reach beyond the first slot: a score must not know them."""
        late = {name for name, end in counted_up_to(survivors).items() if end > blocks.reads[0]}
        names = made.meta["names"]
        index = [at for at, name in enumerate(names) if name not in late]
        return cls(tuple(names[at] for at in index), made.arrays["x"][:, :, index], made.arrays["train"])


def twins_task(ctx: RunContext, config: WindowConfig, survivors: Survivors, blocks: Blocks) -> Task:
    """Return the task that makes the twins."""
    lines = Lines.of(ctx.history)
    patterns = templates(survivors, ctx.space)[:MOST_PATTERNS]
    matches = survivors["forward_matched"] if len(survivors) else np.zeros(1, dtype=np.int32)
    params = {
        "job": "twins",
        "alignments": [one.model_dump(mode="json") for one in patterns],
        "range": list(config.range),
        "labels": list(lines.labels),
        "window": [config.window[0], min(config.window[1], blocks.reads[0])],
        "confirm": list(config.confirm or (0, 0)),
        "reads": blocks.reads[:-1],
        "twins": ctx.parameters.twins,
        "decoys": ctx.parameters.twin_decoys,
        "seed": ctx.seeds.child("step2.5").integer("twins"),
    }
    return Task("features", f"{ctx.run}/2.5/twins", params, {**lines.arrays(), "matches": matches})


def trial_task(
    ctx: RunContext, names: Sequence[str], number: int, params: dict[str, Any], *, final: bool
) -> Task:
    """Return the task that fits and judges one scorer on lent twins; a trial without any family falls back to the matches."""
    families = [family for family in FAMILY_NAMES if params[f"use_{family}"]] or [FAMILY_NAMES[0]]
    asked = {
        "job": "scorer",
        "names": list(names),
        "families": families,
        "penalty": params["penalty"],
        "clip": params["clip"],
        "final": final,
    }
    key = f"{ctx.run}/2.5/{'final' if final else f'trial/{number}'}"
    return Task("features", key, asked)


def _write(ctx: RunContext, shelf: Shelf, trials: list[Trial], best: Trial, final: TaskResult) -> StepOutcome:
    bits, chance = best.detail["bits"], math.log2(final.meta["candidates"])
    config = ScorerConfig(
        history=ctx.history.digest,
        names=tuple(final.meta["names"]),
        centre=tuple(final.arrays["centre"].tolist()),
        scale=tuple(final.arrays["scale"].tolist()),
        weights=tuple(final.arrays["weights"].tolist()),
        intercept=final.meta["intercept"],
        clip=best.params["clip"],
        families=tuple(family for family in FAMILY_NAMES if best.params[f"use_{family}"]),
        penalty=best.params["penalty"],
        bits=bits,
        bits_by_chance=chance,
        reciprocal_rank=best.detail["reciprocal_rank"],
        trials=tuple(
            TrialRow(number=t.number, params=t.params, value=t.value, detail=t.detail, state=t.state)
            for t in trials
        ),
    )
    shelf.write(SCORER, config)
    outcome = StepOutcome("2.5", artifacts=shelf.written)
    outcome.findings += content.scorer_search([trial.value for trial in trials], config.weights)
    outcome.measure("trials", len(trials), ">=", 1)
    outcome.measure(
        "scorer_gain_bits", chance - bits, ">=", LEAST_GAIN, "bits gained over guessing the planted truth"
    )
    outcome.measure("reciprocal_rank", best.detail["reciprocal_rank"])
    outcome.metrics |= {"bits": bits, "bits_by_chance": chance, "columns": len(config.names)}
    outcome.note = f"names the planted truth to {bits:.2f} bits, guessing takes {chance:.2f}"
    return outcome
