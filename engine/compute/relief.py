"""Tasks that need more memory than those have that could do them: waited for, halved, put together again, or refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from engine.compute.attempts import Outcome
from engine.compute.dealer import Dealer
from engine.compute.flight import Flight
from engine.compute.job import failed, stopped
from engine.compute.load import Load
from engine.compute.task import Task, TaskResult
from engine.errors import EnvironmentFault

logger = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds that a task waits for memory which no present worker has, before it is refused: one that has it may be starting."""
HALVING_PATIENCE = 1.0
"""The same before a task is halved because idle workers have not the memory for it whole."""


class Fly(Protocol):
    """Takes one task to its result; `cramped_since` is known of the half of one that was too large."""

    async def __call__(self, task: Task, generation: int, cramped_since: float | None = None) -> TaskResult:
        """Return the result."""


class Keep(Protocol):
    """Records a try that gave no result."""

    def __call__(self, flight: Flight, alias: str, outcome: Outcome, seconds: float, error: str) -> None:
        """Record it."""


class Relief:
    """Looks at the flights of one traffic; `fly` takes the halves on their way, `keep` records what became of a task."""

    def __init__(self, dealer: Dealer, flights: Mapping[Load, Flight], fly: Fly, keep: Keep) -> None:
        """Begin with no kind halved yet."""
        self._dealer, self._flights, self._fly, self._keep = dealer, flights, fly, keep
        self._halved: set[str] = set()

    def see_to(self, now: float) -> None:
        """See to the tasks that need more memory than those have that could do them."""
        unfit = dict(self._dealer.unfit())
        cramped = {**dict(self._dealer.too_large()), **unfit}
        for load, flight in list(self._flights.items()):
            if load not in cramped:
                flight.cramped_since = None
                continue
            flight.cramped_since = flight.cramped_since or now
            waited = now - flight.cramped_since
            if waited >= HALVING_PATIENCE and self._halve(flight, cramped[load]):
                continue
            if waited >= PATIENCE and load in unfit:
                why = f"needs {_gib(load.memory)} of memory, the roomiest worker has {_gib(unfit[load])} left"
                self._keep(flight, "", "refused", 0.0, why)
                told = (
                    f"{load.kind} {flight.task.key}: {why}, and it cannot be cut further; free memory there"
                )
                flight.land(failed(flight.task, told))

    def _halve(self, flight: Flight, room: int) -> bool:
        """Let two halves fly in a task's place; False if it has none."""
        split = flight.task.split
        try:
            halves = split.halve(flight.task) if split is not None else None
        except Exception as error:  # noqa: BLE001 - whatever its caller's code raises is told to its caller
            self._break(flight, "cannot be halved", error)
            return True
        if halves is None:
            return False
        self._dealer.land(flight.load)
        if flight.task.kind not in self._halved:
            self._halved.add(flight.task.kind)
            why = f"needs {_gib(flight.load.memory)} of memory, an idle worker has {_gib(room)}: halved, the first of its kind"
            self._keep(flight, "", "halved", 0.0, why)
        flight.halves = asyncio.create_task(self._join(flight, halves))
        return True

    async def _join(self, flight: Flight, halves: tuple[Task, Task]) -> None:
        """Land a task with what its halves give together; a half that failed or was stopped speaks for the whole."""
        task = flight.task
        assert task.split is not None
        try:
            since = flight.cramped_since
            results = await asyncio.gather(*(self._fly(half, flight.generation, since) for half in halves))
        except EnvironmentFault:
            return  # the engine closes, and says so to whoever waits for the whole
        for one in results:
            if not one.ok:
                flight.land(stopped(task) if one.stopped else failed(task, one.error or "", one.worker))
                return
        try:
            meta, arrays = task.split.join(task, results)
        except Exception as error:  # noqa: BLE001 - what workers sent may be out of form
            self._break(flight, "its halves do not go together", error)
            return
        seconds, worker = sum(one.seconds for one in results), "+".join(one.worker for one in results)
        flight.land(TaskResult(task.key, True, meta, arrays, None, seconds, worker, False))

    def _break(self, flight: Flight, what: str, error: Exception) -> None:
        """Fail a task whose split raised: whoever waits for it would wait for ever."""
        task = flight.task
        logger.exception("%s %s: %s", task.kind, task.key, what)
        flight.land(failed(task, f"{task.kind} {task.key}: {what}: {type(error).__name__}: {error}"))


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
