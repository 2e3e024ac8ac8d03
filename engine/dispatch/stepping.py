"""The steps of one run, each under judgement: carried over, taken from the identification, or run on the workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.dispatch.aside import gpu_phase
from engine.dispatch.searching import Obey
from engine.errors import Skipped
from engine.parameters import Value
from engine.status import StepAt
from engine.watcher.steps import Judge, Outcome
from engine.watcher.work import Rejected

if TYPE_CHECKING:
    from engine.compute.cluster import Compute
    from engine.desk import Desk
    from engine.history.history import History
    from engine.pipeline.context import RunContext, StepOutcome, StepProgress
    from engine.search.analysis import Analysis


class TooFew(Exception):
    """The history is too short for blocks; the verdict alone must do."""


@dataclass(frozen=True)
class Plan:
    """Which steps a run executes; `strict`: those alone, or the request is rejected."""

    named: tuple[str, ...]
    strict: bool


@dataclass(frozen=True)
class Stepping:
    """What the steps of one run work on."""

    desk: Desk
    obey: Obey
    run_id: str
    history: History
    analysis: Analysis
    compute: Compute
    given: Mapping[str, Value] = field(default_factory=dict)
    """Parameters that the request sets for its own run."""

    async def run(self, judge: Judge, steps: Sequence[str], force: str, plan: Plan | None) -> None:
        """Run the steps, `force` whatever is recorded; TooFew before the first one where the history is too short for blocks."""
        from engine.pipeline.blocks import TooFewDraws, lay_out

        context = self._context({})
        try:
            parameters = context.parameters
            lay_out(
                len(self.history),
                len(self.history) // 3,
                dev=parameters.dev_blocks,
                embargo=parameters.embargo,
            )
            if self.analysis.verdict != "identified":
                from engine.pipeline.window_plan import make_plan

                make_plan(context)
        except TooFewDraws as few:
            raise TooFew(str(few)) from few

        async def run_step(step: str, overlay: Mapping[str, Value]) -> Outcome:
            return await self._run_step(
                self._context(overlay), step, force=step == force, retried=bool(overlay)
            )

        for step in steps:
            try:
                if plan is None or step in plan.named or not await self._carried(context, step, plan):
                    await judge.steps([step], run_step, self._tell)
            except Skipped:
                await self._skipped(context, step)
            self.desk.board.skip = None  # also where it came after the step's last piece
        self.desk.board.step = None

    async def _carried(self, ctx: RunContext, step: str, plan: Plan) -> bool:
        """Carry a step's outputs over; False where they cannot be and the plan lets the step run instead."""
        from engine.pipeline.carry import carry
        from engine.pipeline.context import StepRefused

        self.obey("end")
        try:
            self._tell(step, await asyncio.to_thread(carry, ctx, step))
        except StepRefused as refused:
            if plan.strict:
                raise Rejected(str(refused)) from refused
            return False
        return True

    async def _skipped(self, ctx: RunContext, step: str) -> None:
        """Go on with what an earlier run made of a step that a person skips; the request ends where that cannot be."""
        from engine.pipeline.carry import carry
        from engine.pipeline.context import StepRefused

        try:
            self._tell(step, await asyncio.to_thread(carry, ctx, step))
        except StepRefused as refused:
            raise Rejected(f"step {step} was skipped by a person: {refused}") from refused

    async def _run_step(self, ctx: RunContext, step: str, *, force: bool, retried: bool) -> StepOutcome:
        """Run one step; step 1 of an identified history takes over the identification, unless it is retried."""
        from engine.pipeline import runner
        from engine.pipeline.window_given import from_analysis

        self.obey("end")
        if step == "1" and self.analysis.verdict == "identified" and not retried:
            known = runner.up_to_date(ctx, "1", own=force)
            if known is not None:
                return known
            outcome = from_analysis(ctx, self.analysis)
            runner.record(ctx, outcome)
            return outcome
        aside = gpu_phase(self.desk, f"step 1 {ctx.run}") if step == "1" else nullcontext()
        async with aside:
            return await runner.run_step(ctx, step, self._progress, force=force)

    def _context(self, overlay: Mapping[str, Value]) -> RunContext:
        from engine.pipeline.context import RunContext
        from engine.pipeline.parameters import PipelineParameters
        from engine.pipeline.seedtree import SeedTree

        told = {**self.given, **overlay}
        changed = {name.removeprefix("pipeline."): value for name, value in told.items()}
        space = self.desk.space().model_copy(update={"range": self.analysis.range})
        return RunContext(
            history=self.history,
            compute=self.compute,
            journal=self.desk.journal,
            artifacts=self.desk.shelf.artifacts,
            run=self.run_id,
            seeds=SeedTree(space.seed),
            parameters=PipelineParameters.read({**self.desk.parameters.values("pipeline."), **changed}),
            space=space,
        )

    def _progress(self, at: StepProgress) -> None:
        board = self.desk.board
        begun = (
            board.step.begun if board.step is not None and board.step.step == at.step else time.monotonic()
        )
        board.step = StepAt(at.step, at.done, at.total, begun, at.note, at.best, at.null)
        self.obey()

    def _tell(self, step: str, outcome: Outcome | None) -> None:
        """Put the step's state on the record, for the strip."""
        if outcome is None:
            self.desk.board.step = StepAt(step, 0, 0, time.monotonic())
            self.desk.journal.runs.step(self.run_id, step, "running")
            return
        self.desk.journal.runs.step(
            self.run_id, step, outcome.status, note=outcome.note[:200], seconds=round(outcome.seconds, 3)
        )
