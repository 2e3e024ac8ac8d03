"""Null and planted controls at some size: false claims stay rare, planted truths are found. Minutes, so not in the fast suite."""

import asyncio

import numpy as np
import pytest

from engine.pipeline.artifacts import MODEL_META, POOL, ModelMeta, Pool
from engine.pipeline.runner import run_pipeline

REST = ("2.5", "3", "4", "5", "6")
NULLS, PLANTED = 20, 10


def finished(ctx):
    asyncio.run(run_pipeline(ctx, REST, lambda _: None))
    meta = ModelMeta.parse(ctx.artifacts.read_json(MODEL_META), MODEL_META)
    return meta, Pool.parse(ctx.artifacts.read_json(POOL), POOL)


@pytest.mark.statistical
def test_uniform_histories_give_no_claim_and_a_lift_around_one(make_context, steps):
    """Runs about 2 minutes."""
    signals, covered, values = 0, 0, []
    for seed in range(NULLS):
        ctx = steps["with_first_step"](
            make_context, steps["uniform_history"](seed, 150), truth=False, seed=seed
        )
        meta, pool = finished(ctx)
        lift = meta.final["models"][meta.family]["lift"]
        signals += meta.signal or not pool.uniform
        covered += lift["lo"] <= 1.0 <= lift["hi"]
        values.append(lift["value"])
    assert signals == 0
    assert covered >= NULLS - 2
    assert 0.3 < np.mean(values) < 2.5


@pytest.mark.statistical
@pytest.mark.parametrize("noise", [0.0, 0.3, 0.6])
def test_planted_truths_are_found_through_noise(make_context, steps, noise):
    """Runs about 1 minute for each noise."""
    named = 0
    for seed in range(PLANTED):
        ctx = steps["with_first_step"](make_context, steps["planted_history"](noise, seed, 150), seed=seed)
        _, pool = finished(ctx)
        best = max(pool.components, key=lambda one: one.weight, default=None)
        named += best is not None and best.alignment == steps["truth"]
    assert named >= PLANTED - 1
