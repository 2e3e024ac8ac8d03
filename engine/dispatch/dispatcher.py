"""From a request to the work it asks for: pipeline, learning loop, selfplay, an injected draw. It decides nothing."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine import logs
from engine.dispatch.overrule import overruled
from engine.dispatch.searching import Searching, since
from engine.dispatch.stepping import Plan, Stepping, TooFew
from engine.dispatch.told import of_step
from engine.dispatch.waiting import unless_halted
from engine.errors import Halted, Skipped
from engine.feedback.drift import drifted
from engine.watcher.inspection import Inspector
from engine.watcher.steps import Judge
from engine.watcher.work import Cancelled, Done, Rejected

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.history.history import History
    from engine.parameters import Value
    from engine.pipeline.artifacts import Pool
    from engine.search.analysis import Analysis
    from state.requests import RequestRow
    from state.runs import RunRow

STEPS = ("1", "2.5", "3", "4", "5", "6")
LOOP = ("3", "5", "6")
OWN = ("save_all_models",)  # parameters that a request may set for its own run


Work = Callable[["RequestRow"], Awaitable[Done]]


class Dispatcher:
    """Carries out one request at a time with what lies on the desk."""

    def __init__(self, desk: Desk) -> None:
        """Take the desk."""
        self.desk = desk
        self._searching = Searching(desk, self._obey)
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
        history = desk.history(int(run.spec["draws"]), since(run))
        await unless_halted(asyncio.to_thread(_load), self._obey)
        await unless_halted(desk.bench.ready(), self._obey)
        async with desk.bench.lend() as compute:
            analysis = await self._searching.identified(run, history, compute, search=search)
            self._obey()
            given = _given(request)
            judge = self._judge(request, run.id, given)
            stepping = Stepping(desk, self._obey, run.id, history, analysis, compute, given)
            try:
                await stepping.run(judge, steps, force, plan)
            except TooFew as few:
                return await self._without_models(run, history, analysis, str(few))
            await self._after(run)
        told = f"steps {', '.join(plan.named)}" if plan else f"{len(steps)} steps"
        return Done(f"{run.id}: {analysis.verdict}, {told}", self._proof(run.id, analysis, judge))

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

    def _judge(self, request: RequestRow, run: str, given: Mapping[str, Value]) -> Judge:
        desk = self.desk
        return Judge(
            journal=desk.journal,
            policies=desk.policies,
            registry=desk.parameters.registry,
            advisor=desk.advisor,
            values={**desk.parameters.values(), **given},
            request=request.id,
            run=run,
            inspect=Inspector(desk.shelf.artifacts, desk.journal, _code),
            known=lambda step: of_step(desk, step),
            overruled=overruled(desk.journal, request),
        )

    def _obey(self, point: str = "checkpoint") -> None:
        """Raise Halted between two pieces of work when a halt or the engine's end asks for it, Cancelled or Skipped when somebody did."""
        board = self.desk.board
        if board.cancelled is not None:
            raise Cancelled(board.cancelled)
        self.desk.halt.raise_if_asked("end" if point == "end" else "checkpoint")
        if board.stopping:
            raise Halted("the engine stops; the work goes on at the next start")
        if board.skip is not None and board.step is not None and board.step.step == board.skip:
            raise Skipped(f"step {board.skip} is skipped")

    # -- after the steps ----------------------------------------------------------------------------------------------

    async def _after(self, run: RunRow) -> None:
        """Publish the new pool, and judge open candidates on blocks that they never saw."""
        pool = self.desk.shelf.pool()
        if pool is not None:
            await self._publish(pool, since(run))
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
        await self._publish(pool, since(run))
        self.desk.journal.runs.step(run.id, "1", "skipped", note=f"no models: {few}"[:200])
        why = f"{run.id}: {analysis.verdict}; no models: {few}"
        result = {"run": run.id, "verdict": analysis.verdict, "pool": pool.sha256, "steps": {}, "few": few}
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


def _given(request: RequestRow) -> dict[str, Value]:
    """Return the registered parameters that a request sets for its own run."""
    return {f"pipeline.{name}": request.args[name] for name in OWN if name in request.args}


def _load() -> None:
    """Import what the work needs off the loop: seconds of it, the first time."""
    for name in ("engine.search.identify", "engine.pipeline.runner", "engine.pipeline.pool"):
        importlib.import_module(name)


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
