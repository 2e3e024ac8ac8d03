"""Optuna by ask and tell, over the journal: every trial is billed before it is asked, on record before it runs, never run twice.

The ledger wins: a resumed study is rebuilt trial by trial from what the journal holds, and goes on with trials that were asked and
did not end under the parameters they were asked with. In deterministic mode (the default) trials go in fixed batches that are told in
trial order and each trial has its own sampler seed, so the study depends on the seed tree alone. Otherwise as many are in flight as a
batch has, and each is told as soon as it ends. A trial that reports intermediate values may be pruned by the median of those told.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import Trial as OptunaTrial
from optuna.trial import TrialState

from engine.errors import Halted
from engine.pipeline.context import Progress, RunContext, StepProgress

ASKED, FINISHED = "trial.asked", "trial.finished"
STORY = 1 << 20  # events of one run that are looked through
State = Literal["complete", "pruned"]
T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """One finished trial: its parameters, its value (larger is better), what it reported, and whether it was cut short."""

    number: int
    params: dict[str, Any]
    value: float
    detail: dict[str, Any]
    state: State = "complete"
    reports: tuple[float, ...] = ()


@dataclass(frozen=True)
class Study:
    """What is searched: `space` by name, `trials` in batches of `batch`; `about` names everything else the values depend on."""

    step: str
    space: Mapping[str, BaseDistribution]
    trials: int
    batch: int
    about: Mapping[str, Any]
    deterministic: bool = True
    first: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters that the first trials are told, by number; the sampler finds the others."""

    def key(self, run: str) -> str:
        """Return the name under which the trials are billed and recorded; another question has another name."""
        space = {name: repr(one) for name, one in sorted(self.space.items())}
        text = json.dumps([dict(self.about), space, self.batch, self.deterministic], sort_keys=True)
        return f"{run}/step{self.step}/{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass
class Rungs:
    """Where a running trial reports its intermediate values; True means that it should end here."""

    trial: OptunaTrial
    reports: list[float] = field(default_factory=list)
    pruned: bool = False

    def report(self, value: float) -> bool:
        """Take the value so far and say whether the median of the trials told before leads it."""
        self.trial.report(value, len(self.reports))
        self.reports.append(value)
        self.pruned = bool(self.trial.should_prune())
        return self.pruned


Run = Callable[[int, dict[str, Any], Rungs], Coroutine[Any, Any, tuple[float, dict[str, Any]]]]


@dataclass
class _Ledger:
    """What the journal holds of one study."""

    asked: dict[int, dict[str, Any]] = field(default_factory=dict)
    finished: dict[int, Trial] = field(default_factory=dict)

    @classmethod
    def read(cls, ctx: RunContext, key: str) -> _Ledger:
        made = cls()
        for event in ctx.journal.story(ctx.run, role="run", limit=STORY):
            if event.kind in (ASKED, FINISHED) and event.data["study"] == key:
                made._take(event.kind, event.data)
        return made

    def _take(self, kind: str, data: Mapping[str, Any]) -> None:
        number = data["trial"]
        if kind == ASKED:
            self.asked.setdefault(number, data["params"])
            return
        told = {name: data[name] for name in ("value", "detail", "state")}
        self.finished[number] = Trial(number, data["params"], **told, reports=tuple(data["reports"]))


@dataclass
class _Bench:
    """One study at work: the sampler's view, the ledger, and the trial function."""

    ctx: RunContext
    study: Study
    run: Run
    key: str
    ledger: _Ledger
    inner: optuna.Study

    def ask(self, number: int) -> OptunaTrial:
        """Bill a trial, ask for its parameters (the recorded ones, if there are any), put them on record."""
        self.inner.sampler = _sampler(self.ctx, self.study, number)
        known = self.ledger.asked.get(number)
        self.ctx.journal.bill(f"{self.key}/trial/{number}", 1, {"step": self.study.step, "trial": number})
        told = self.study.first.get(number) if known is None else known
        if told is not None:
            self.inner.enqueue_trial(dict(told))
        trial = self.inner.ask(dict(self.study.space))
        if known is None:
            self.ctx.journal.append(ASKED, self._event(number, trial.params))
        return trial

    async def finish(self, number: int, asked: OptunaTrial) -> Trial:
        """Run one trial, or take it from the ledger."""
        known, rungs = self.ledger.finished.get(number), Rungs(asked)
        if known is not None:
            for value in known.reports:
                rungs.report(value)
            return known
        began = time.monotonic()
        value, detail = await self.run(number, asked.params, rungs)
        state: State = "pruned" if rungs.pruned else "complete"
        told = {"value": value, "detail": detail, "state": state, "reports": rungs.reports}
        seconds = round(time.monotonic() - began, 3)
        await asyncio.to_thread(
            self.ctx.journal.append,
            FINISHED,
            {**self._event(number, asked.params), **told, "seconds": seconds},
        )
        return Trial(number, asked.params, value, detail, state, tuple(rungs.reports))

    def tell(self, asked: OptunaTrial, trial: Trial) -> None:
        """Let the sampler learn from a trial."""
        if trial.state == "pruned":
            self.inner.tell(asked, state=TrialState.PRUNED)
        else:
            self.inner.tell(asked, trial.value)

    def _event(self, number: int, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "study": self.key, "run": self.ctx.run, "step": self.study.step, "trial": number, "params": dict(params)
        }  # fmt: skip


