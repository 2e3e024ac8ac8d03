"""From a request to the work it asks for: pipeline, learning loop, selfplay, an injected draw. It decides nothing."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import logs
from engine.dispatch.aside import gpu_phase
from engine.dispatch.overrule import overruled
from engine.dispatch.told import of_step
from engine.dispatch.waiting import unless_halted
from engine.errors import Halted
from engine.feedback.drift import drifted
from engine.parameters import Value
from engine.status import VERDICT, SearchAt, StepAt
from engine.verdicts import verdict_record
from engine.watcher.fingerprints import Tried, fingerprint
from engine.watcher.inspection import Inspector
from engine.watcher.steps import Judge, Outcome
from engine.watcher.work import Cancelled, Done, Rejected

if TYPE_CHECKING:
    from engine.compute.cluster import Compute
    from engine.desk import Desk
    from engine.history.history import History
    from engine.pipeline.artifacts import Pool
    from engine.pipeline.context import RunContext, StepOutcome, StepProgress
    from engine.search.analysis import Analysis
    from engine.search.identify import Progress
    from engine.search.space import Space
    from state.requests import RequestRow
    from state.runs import RunRow

STEPS = ("1", "2.5", "3", "4", "5", "6")
LOOP = ("3", "5", "6")


Work = Callable[["RequestRow"], Awaitable[Done]]


@dataclass(frozen=True)
class Plan:
    """Which steps a run executes; `strict`: those alone, or the request is rejected."""

    named: tuple[str, ...]
    strict: bool


class Dispatcher:
    """Carries out one request at a time with what lies on the desk."""

    def __init__(self, desk: Desk) -> None:
        """Take the desk."""
        self.desk = desk
        self.table: Mapping[str, Work] = {
            "pipeline_rerun": self._pipeline,
            "step_force": self._force,
            "learning_loop": self._learning_loop,
            "selfplay_retrain": self._selfplay,
            "inject_draw": self._inject,
        }

    async def perform(self, request: RequestRow) -> Done:
        """Do what a request asks. Raises Halted (it goes on later), Escalated, Rejected or the fault of the work."""
        work = self.table.get(request.kind)
        if work is None:
            raise Rejected(f"request kind {request.kind!r} is unknown; known are {', '.join(self.table)}")
        return await work(request)

    # -- pipeline -----------------------------------------------------------------------------------------------------

    async def _pipeline(self, request: RequestRow) -> Done:
        first, last = _ends(request.args, "start_step", "end_step", ("1", "6"))
        return await self._run(request, STEPS[: STEPS.index(last) + 1], search=first == "1")

    async def _learning_loop(self, request: RequestRow) -> Done:
        """Exactly the named steps (3, 5, 6 unless said otherwise); what they build on is carried over.

        Where Chapter 13 asked and nothing can be carried over, the step runs too: it did not choose the steps itself.
        """
        named = tuple(request.args.get("steps") or LOOP)
        if unknown := set(named) - set(STEPS):
            raise Rejected(f"step {min(unknown)!r} does not exist; steps are {', '.join(STEPS)}")
        last = max(map(STEPS.index, named))
        plan = Plan(named, strict="steps" in request.args)
        return await self._run(request, STEPS[: last + 1], search=False, plan=plan)

    async def _force(self, request: RequestRow) -> Done:
        step, _ = _ends(request.args, "step", "step", ("", ""))
        return await self._run(request, STEPS[: STEPS.index(step) + 1], search=False, force=step)

    async def _run(
        self,
        request: RequestRow,
        steps: tuple[str, ...],
        *,
        search: bool,
        force: str = "",
        plan: Plan | None = None,
    ) -> Done:
        desk = self.desk
        if desk.intake.count < 3:
            raise Rejected(
                f"{desk.intake.count} draws are stored; at least 3 are needed: give the room a history first"
            )
        asked = {"steps": list(steps), "draws": desk.intake.count, "search": search}
        run = self._open_run(request, asked | {"since": desk.epochs.now.since})
        with logs.bound(run=run.id):
            return await self._work(request, run, steps, search=search, force=force, plan=plan)

    async def _work(
        self,
        request: RequestRow,
        run: RunRow,
        steps: tuple[str, ...],
        *,
        search: bool,
        force: str,
        plan: Plan | None,
    ) -> Done:
        desk = self.desk
        history = desk.history(int(run.spec["draws"]), _since(run))
        await unless_halted(asyncio.to_thread(_load), self._obey)
        await unless_halted(desk.bench.ready(), self._obey)
        async with desk.bench.lend() as compute:
            analysis = await self._identified(run, history, compute, search=search)
            self._obey()
            judge = self._judge(request, run.id)
            try:
                await self._steps(run, history, analysis, compute, judge, steps, force, plan)
            except _TooFew as few:
                return await self._without_models(run, history, analysis, str(few))
            await self._after(run)
        told = f"steps {', '.join(plan.named)}" if plan else f"{len(steps)} steps"
        done = Done(f"{run.id}: {analysis.verdict}, {told}", self._proof(run.id, analysis, judge))
        desk.journal.runs.move(run.id, "done", done.why, result=done.result)
        return done

    def _open_run(self, request: RequestRow, spec: Mapping[str, Any]) -> RunRow:
        """Open a run, or take up the one that an earlier attempt at this request began."""
        runs = self.desk.journal.runs
        if request.run is None:
            run = runs.open(request.kind, spec, request=request.id, cause=request.id)
        else:
            run = runs.get(request.run)
            if run.state in ("halted", "escalated"):
                runs.move(run.id, "running", "goes on from what is recorded")
        self.desk.journal.requests.start(request.id, f"{run.id} runs", run=run.id)
        return runs.get(run.id)

    def _judge(self, request: RequestRow, run: str) -> Judge:
        desk = self.desk
        return Judge(
            journal=desk.journal,
            policies=desk.policies,
            registry=desk.parameters.registry,
            advisor=desk.advisor,
            values=desk.parameters.values(),
            request=request.id,
            run=run,
            inspect=Inspector(desk.shelf.artifacts, desk.journal, _code),
            known=lambda step: of_step(desk, step),
            overruled=overruled(desk.journal, request),
        )

    # -- identification -----------------------------------------------------------------------------------------------

    async def _identified(self, run: RunRow, history: History, compute: Compute, *, search: bool) -> Analysis:
        """Return the verdict for the run: searched now, or the last one where nothing asks for a new search."""
        if not search:
            known = self.desk.shelf.last_analysis(_since(run))
            if known is not None:
                return known
        return await self._search(run, history, compute)

    async def _search(self, run: RunRow, history: History, compute: Compute) -> Analysis:
        from engine.search.identify import identify

        desk, space = self.desk, self.desk.space()
        mark = fingerprint(
            history.digest, space.families, space.mappings or ("native",), space.model_dump(mode="json")
        )
        if desk.fingerprints.find(mark) is not None:
            known = desk.shelf.analysis(mark)
            if known is not None and known.stopped_by in ("found", "exhausted"):
                return known
        try:
            async with gpu_phase(desk, f"search {run.id}"):
                analysis = await identify(
                    history,
                    space,
                    compute,
                    desk.journal,
                    run=run.id,
                    progress=self._searching,
                    under=f"{mark[:16]}|",
                )
                if (
                    analysis.stopped_by == "halt"
                ):  # raised here: nobody waits for a model to load before the halt is reached
                    raise Halted(f"{run.id}: halted while searching; finished chunks are recorded")
        finally:
            desk.board.search = None
        self._publish_verdict(mark, run, history, space, analysis)
        return analysis

    def _publish_verdict(
        self, mark: str, run: RunRow, history: History, space: Space, analysis: Analysis
    ) -> None:
        self.desk.shelf.keep_analysis(mark, analysis, history.digest)
        told = verdict_record(analysis, self.desk.board.last_search, run.id, mark, _since(run))
        self.desk.journal.append(VERDICT, told)
        self.desk.fingerprints.record(
            Tried(
                fingerprint=mark,
                data=history.digest,
                families=space.families,
                mappings=space.mappings or ("native",),
                parameters=space.model_dump(mode="json"),
                outcome=analysis.verdict,
                run=run.id,
            )
        )

    def _searching(self, at: Progress) -> None:
        names = SearchAt.__dataclass_fields__
        self.desk.board.search = self.desk.board.last_search = SearchAt(
            **{name: getattr(at, name) for name in names}
        )
        self._obey()

    # -- steps --------------------------------------------------------------------------------------------------------

    async def _steps(
        self,
        run: RunRow,
        history: History,
        analysis: Analysis,
        compute: Compute,
        judge: Judge,
        steps: tuple[str, ...],
        force: str,
        plan: Plan | None,
    ) -> None:
        from engine.pipeline.blocks import TooFewDraws, lay_out

        context = self._context(run.id, history, analysis, compute, {})
        try:
            parameters = context.parameters
            lay_out(len(history), len(history) // 3, dev=parameters.dev_blocks, embargo=parameters.embargo)
            if analysis.verdict != "identified":
                from engine.pipeline.step1_window import make_plan

                make_plan(context)
        except TooFewDraws as few:
            raise _TooFew(str(few)) from few

        async def run_step(step: str, overlay: Mapping[str, Value]) -> Outcome:
            ctx = self._context(run.id, history, analysis, compute, overlay)
            return await self._run_step(ctx, step, analysis, force=step == force, retried=bool(overlay))

        def tell(step: str, outcome: Outcome | None) -> None:
            self._tell(run.id, step, outcome)

        for step in steps:
            if plan is None or step in plan.named or not await self._carried(context, step, plan, tell):
                await judge.steps([step], run_step, tell)
        self.desk.board.step = None

    async def _carried(
        self, ctx: RunContext, step: str, plan: Plan, tell: Callable[[str, Outcome | None], None]
    ) -> bool:
        """Carry a step's outputs over; False where they cannot be and the plan lets the step run instead."""
        from engine.pipeline.carry import carry
        from engine.pipeline.context import StepRefused

        self._obey("end")
        try:
            tell(step, await asyncio.to_thread(carry, ctx, step))
        except StepRefused as refused:
            if plan.strict:
                raise Rejected(str(refused)) from refused
            return False
        return True

    async def _run_step(
        self, ctx: RunContext, step: str, analysis: Analysis, *, force: bool, retried: bool
    ) -> StepOutcome:
        """Run one step; step 1 of an identified history takes over the identification, unless it is retried."""
        from engine.pipeline import runner, step1_window

        self._obey("end")
        if step == "1" and analysis.verdict == "identified" and not retried:
            known = None if force else runner.up_to_date(ctx, "1")
            if known is not None:
                return known
            outcome = step1_window.from_analysis(ctx, analysis)
            runner.record(ctx, outcome)
            return outcome
        aside = gpu_phase(self.desk, f"step 1 {ctx.run}") if step == "1" else nullcontext()
        async with aside:
            return await runner.run_step(ctx, step, self._progress, force=force)

    def _context(
        self, run: str, history: History, analysis: Analysis, compute: Compute, overlay: Mapping[str, Value]
    ) -> RunContext:
        from engine.pipeline.context import RunContext
        from engine.pipeline.parameters import PipelineParameters
        from engine.pipeline.seedtree import SeedTree

        changed = {name.removeprefix("pipeline."): value for name, value in overlay.items()}
        space = self.desk.space().model_copy(update={"range": analysis.range})
        return RunContext(
            history=history,
            compute=compute,
            journal=self.desk.journal,
            artifacts=self.desk.shelf.artifacts,
            run=run,
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
        self._obey()

    def _tell(self, run: str, step: str, outcome: Outcome | None) -> None:
        """Put the step's state on the record, for the strip."""
        if outcome is None:
            self.desk.board.step = StepAt(step, 0, 0, time.monotonic())
            self.desk.journal.runs.step(run, step, "running")
            return
        self.desk.journal.runs.step(
            run, step, outcome.status, note=outcome.note[:200], seconds=round(outcome.seconds, 3)
        )

    def _obey(self, point: str = "checkpoint") -> None:
        """Raise Halted between two pieces of work when a halt or the engine's end asks for it, Cancelled when somebody did."""
        if self.desk.board.cancelled is not None:
            raise Cancelled(self.desk.board.cancelled)
        self.desk.halt.raise_if_asked("end" if point == "end" else "checkpoint")
        if self.desk.board.stopping:
            raise Halted("the engine stops; the work goes on at the next start")

    # -- after the steps ----------------------------------------------------------------------------------------------

    async def _after(self, run: RunRow) -> None:
        """Publish the new pool, and judge open candidates on blocks that they never saw."""
        pool = self.desk.shelf.pool()
        if pool is not None:
            await self._publish(pool, _since(run))
        if (scored := self.desk.shelf.scored()) is not None:
            from engine.dispatch.selfplay import evaluate

            drifted(self.desk.journal, scored[0], run.id)
            await evaluate(self.desk, scored, run.id)

    async def _publish(self, pool: Pool, since: int) -> None:
        """Put the pool in force, unless what is in force is worth more, and forecast the coming draw by it."""
        if self.desk.publish(pool, since):
            await self.desk.cycle().issue()

    async def _without_models(self, run: RunRow, history: History, analysis: Analysis, few: str) -> Done:
        """Publish what the verdict alone supports where there are too few draws to validate a model on."""
        from engine.feedback.pools import direct_pool

        pool = direct_pool(analysis, history, heads=int(self.desk.parameters.values("pipeline.")["heads"]))
        await self._publish(pool, _since(run))
        why = f"{run.id}: {analysis.verdict}; no models: {few}"
        result = {"run": run.id, "verdict": analysis.verdict, "pool": pool.sha256, "steps": {}, "few": few}
        self.desk.journal.runs.move(run.id, "done", why[:400], result=result)
        return Done(why, result)

    def _proof(self, run: str, analysis: Analysis, judge: Judge) -> dict[str, Any]:
        row = self.desk.journal.runs.get(run)
        steps = {step: {key: at.get(key) for key in ("status", "seconds")} for step, at in row.steps.items()}
        return {"run": run, "verdict": analysis.verdict, "steps": steps, "retries": judge.retries()}

    # -- selfplay and injection ---------------------------------------------------------------------------------------

    async def _selfplay(self, request: RequestRow) -> Done:
        from engine.dispatch.selfplay import selfplay, spec_of

        run = self._open_run(request, spec_of(self.desk, request))
        with logs.bound(run=run.id):
            return await selfplay(self.desk, request, run, self._obey)

    async def _inject(self, request: RequestRow) -> Done:
        from engine.history.store import Arrival

        desk = self.desk
        if not desk.board.test_mode:
            raise Rejected(
                "draws are injected in test mode only: test_mode and synthetic_injection.enabled must both be set"
            )
        value = request.args.get("value")
        if not isinstance(value, int) or isinstance(value, bool):
            raise Rejected(f"inject_draw: value {value!r} is not an integer")
        desk.journal.requests.start(request.id, "storing the draw")
        seqs = desk.intake.append([Arrival(value, id=f"injected-{request.id}")], "injected")
        return Done(f"draw {seqs[0] - 1} stored", {"index": seqs[0] - 1, "value": value})


def _code() -> str:
    """Return the revision that a step's numbers are made by."""
    from engine.pipeline.shelf import code_digest

    return code_digest()


def _load() -> None:
    """Import what the work needs off the loop: seconds of it, the first time."""
    for name in ("engine.search.identify", "engine.pipeline.runner", "engine.pipeline.pool"):
        importlib.import_module(name)


def _since(run: RunRow) -> int:
    """Return the first draw of the epoch that a run is about."""
    return int(run.spec.get("since", 0))


class _TooFew(Exception):
    """The history is too short for blocks; the verdict alone must do."""


def _ends(args: Mapping[str, Any], first: str, last: str, default: tuple[str, str]) -> tuple[str, str]:
    """Return the first and last step that a request names; Rejected names a wrong one."""
    found = []
    for name, fallback in ((first, default[0]), (last, default[1])):
        step = str(args.get(name, fallback))
        step = "2.5" if step == "2" else step
        if step not in STEPS:
            raise Rejected(f"{name} {step!r} does not exist; steps are {', '.join(STEPS)}")
        found.append(step)
    if STEPS.index(found[0]) > STEPS.index(found[1]):
        raise Rejected(f"{first} {found[0]} lies after {last} {found[1]}")
    return found[0], found[1]
