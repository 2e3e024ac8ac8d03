"""What follows an analysis: steps 2.5 to 6 over an identification, or the whole pipeline where nothing was identified."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.pipeline.context import RunContext, StepOutcome, StepProgress
from engine.pipeline.parameters import PipelineParameters
from engine.pipeline.runner import record, run_pipeline, up_to_date
from engine.pipeline.seedtree import SeedTree
from engine.pipeline.window_given import from_analysis

if TYPE_CHECKING:
    from engine.compute.cluster import Compute
    from engine.history.history import History
    from engine.search.analysis import Analysis
    from engine.search.space import Space
    from state.artifacts import ArtifactStore
    from state.journal import Journal


async def follow_analysis(
    analysis: Analysis,
    history: History,
    space: Space,
    compute: Compute,
    journal: Journal,
    artifacts: ArtifactStore,
    *,
    parameters: PipelineParameters | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> list[StepOutcome]:
    """Run the pipeline behind `analyze --pipeline` and return the steps' outcomes."""
    ctx = RunContext(
        history=history,
        compute=compute,
        journal=journal,
        artifacts=artifacts,
        run=analysis.run,
        seeds=SeedTree(space.seed),
        parameters=parameters or PipelineParameters(),
        space=space.model_copy(update={"range": analysis.range}),
    )

    def say(progress: StepProgress) -> None:
        note(f"step {progress.step}: {progress.done} of {progress.total}, {progress.note}")

    if analysis.verdict != "identified":
        return [
            _told(outcome, note) for outcome in await run_pipeline(ctx, ("1", "2.5", "3", "4", "5", "6"), say)
        ]
    first = await asyncio.to_thread(_first, ctx, analysis)
    rest = await run_pipeline(ctx, ("2.5", "3", "4", "5", "6"), say)
    return [_told(outcome, note) for outcome in (first, *rest)]


def _first(ctx: RunContext, analysis: Analysis) -> StepOutcome:
    known = up_to_date(ctx, "1")
    if known is not None:
        return known
    outcome = from_analysis(ctx, analysis)
    record(ctx, outcome)
    return outcome


def _told(outcome: StepOutcome, note: Callable[[str], None]) -> StepOutcome:
    note(f"step {outcome.step} {outcome.status} in {outcome.seconds:.1f} s: {outcome.note}")
    return outcome
