"""Step 5, anti-overfit training: four model families, each in its own process, judged by blocks that lie after what they learnt from.

Development blocks choose, out of fold and by the one-standard-error rule. The final block is opened once, on the record. Decoy
histories show the lift of the same procedure where there is nothing to find: it must be 1. "No signal" is a normal result.
"""

from __future__ import annotations

import asyncio

from engine.pipeline.artifacts import ENGINE, SCORED, EngineConfig
from engine.pipeline.context import Progress, RunContext, StepOutcome, StepProgress, StepRefused
from engine.pipeline.final_block import judge, open_final, question_of
from engine.pipeline.parts import Parts
from engine.pipeline.shelf import Shelf
from engine.pipeline.taught import active_policy, fitted
from engine.pipeline.training import total, train
from engine.pipeline.training_decoys import decoy_lift
from engine.pipeline.training_kept import write


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Train, select on development blocks, test on decoy histories, open the final block once, write the model."""
    shelf = Shelf(ctx, "5")
    scored = await asyncio.to_thread(shelf.scored, SCORED)
    config = await asyncio.to_thread(shelf.read, ENGINE, EngineConfig)
    if config.features != scored.head.features:
        raise StepRefused(
            "step 5: step 4 chose capacities for other features than step 3 wrote; run step 4 again"
        )
    policy, misfits = fitted(await asyncio.to_thread(active_policy, shelf), scored.head.names)
    trained = await train(ctx, scored, config, progress, policy)
    decoys = await decoy_lift(ctx, scored, config.models[trained.stored], trained.stored, progress, policy)
    opened = await asyncio.to_thread(open_final, ctx, scored, question_of(shelf, ctx))
    verdict = await judge(ctx, scored, trained)
    progress(StepProgress("5", total(ctx), total(ctx), "final block judged"))
    outcome = await asyncio.to_thread(write, ctx, shelf, scored, trained, decoys, verdict, opened)
    outcome.findings += misfits
    await asyncio.to_thread(Parts(ctx.artifacts.directory, "5").clear)
    return outcome
