"""The one door to where work runs: submit tasks, get results as they complete, stop everything, lose nothing."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from engine import logs
from engine.compute import here
from engine.compute.attempts import FILE_NAME, Attempt, AttemptLog
from engine.compute.awake import awake
from engine.compute.faults import Faults
from engine.compute.inputs import FOLDER, Input
from engine.compute.job import failed, stopped
from engine.compute.kinds import SHORT, at_home
from engine.compute.life import Ground, Life
from engine.compute.lives import Lives
from engine.compute.place import Place, WorkerInfo
from engine.compute.rates import Paces, RateSeries, hypotheses_in
from engine.compute.roster import degraded, roster
from engine.compute.slot import Slot
from engine.compute.stop import NAME, StopWord
from engine.compute.stream import Tasks, each, stream
from engine.compute.supplies import Stager, lent
from engine.compute.task import Task, TaskResult
from engine.compute.traffic import Traffic
from engine.errors import EnvironmentFault, UsageError

logger = logging.getLogger(__name__)

PER_WORKER = 2.5
"""Tasks in flight per worker: enough to hide the round trip, few enough to lose little."""
_STOP_LOOK, _IDLE_LOOK, _CARE_LOOK = 0.05, 0.25, 0.5


class Compute:
    """Runs tasks on worker processes, of this machine and of those that are enlisted, and keeps them alive.

    Contract for every backend (`tests/compute/conformance.py` proves it): a task gives exactly one result; a failing kind, a
    dead worker or a lost scheduler never loses one; a halt brings every result back within a second; results arrive in the
    order of completion; no task goes to a machine that has not confirmed its inputs. Use it from the loop that started it;
    `stop_now` alone may be called from anywhere. The loop's thread must outlive it, because the processes die with the thread
    that started them.
    """

    def __init__(
        self, state: Path, word: StopWord, places: list[Place], kinds: Mapping[str, str], memory: int | None,
        hung: float | None = None,
    ) -> None:  # fmt: skip
        """Prepare; use `Compute.start`."""
        self._word, self._places = word, {place.name: place for place in places}
        self._ground = Ground(state, kinds, memory, word.generation, self._halted)
        self._generation = self._told = word.generation()
        self._rates = RateSeries()
        self._paces = Paces()
        self._faults = Faults()
        self._attempts = AttemptLog(state / "logs" / FILE_NAME)
        self._traffic = Traffic(self._attempts, kinds, hung)
        self._lives = Lives(self._ground, self._places, self._traffic)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def start(
        cls, state: Path, *, workers: int | None = None, memory: int | None = None, kinds: Mapping[str, str] | None = None,
        hung: float | None = None, cards: here.Cards | None = None,
    ) -> Compute:  # fmt: skip
        """Start scheduler and `workers` workers of this machine for the state directory `state`.

        Default: one a usable core, and at least one a GPU; the first ones own a GPU each of `cards`, by default all that a driver lists. 0 leaves all
        work to enlisted machines. `memory` is the resident size in bytes above which an idle worker is replaced. `kinds` adds kinds of work for tests;
        `hung` shortens the seconds (`kinds.LIMITS`) after which a task counts as hung. EnvironmentFault if nothing comes up.
        """
        cards = here.Cards(tuple(here.gpus())) if cards is None else cards
        count = max(here.cores(), len(cards.shown)) if workers is None else workers
        if count < 0:
            raise UsageError(f"workers={count}; it cannot be negative")
        state = Path(state).absolute()
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        await asyncio.to_thread(shutil.rmtree, state / FOLDER, ignore_errors=True)
        places = here.places(state, count, cards)
        compute = cls(state, StopWord(state / NAME), places, dict(kinds or {}), memory, hung)
        try:
            await compute._lives.begin()
        except BaseException:
            compute._traffic.close()
            compute._word.close()
            raise
        compute._tasks = [
            asyncio.create_task(compute._lives.supervise()),
            asyncio.create_task(compute._watch_stop()),
            asyncio.create_task(compute._care()),
        ]
        return compute

    @property
    def _life(self) -> Life | None:
        return self._lives.now

    def _slots(self) -> list[Slot]:
        return list(self._life.slots.values()) if self._life is not None else []

    # -- machines -----------------------------------------------------------------------------------------------------

    def enlist(self, place: Place) -> None:
        """Keep a worker at one more place from now on; UsageError if the name is taken."""
        self._lives.add(place)

    async def dismiss(self, name: str) -> None:
        """End the worker of a place and keep none there; what it held runs elsewhere."""
        await self._lives.remove(name)

    async def use_card(self, name: str, used: bool) -> None:
        """Start a worker of this machine again with its GPU, or on the CPU; what it held runs elsewhere. Nothing starts in a halted room."""
        if not self._halted():
            await self._lives.use_card(name, used)

    def hold(self, name: str, held: bool = True) -> None:
        """Hand a worker nothing new, or again; what it holds it finishes."""
        self._traffic.hold(name, held)

    @property
    def port(self) -> int:
        """Return the scheduler's loopback port; it stays the same over lives of the scheduler where it can."""
        return self._lives.port

    # -- inputs -------------------------------------------------------------------------------------------------------

    def shared(self, arrays: Mapping[str, npt.NDArray[Any]]) -> AbstractAsyncContextManager[Input]:
        """Lend a file of arrays that many tasks read: sent once to each machine instead of with each task, gone at the end."""
        return lent(self._traffic.supplies, self._ground.state / FOLDER, arrays)

    def bring_by(self, stager: Stager | None) -> None:
        """Let `stager` bring inputs to other machines from now on."""
        self._traffic.supplies.stager = stager

    def wanted_inputs(self) -> frozenset[str]:
        """Return the digests of the inputs that somebody needs; from any thread."""
        return self._traffic.supplies.wanted

    def confirm(self, host: str, digests: Iterable[str]) -> None:
        """Take in that a machine has these inputs whole."""
        self._traffic.supplies.confirm(host, digests)
        self._traffic.deal_soon()

    def unstaged(self, host: str, why: str) -> None:
        """Take in that a machine did not get its inputs; it is tried again, and until then gets no chunk that needs them."""
        logger.error("%s has not got its inputs: %s", host, why)
        self._traffic.supplies.refuse(host, why)

    def lost_inputs(self, host: str) -> None:
        """Take in that nothing is known any more of what a machine has."""
        self._traffic.supplies.forget(host)

    # -- work ---------------------------------------------------------------------------------------------------------

    async def run(self, task: Task) -> TaskResult:
        """Run one task and return its result; what goes wrong with the task stands in the result."""
        return await self._fly(task, self._generation)

    def map(self, tasks: Tasks, *, window: int | None = None) -> AsyncGenerator[TaskResult, None]:
        """Yield the results of `tasks` as they complete, reading the iterable only as fast as work is done.

        At most `window` tasks are in flight, and never more than 2.5 per worker; of the kinds in `SHORT` as many more as make a
        second of work for each worker. After a halt what is in flight comes back stopped and the rest of the iterable is not read; where nothing was in flight, one task
        comes back stopped, so that an early end never looks like a whole one.
        Closing the iterator cancels what is in flight; leave the loop early inside `contextlib.aclosing`, or that happens only when
        the garbage collector comes by.
        """
        generation = self._generation
        return stream(
            each(tasks),
            lambda task: self._fly(task, generation),
            lambda kind: self._room(window, kind),
            lambda: self._word.generation() != generation,
        )

    def _room(self, window: int | None, kind: str) -> int:
        """Return how many tasks of a map may be in flight."""
        most = max(1, int(PER_WORKER * max(1, len(self._places))))
        if kind in SHORT:
            most = max(most, self._traffic.dealer.wanted(kind))
        return most if window is None else max(1, min(window, most))

    async def _fly(self, task: Task, generation: int) -> TaskResult:
        """Take one task to its result, unless it is clear beforehand that it has none."""
        if self._traffic.closed:
            raise EnvironmentFault(f"compute is closed; task {task.key} was not run")
        if self._word.generation() != generation:
            return stopped(task)
        if at_home(task.kind) and all(place.remote for place in self._places.values()):
            why = "only workers of this machine have what it needs, and there is none"
            return failed(task, f"{task.kind} {task.key}: {why}")
        result = await self._traffic.fly(task, generation)
        self._rates.add(hypotheses_in(result.meta), result.seconds)
        if "+" not in result.worker:  # halves of one task are of several workers
            self._paces.add(result.worker, hypotheses_in(result.meta), result.seconds)
        if not result.ok and not result.stopped:
            with logs.bound(chunk=task.key):
                logger.warning("%s failed on %s: %s", task.kind, result.worker or "no worker", result.error)
        return result

    async def _care(self) -> None:
        while True:
            if await awake(_CARE_LOOK):
                with self._faults.outlived("its care of tasks"):
                    self._traffic.care(time.monotonic())

    # -- halt ---------------------------------------------------------------------------------------------------------

    def stop_now(self) -> None:
        """Stop all work: kernels return, isolated children are killed, queued tasks come back stopped. From any thread."""
        self._word.bump()

    def _halted(self) -> bool:
        """Tell whether a halt has come and nobody has resumed."""
        return self._word.generation() != self._generation

    def resume(self) -> None:
        """Let tasks submitted from now on run; those submitted before stay stopped."""
        self._generation = self._word.generation()
        self._tell()

    def _tell(self) -> None:
        """Send the generation to those that cannot see our word."""
        self._told = self._word.generation()
        for slot in self._slots():
            if slot.place.remote:
                slot.say({"generation": self._told})

    async def _watch_stop(self) -> None:
        """Pass a halt on, and force down what has not obeyed within the grace time."""
        while True:
            await asyncio.sleep(_STOP_LOOK if self._traffic.flights else _IDLE_LOOK)
            with self._faults.outlived("its watch for a halt"):
                present, now = self._word.generation(), time.monotonic()
                if present != self._told:
                    self._tell()
                self._traffic.halt(present, now)

    # -- care ---------------------------------------------------------------------------------------------------------

    def workers(self) -> list[WorkerInfo]:
        """Return what is known about each worker."""
        found = roster(self._slots(), self._traffic)
        return [replace(info, rate=self._paces.of(info.name)) for info in found]

    def attempts(self, most: int = 100) -> list[Attempt]:
        """Return the latest tries that gave no result, newest first."""
        return self._attempts.newest(most)

    def degraded(self) -> list[str]:
        """Return what works otherwise than it was asked to."""
        return [*degraded(self._slots(), self._traffic), *self._faults.lines()]

    def refusals(self) -> int:
        """Return how many connections and messages the scheduler's fence turned away in this life."""
        return self._life.refusals if self._life is not None else 0

    def scheduler_pid(self) -> int | None:
        """Return the scheduler's process id, None while there is none."""
        return self._life.scheduler_pid if self._life is not None else None

    def rate_series(self, seconds: int = 60) -> list[float]:
        """Return hypotheses tested per second over the last whole `seconds`, oldest first; the newest still rise."""
        return self._rates.series(seconds)

    async def close(self) -> None:
        """End every process; tasks still out raise EnvironmentFault."""
        if self._traffic.closed:
            return
        self._traffic.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._life is not None:
            await self._life.close()
        await self._traffic.settled()
        await asyncio.to_thread(shutil.rmtree, self._ground.state / FOLDER, ignore_errors=True)
        self._word.close()

    async def __aenter__(self) -> Compute:
        """Return self."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close."""
        await self.close()
