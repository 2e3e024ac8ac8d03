"""The one door to where work runs: submit tasks, get results as they complete, stop everything, lose nothing."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.compute.codec import CodecError
from engine.compute.job import decode_answer, encode_job, failed, stopped
from engine.compute.kinds import address_of
from engine.compute.life import ConnectionLost, Life, WorkerFault
from engine.compute.rates import RateSeries
from engine.compute.settings import RERUNS
from engine.compute.slot import FIRST_DELAY, LAST_DELAY, WorkerInfo
from engine.compute.stop import NAME, StopWord
from engine.compute.task import Task, TaskResult
from engine.errors import EnvironmentFault, UsageError

logger = logging.getLogger(__name__)

PER_WORKER = 2.5
"""Tasks in flight per worker: enough to hide the round trip, few enough to lose little."""
GRACE = 0.7
"""Seconds after a halt in which work may return by itself; then its worker is killed."""
_STOP_LOOK, _IDLE_LOOK = 0.05, 0.25
_LOSS_LOOK = 3.0
_OFF_LOOP = 1 << 20


@dataclass(eq=False)
class _Flight:
    """One task on its way."""

    serial: int
    generation: int
    forced: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it did not obey a halt in time."""
    asked_at: float | None = None


class Compute:
    """Runs tasks on worker processes of this machine and keeps those alive.

    Contract for every backend (`tests/compute/conformance.py` proves it): a task gives exactly one result; a failing kind, a
    dead worker or a lost scheduler never loses one; a halt brings every result back within a second; results arrive in the
    order of completion. Use it from the loop that started it; `stop_now` alone may be called from anywhere. The loop's thread
    must outlive it, because the processes die with the thread that started them.
    """

    def __init__(
        self, state: Path, word: StopWord, workers: int, kinds: Mapping[str, str], memory: int | None
    ) -> None:
        """Prepare; use `Compute.start`."""
        self._state, self._word, self._count, self._kinds, self._memory = state, word, workers, kinds, memory
        self._generation = word.generation()
        self._serials = itertools.count(1)
        self._flights: set[_Flight] = set()
        self._rates = RateSeries()
        self._life: Life | None = None
        self._lives = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    @classmethod
    async def start(
        cls,
        state: Path,
        *,
        workers: int | None = None,
        memory: int | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> Compute:
        """Start scheduler and `workers` CPU workers (default: usable cores) for the state directory `state`.

        `memory` is the resident size in bytes above which an idle worker is replaced. `kinds` adds kinds of work for tests.
        EnvironmentFault if nothing comes up.
        """
        count = len(os.sched_getaffinity(0)) if workers is None else workers
        if count < 1:
            raise UsageError(f"workers={count}; at least one is needed")
        state = Path(state).absolute()
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        compute = cls(state, StopWord(state / NAME), count, dict(kinds or {}), memory)
        try:
            compute._life = await compute._new_life()
        except BaseException:
            compute._word.close()
            raise
        compute._tasks = [
            asyncio.create_task(compute._supervise()),
            asyncio.create_task(compute._watch_stop()),
        ]
        return compute

    async def _new_life(self) -> Life:
        return await Life.start(self._state, self._count, self._kinds, self._memory)

    # -- work ---------------------------------------------------------------------------------------------------------

    async def run(self, task: Task) -> TaskResult:
        """Run one task and return its result; what goes wrong with the task stands in the result."""
        return await self._fly(task, self._generation)

    def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncGenerator[TaskResult, None]:
        """Yield the results of `tasks` as they complete, reading the iterable only as fast as work is done.

        At most `window` tasks are in flight, and never more than 2.5 per worker. After a halt what is in flight comes back
        stopped and the rest of the iterable is not read. Closing the iterator cancels what is in flight; leave the loop early
        inside `contextlib.aclosing`, or that happens only when the garbage collector comes by.
        """
        most = max(1, int(PER_WORKER * self._count))
        return self._map(iter(tasks), most if window is None else max(1, min(window, most)), self._generation)

    async def _map(
        self, tasks: Iterator[Task], window: int, generation: int
    ) -> AsyncGenerator[TaskResult, None]:
        flying: set[asyncio.Task[TaskResult]] = set()
        try:
            while True:
                while len(flying) < window and self._word.generation() == generation:
                    task = next(tasks, None)
                    if task is None:
                        break
                    flying.add(asyncio.create_task(self._fly(task, generation)))
                if not flying:
                    return
                done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                for landed in done:
                    yield landed.result()
        finally:
            for flight in flying:
                flight.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _fly(self, task: Task, generation: int) -> TaskResult:
        """Take one task to its result."""
        if self._closed:
            raise EnvironmentFault(f"compute is closed; task {task.key} was not run")
        if self._word.generation() != generation:
            return stopped(task)
        flight = _Flight(next(self._serials), generation)
        self._flights.add(flight)
        try:
            payload, digest = await self._encode(task, flight)
            result = await self._carry(task, flight, payload, digest)
        except (CodecError, UsageError) as error:
            result = failed(task, str(error))
        finally:
            self._flights.discard(flight)
        self._book(result)
        return result

    async def _encode(self, task: Task, flight: _Flight) -> tuple[bytes, str]:
        """Return payload and digest of a task, worked out off the loop when it is large."""
        address_of(task.kind, self._kinds)

        def encode() -> tuple[bytes, str]:
            return encode_job(task, flight.generation, flight.serial), task.digest()

        large = sum(getattr(array, "nbytes", 0) for array in task.arrays.values()) > _OFF_LOOP
        return await asyncio.to_thread(encode) if large else encode()

    async def _carry(self, task: Task, flight: _Flight, payload: bytes, digest: str) -> TaskResult:
        """Submit the payload until one life of the cluster answers."""
        for _ in range(1 + RERUNS):
            life = await self._living(flight)
            if life is None:
                return stopped(task, "no answer in time after the halt")
            try:
                answer = await self._attempt(life, flight, payload)
            except WorkerFault as error:
                return failed(
                    task, f"{task.kind} {task.key}: {error}; read the worker's log before running it again"
                )
            if answer is not None:
                large = len(answer) > _OFF_LOOP
                return (
                    await asyncio.to_thread(decode_answer, task, answer, digest)
                    if large
                    else decode_answer(task, answer, digest)
                )
            if flight.forced.is_set():
                return stopped(task, "no answer in time after the halt; its worker was killed")
        return failed(
            task, f"{task.kind} {task.key}: the scheduler was lost {1 + RERUNS} times while it was out"
        )

    async def _attempt(self, life: Life, flight: _Flight, payload: bytes) -> bytes | None:
        """Return the answer that `life` gives; None if the life was lost or the flight was forced down."""
        future = life.submit(flight.serial, payload)
        answer = asyncio.create_task(life.answer(future))
        ends = [asyncio.create_task(event.wait()) for event in (life.lost, flight.forced)]
        try:
            await asyncio.wait([answer, *ends], return_when=asyncio.FIRST_COMPLETED)
            return answer.result() if answer.done() else None
        except ConnectionLost:
            # The process behind it is noticed a moment later; a connection that only hiccuped is tried again.
            await asyncio.wait(ends, timeout=_LOSS_LOOK, return_when=asyncio.FIRST_COMPLETED)
            return None
        finally:
            if not answer.done():
                life.drop(flight.serial)
            for wait in (answer, *ends):
                wait.cancel()
            await asyncio.gather(answer, *ends, return_exceptions=True)
            future.release()

    async def _living(self, flight: _Flight) -> Life | None:
        """Return the present life, waiting for the next one if it was lost; None once the flight is forced down."""
        async with self._lives:
            await self._lives.wait_for(lambda: self._closed or self._present() or flight.forced.is_set())
        if self._closed:
            raise EnvironmentFault("compute was closed while a task was out")
        return self._present()

    def _present(self) -> Life | None:
        return self._life if self._life is not None and not self._life.lost.is_set() else None

    def _book(self, result: TaskResult) -> None:
        """Count what a result says it tested."""
        hypotheses = result.meta.get("hypotheses")
        if isinstance(hypotheses, int | float):
            self._rates.add(float(hypotheses), result.seconds)

    # -- halt ---------------------------------------------------------------------------------------------------------

    def stop_now(self) -> None:
        """Stop all work: kernels return, isolated children are killed, queued tasks come back stopped. From any thread."""
        self._word.bump()

    def resume(self) -> None:
        """Let tasks submitted from now on run; those submitted before stay stopped."""
        self._generation = self._word.generation()

    async def _watch_stop(self) -> None:
        """Force down what has not obeyed a halt within the grace time."""
        while True:
            await asyncio.sleep(_STOP_LOOK if self._flights else _IDLE_LOOK)
            present, now = self._word.generation(), time.monotonic()
            overdue = [
                flight
                for flight in self._flights
                if flight.generation != present and not flight.forced.is_set()
            ]
            for flight in overdue:
                flight.asked_at = flight.asked_at or now
                if now - flight.asked_at > GRACE:
                    await self._force(flight)

    async def _force(self, flight: _Flight) -> None:
        """Kill the worker that runs the flight, and end the flight."""
        if self._life is not None and self._life.kill_running(flight.serial):
            logger.error("a worker ignored the halt for %.1f s and was killed", GRACE)
        flight.forced.set()
        async with self._lives:
            self._lives.notify_all()

    # -- care ---------------------------------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        """Replace a life that was lost, each time a little later while it keeps failing."""
        delay = FIRST_DELAY
        while True:
            assert self._life is not None
            await self._life.lost.wait()
            await self._life.close()
            try:
                self._life = await self._new_life()
                delay = FIRST_DELAY
            except Exception:
                logger.exception("the cluster did not come up again; next try in %.1f s", delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_DELAY)
                continue
            async with self._lives:
                self._lives.notify_all()

    def workers(self) -> list[WorkerInfo]:
        """Return what is known about each worker."""
        return [slot.info() for slot in self._life.slots] if self._life is not None else []

    def scheduler_pid(self) -> int | None:
        """Return the scheduler's process id, None while there is none."""
        return self._life.scheduler_pid if self._life is not None else None

    def rate_series(self, seconds: int = 60) -> list[float]:
        """Return hypotheses tested per second over the last whole `seconds`, oldest first; the newest still rise."""
        return self._rates.series(seconds)

    async def close(self) -> None:
        """End every process; tasks still out raise EnvironmentFault."""
        if self._closed:
            return
        self._closed = True
        async with self._lives:
            self._lives.notify_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._life is not None:
            await self._life.close()
        self._word.close()

    async def __aenter__(self) -> Compute:
        """Return self."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close."""
        await self.close()
