"""The runner: steps in order, each reused when nothing it depends on changed, each checked before the next may read it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from engine.errors import Halted, MimicryError
from engine.pipeline import (
    lineage,
    step1_window,
    step3_scoring,
    step4_architecture,
    step5_training,
    step6_prediction,
)
from engine.pipeline import step25_scorer as step25
from engine.pipeline.context import STEP_FINISHED as FINISHED
from engine.pipeline.context import Progress, RunContext, StepOutcome, normal_steps
from engine.pipeline.shelf import code_digest, parameters_of
from engine.watcher.evaluation import EvidenceRow, Finding
from state.errors import ArtifactRefused

Step = Callable[[RunContext, Progress], Awaitable[StepOutcome]]
STEPS: Mapping[str, Step] = {
    "1": step1_window.run,
    "2.5": step25.run,
    "3": step3_scoring.run,
    "4": step4_architecture.run,
    "5": step5_training.run,
    "6": step6_prediction.run,
}
STORY = 1 << 20  # events of one run that are looked through
__all__ = ["FINISHED", "normal_steps", "record", "run_pipeline", "run_step", "up_to_date"]
READERS = {step for step, flow in lineage.FLOWS.items() if flow.reads}


async def run_pipeline(ctx: RunContext, steps: Sequence[str], progress: Progress) -> list[StepOutcome]:
    """Run the steps and return their outcomes; the first that fails ends the run. Raise Halted between pieces on a halt."""
    outcomes: list[StepOutcome] = []
    for step in normal_steps(steps):
        outcome = await run_step(
            ctx, step, progress, ran=tuple(one.step for one in outcomes if one.status == "done")
        )
        outcomes.append(outcome)
        if not outcome.ok:
            break
    return outcomes


async def run_step(
    ctx: RunContext, step: str, progress: Progress, *, ran: Sequence[str] = (), force: bool = False
) -> StepOutcome:
    """Run one step, or return its recorded outcome as `skipped: up to date`; a refused step comes back failed.

    `force` runs it whatever other runs recorded; what this one finished before a halt stands. `ran` are the steps that this run executed before; with all readers among them the contracts are held to "each field is read".
    """
    known = await asyncio.to_thread(up_to_date, ctx, step, own=force)
    if known is not None:
        return known
    began = time.monotonic()
    try:
        outcome = await STEPS[step](ctx, progress)
        if {*ran, step} >= READERS:
            outcome.findings += lineage.unread(ctx.looked)
    except Halted:
        raise
    except MimicryError as error:
        outcome = StepOutcome(step, "failed", note=str(error))
        outcome.findings.append(Finding(code=f"step.{type(error).__name__}", level="fail", text=str(error)))
    if not outcome.ok:
        outcome.status = "failed"
    outcome.seconds = time.monotonic() - began
    await asyncio.to_thread(record, ctx, outcome)
    return outcome


def record(ctx: RunContext, outcome: StepOutcome) -> None:
    """Put an outcome on the record with what it was made from; a later run finds it there and does not run the step again."""
    made: dict[str, Any] = {
        "parameters": parameters_of(ctx, outcome.step),
        "code": code_digest(),
        "inputs": {},
    }
    if outcome.artifacts:
        made["inputs"] = dict(ctx.artifacts.lineage(outcome.artifacts[0]).inputs)
    ctx.journal.append(FINISHED, {"run": ctx.run, **outcome.record(), **made})


def up_to_date(ctx: RunContext, step: str, *, own: bool = False) -> StepOutcome | None:
    """Return the recorded outcome of a step whose outputs still follow from the same inputs, parameters and code.

    With `own` only what this very run has made counts.
    """
    data = _last_record(ctx, step)
    if data is None or not data["artifacts"] or (own and data["run"] != ctx.run):
        return None
    fresh = all(_fresh(ctx, step, name, sha) for name, sha in data["artifacts"].items())
    return _recorded(ctx, data) if fresh else None


def _last_record(ctx: RunContext, step: str) -> Mapping[str, Any] | None:
    """Return what the run that wrote the step's outputs recorded about the step; their lineage names that run."""
    flow = lineage.FLOWS[step]
    name = [*flow.writes, *flow.final][0]
    try:
        run = ctx.artifacts.lineage(name).run if ctx.artifacts.exists(name) else None
    except ArtifactRefused:
        return None
    events = ctx.journal.story(run, role="run", limit=STORY) if run else []
    done = [event.data for event in events if event.kind == FINISHED and event.data["step"] == step]
    return next((data for data in reversed(done) if data["status"] == "done"), None)


def _fresh(ctx: RunContext, step: str, name: str, sha: str) -> bool:
    """Say whether one output is unchanged and everything it was made from is what it was."""
    try:
        note = ctx.artifacts.lineage(name)
        same = ctx.artifacts.ref(name).sha256 == sha and not ctx.artifacts.stale(name)
    except ArtifactRefused:
        return False
    return (
        same
        and note.code == code_digest()
        and note.parameters == parameters_of(ctx, step)
        and note.inputs.get("history") == ctx.history.digest
    )


def _recorded(ctx: RunContext, data: Mapping[str, Any]) -> StepOutcome:
    return StepOutcome(
        step=data["step"],
        status="skipped",
        artifacts=[ctx.artifacts.ref(name) for name in data["artifacts"]],
        metrics=dict(data["metrics"]),
        evidence=[EvidenceRow.model_validate(row) for row in data["evidence"]],
        findings=[Finding.model_validate(row) for row in data["findings"]],
        seconds=0.0,
        note=f"skipped: up to date ({data['note']})",
    )
