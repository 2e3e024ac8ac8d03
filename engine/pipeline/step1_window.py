"""Step 1, window optimizer: Optuna searches window, session, gap law and gaps, starts and threshold; every trial is a sieve with null twins.

A trial's value is evidence in bits, never a count: how much rarer its best match is than the best of its null twins, plus its
e-value on draws that the window did not show, less what the number of trials costs. Each part is the log of an e-value, so 2^value
averages to 1 at most over all trials where nothing is to be found. A trial sieves its seeds rung by rung and is pruned where the
median of the trials before leads it. Everything here selects, so everything here stays inside the first part of the history; later
steps validate on the rest.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from engine.errors import Halted
from engine.pipeline.context import Progress, RunContext, StepOutcome
from engine.pipeline.shelf import code_digest
from engine.pipeline.study import Rungs, Study, optimise
from engine.pipeline.window_kept import Sweeps, write
from engine.pipeline.window_plan import Plan, make_plan
from engine.pipeline.window_trials import detail, distributions, joined, objective, opening, spec_of
from engine.search.sweep import SweepResult, SweepSpec, asked, sweep


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Search, keep the best survivors of all trials, write the window's configuration and the survivors."""
    plan = await asyncio.to_thread(make_plan, ctx)
    study = Study(
        "1",
        distributions(ctx, plan),
        ctx.parameters.window_trials,
        ctx.parameters.window_batch,
        _about(ctx, plan),
        ctx.parameters.deterministic,
        opening(ctx, plan),
    )
    key, rungs = study.key(ctx.run), plan.rungs(ctx.parameters.window_rungs)
    sweeps: Sweeps = {}

    def specs(number: int, params: dict[str, Any]) -> list[SweepSpec]:
        whole = spec_of(ctx, plan, key, number, params)
        return [replace(whole, seeds=seeds, key=f"{whole.key}/{at}") for at, seeds in enumerate(rungs)]

    async def one(number: int, params: dict[str, Any], at: Rungs) -> tuple[float, dict[str, Any]]:
        done = sweeps.setdefault(number, [])
        for spec in specs(number, params):
            done.append(await whole_sweep(ctx, spec))
            value = objective(joined(done), spec, study.trials, plan)
            if len(done) < len(rungs) and at.report(value):
                break
        return value, detail(spec, joined(done), len(done))

    trials = await optimise(ctx, study, one, progress)
    for trial in trials:  # a resumed study: the ledger gives the sweeps back without running them again
        if trial.number not in sweeps:
            again = specs(trial.number, trial.params)[: trial.detail["rungs"]]
            sweeps[trial.number] = [await whole_sweep(ctx, spec) for spec in again]
    ran = {t.number: specs(t.number, t.params)[0] for t in trials}
    return await asyncio.to_thread(write, ctx, plan, trials, ran, sweeps)


def _about(ctx: RunContext, plan: Plan) -> dict[str, Any]:
    """Return what the trials' values depend on beside their parameters: another data digest, objective or code is another study."""
    return {
        "history": ctx.history.digest,
        "plan": str(plan),
        "space": ctx.space.model_dump(mode="json"),
        "code": code_digest(),
        "trials": ctx.parameters.window_trials,
        "rungs": ctx.parameters.window_rungs,
        "keep": ctx.parameters.max_survivors,
    }


async def whole_sweep(ctx: RunContext, spec: SweepSpec) -> SweepResult:
    """Run one sweep; raise Halted where it covered less than it was asked for, so that no trial is judged on a part."""
    found = await sweep(ctx.compute, ctx.journal, spec)
    if found.hypotheses < asked(spec):
        raise Halted(f"{spec.key}: halted after {found.hypotheses} of {asked(spec)} hypotheses")
    return found
