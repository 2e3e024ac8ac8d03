"""A training that was finished before a halt is not run again, and the artifacts are those of an unbroken run."""

import pytest

from engine.errors import Halted
from engine.pipeline.artifacts import ENGINE, MODEL_META, POOL
from engine.pipeline.runner import run_pipeline
from engine.pipeline.trainers import TRAINERS

BEFORE, REST = ("2.5", "3"), ("4", "5", "6")


def contents(ctx):
    names = [one.name.removesuffix(".lineage.json") for one in ctx.artifacts.directory.glob("*.lineage.json")]
    return {name: ctx.artifacts.lineage(name).content_sha256 for name in names}


@pytest.mark.parametrize("after", [2, 6])
async def test_steps_4_and_5_go_on_behind_their_last_finished_training(make_context, steps, full_run, after):
    ctx = steps["with_first_step"](make_context, steps["planted_history"](noise=0.2))
    await run_pipeline(ctx, BEFORE, lambda _: None)
    start = len(ctx.compute.ran)
    ctx.compute.halt_after = start + after
    with pytest.raises(Halted):
        await run_pipeline(ctx, REST, lambda _: None)
    before = [key for key in ctx.compute.ran[start:] if key.rsplit("/", 1)[-1] in TRAINERS]
    assert len(before) == after
    ctx.compute.halt_after = None
    outcomes = await run_pipeline(ctx, REST, lambda _: None)
    assert all(one.ok for one in outcomes)
    trained = [key for key in ctx.compute.ran[start:] if key.rsplit("/", 1)[-1] in TRAINERS]
    assert len(trained) == len(set(trained)) == 2 * len(TRAINERS)
    assert contents(ctx) == contents(full_run.ctx)
    assert {ENGINE, MODEL_META, POOL} <= set(contents(ctx))
