"""Decoy histories: what the same procedure finds where nothing can be found. More than chance, and step 5 fails."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.pipeline.calls import kept
from engine.pipeline.context import Progress, RunContext, StepProgress, StepRefused
from engine.pipeline.features import Table
from engine.pipeline.features_meta import ARRAYS, Meta
from engine.pipeline.gains import hit_shares, weights
from engine.pipeline.intervals import Interval, mean_interval
from engine.pipeline.replay import Lines
from engine.pipeline.scored import Scored
from engine.pipeline.step3_scoring import SCORE, Rows, compute
from engine.pipeline.study import together
from engine.pipeline.training import NO_POLICY, total, train_task
from engine.selfplay.rules import Policy

DECOY_CONFIDENCE = 0.9999  # a decoy lift is refused only where chance cannot reach


class Artefact(StepRefused):
    """The procedure finds lift where there is none to find."""


async def decoy_lift(
    ctx: RunContext,
    scored: Scored,
    config: dict[str, Any],
    family: str,
    progress: Progress,
    policy: Policy = NO_POLICY,
) -> Interval:
    """Run the same procedure where nothing can be found; raise Artefact if it finds something all the same.

    A decoy history has uniform draws after the first block's past, and is scored and trained from there like the real one.
    """
    tables = await together(
        [decoy_table(ctx, scored, turn) for turn in range(ctx.parameters.decoy_histories)]
    )
    arrays = {name: np.stack([table[name] for table in tables]) for name in tables[0]}
    task = train_task(ctx, scored, f"{ctx.run}/5/decoys", family, config, arrays, job="decoys", policy=policy)
    held_out = (await kept(ctx, "5", task)).arrays["held_out"]
    progress(StepProgress("5", total(ctx) - 1, total(ctx), f"{len(tables)} decoy histories"))
    shares = [
        share
        for rates, marks in zip(held_out, arrays["marks"], strict=True)
        for share in _outer_shares(scored, rates, marks)
    ]
    x, chance = np.concatenate(shares), scored.head.chance
    strict = mean_interval(x, DECOY_CONFIDENCE).scaled(1.0 / chance)
    if strict.lo > 1.0:
        raise Artefact(
            f"step 5: on decoy histories {family} reaches a lift of {strict.value:.3g} (at least {strict.lo:.3g}), expected 1.00: "
            "features and targets share draws; nothing was written"
        )
    return mean_interval(x, ctx.parameters.confidence).scaled(1.0 / chance)


async def decoy_table(ctx: RunContext, scored: Scored, turn: int) -> dict[str, np.ndarray]:
    """Return features, targets and marks of the same rows over one decoy history."""
    blocks, survivors = scored.head.blocks(), scored.survivors
    rng = ctx.seeds.child("step5").rng(f"decoy/{turn}")
    lo, hi = survivors.header.range
    lines = Lines.of(ctx.history)
    values, first = lines.values.copy(), blocks.dev[0].reads
    later = np.flatnonzero(values[first:] >= 0) + first
    values[later] = rng.integers(lo, hi, size=len(later), endpoint=True)
    rows = Rows(
        scored.alignments(), _blank(len(scored.alignments())), lines.with_values(values), blocks, (lo, hi)
    )
    raw = await compute(ctx, f"5/decoy/{turn}", rows, lambda _: None)
    score = np.zeros((*raw.table.x.shape[:2], 1))
    full = Table((*raw.table.names, SCORE), np.concatenate([raw.table.x, score], axis=2))
    kept = full.keep(scored.head.names)
    return {"x": kept.x[:-1], "targets": raw.targets, "marks": raw.marks}


def _blank(rows: int) -> Meta:
    """Return empty records: a record counts real draws, which a decoy history does not have."""
    return Meta({name: np.zeros(rows) for name in ARRAYS})


def _outer_shares(scored: Scored, held_out: np.ndarray, marks: np.ndarray) -> list[np.ndarray]:
    blocks, chance = scored.head.blocks(), scored.head.chance
    return [
        hit_shares(weights(rate, chance), marks[:, at * blocks.length : (at + 1) * blocks.length])
        for rate, at in zip(held_out, blocks.outer, strict=True)
    ]
