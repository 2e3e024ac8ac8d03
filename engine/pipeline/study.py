"""Optuna by ask and tell, over the journal: every trial is billed before it is asked, recorded when it ends, never run twice.

Trials go in fixed batches that are told in trial order, and each batch has its own sampler seed. So the study depends on the seed
tree alone, not on which worker was faster, and a resumed study asks exactly what the interrupted one had asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import Trial as OptunaTrial

from engine.errors import Halted
from engine.pipeline.context import Progress, RunContext, StepProgress

FINISHED = "trial.finished"
STORY = 1 << 20  # events of one run that are looked through
T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """One finished trial: its parameters, its value (larger is better) and what it reported."""

    number: int
    params: dict[str, Any]
    value: float
    detail: dict[str, Any]


@dataclass(frozen=True)
class Study:
    """What is searched: `space` by name, `trials` in batches of `batch`; `about` names everything else the values depend on."""

    step: str
    space: Mapping[str, BaseDistribution]
    trials: int
    batch: int
    about: Mapping[str, Any]

    def key(self, run: str) -> str:
        """Return the name under which the trials are billed and recorded; another question has another name."""
        text = json.dumps(
            [dict(self.about), {name: repr(one) for name, one in sorted(self.space.items())}, self.batch],
            sort_keys=True,
        )
        return f"{run}/step{self.step}/{hashlib.sha256(text.encode()).hexdigest()[:12]}"


Run = Callable[[int, dict[str, Any]], Coroutine[Any, Any, tuple[float, dict[str, Any]]]]


async def optimise(ctx: RunContext, study: Study, run: Run, progress: Progress) -> list[Trial]:
    """Ask, run and tell every trial; return them in trial order. Raise Halted between or inside trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    inner = optuna.create_study(direction="maximize", sampler=_sampler(ctx, study, 0))
    key, known = study.key(ctx.run), await asyncio.to_thread(_finished, ctx, study)
    told: list[Trial] = []
    for first in range(0, study.trials, study.batch):
        numbers = range(first, min(first + study.batch, study.trials))
        asked = await asyncio.to_thread(_ask, ctx, study, inner, numbers, key)
        batch = await together(
            [_one(ctx, key, known, run, number, asked[number].params) for number in numbers]
        )
        for one, trial in zip(batch, asked.values(), strict=True):
            inner.tell(trial, one.value)
            told.append(one)
        best = max(told, key=lambda one: one.value)
        progress(StepProgress(study.step, len(told), study.trials, f"trial {best.number} leads", best.value))
    return told


def _sampler(ctx: RunContext, study: Study, first: int) -> optuna.samplers.BaseSampler:
    seed = ctx.seeds.child(f"step{study.step}").integer(f"sampler/{first}")
    return optuna.samplers.TPESampler(seed=seed, constant_liar=True, n_startup_trials=max(4, study.batch))


def _ask(
    ctx: RunContext, study: Study, inner: optuna.Study, numbers: range, key: str
) -> dict[int, OptunaTrial]:
    inner.sampler = _sampler(ctx, study, numbers.start)
    asked = {}
    for number in numbers:
        ctx.journal.bill(f"{key}/trial/{number}", 1, {"step": study.step, "trial": number})
        asked[number] = inner.ask(dict(study.space))
    return asked


async def _one(
    ctx: RunContext,
    key: str,
    known: Mapping[int, Trial],
    run: Run,
    number: int,
    params: dict[str, Any],
) -> Trial:
    if number in known and known[number].params == params:
        return known[number]
    value, detail = await run(number, params)
    data = {"study": key, "run": ctx.run, "trial": number, "params": params, "value": value, "detail": detail}
    await asyncio.to_thread(ctx.journal.append, FINISHED, data)
    return Trial(number, params, value, detail)


def _finished(ctx: RunContext, study: Study) -> dict[int, Trial]:
    key = study.key(ctx.run)
    return {
        event.data["trial"]: Trial(
            event.data["trial"], event.data["params"], event.data["value"], event.data["detail"]
        )
        for event in ctx.journal.story(ctx.run, role="run", limit=STORY)
        if event.kind == FINISHED and event.data["study"] == key
    }


async def together(work: Sequence[Awaitable[T]]) -> list[T]:
    """Await all of them, then raise the first failure, a halt before anything else; none is left running."""
    results = await asyncio.gather(*work, return_exceptions=True)
    failures = [one for one in results if isinstance(one, BaseException)]
    for failure in sorted(failures, key=lambda one: not isinstance(one, Halted)):
        raise failure
    return [one for one in results if not isinstance(one, BaseException)]