async def optimise(ctx: RunContext, study: Study, run: Run, progress: Progress) -> list[Trial]:
    """Ask, run and tell every trial; return them in trial order. Raise Halted between or inside trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    key = study.key(ctx.run)
    inner = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=startup(study.batch))
    )
    ledger = await asyncio.to_thread(_Ledger.read, ctx, key)
    bench = _Bench(ctx, study, run, key, ledger, inner)
    told: dict[int, Trial] = {}

    def tell(asked: OptunaTrial, trial: Trial) -> None:
        bench.tell(asked, trial)
        told[trial.number] = trial
        best = max(told.values(), key=lambda one: (one.value, -one.number))
        progress(StepProgress(study.step, len(told), study.trials, f"trial {best.number} leads", best.value))

    await (_in_batches if study.deterministic else _in_flight)(bench, tell)
    return [told[number] for number in sorted(told)]


Tell = Callable[[OptunaTrial, Trial], None]


async def _in_batches(bench: _Bench, tell: Tell) -> None:
    """Run batch by batch; a batch is told in trial order once all of it has ended."""
    trials, size = bench.study.trials, bench.study.batch
    for first in range(0, trials, size):
        numbers = range(first, min(first + size, trials))
        asked = [await asyncio.to_thread(bench.ask, number) for number in numbers]
        pairs = list(zip(numbers, asked, strict=True))
        done = await together([bench.finish(number, trial) for number, trial in pairs])
        for (_, trial), one in zip(pairs, done, strict=True):
            tell(trial, one)


async def _in_flight(bench: _Bench, tell: Tell) -> None:
    """Keep a batch's worth of trials in flight; tell each as it ends, then ask the next."""
    waiting = iter(range(bench.study.trials))
    flying: dict[asyncio.Task[Trial], OptunaTrial] = {}
    failures: list[BaseException] = []

    async def fill() -> bool:
        while (
            not failures and len(flying) < bench.study.batch and (number := next(waiting, None)) is not None
        ):
            asked = await asyncio.to_thread(bench.ask, number)
            flying[asyncio.create_task(bench.finish(number, asked))] = asked
        return bool(flying)

    try:
        while await fill():
            done, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda one: flying[one].number):
                asked, error = flying.pop(task), task.exception()
                if error is None:
                    tell(asked, task.result())
                else:
                    failures.append(error)
    finally:  # a cancelled study leaves no trial running
        for task in flying:
            task.cancel()
    _raise_first(failures)


def _sampler(ctx: RunContext, study: Study, number: int) -> optuna.samplers.BaseSampler:
    seed = ctx.seeds.child(f"step{study.step}").integer(f"sampler/{number}")
    return optuna.samplers.TPESampler(seed=seed, constant_liar=True, n_startup_trials=startup(study.batch))


def startup(batch: int) -> int:
    """Return how many trials are random before any is judged by the others."""
    return max(4, batch)


async def together(work: Sequence[Awaitable[T]]) -> list[T]:
    """Await all of them, then raise the first failure, a halt before anything else; none is left running."""
    results = await asyncio.gather(*work, return_exceptions=True)
    _raise_first([one for one in results if isinstance(one, BaseException)])
    return [one for one in results if not isinstance(one, BaseException)]


def _raise_first(failures: Sequence[BaseException]) -> None:
    for failure in sorted(failures, key=lambda one: not isinstance(one, Halted)):
        raise failure
