"""One task on its way, and the lot in which a worker was handed it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from engine.compute.attempts import Attempt, Outcome, utc
from engine.compute.job import one_line
from engine.compute.load import Load
from engine.compute.task import Task, TaskResult


@dataclass(eq=False)
class Flight:
    """One task on its way; it lands once."""

    task: Task
    generation: int
    load: Load
    landed: asyncio.Future[TaskResult] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    payload: bytes = b""
    digest: str = ""
    tries: int = 0
    gaps: int = 0
    """How often its worker lacked an input that had been confirmed."""
    asked_at: float | None = None
    """When it was first seen to have been halted."""
    cramped_since: float | None = None
    """When it was first seen to need more memory than those have that could do it."""
    halves: asyncio.Task[None] | None = None

    def land(self, result: TaskResult) -> None:
        """Give it its result, unless it has one."""
        if not self.landed.done():
            self.landed.set_result(result)

    def tried(
        self, alias: str, outcome: Outcome, seconds: float, error: str, code: int | None = None, words: str = "",
        kernel: str = "",
    ) -> Attempt:  # fmt: skip
        """Count a try that gave no result, and return its record."""
        self.tries += 1
        return Attempt(
            at=utc(), key=self.task.key, kind=self.task.kind, number=self.tries, worker=alias.partition("#")[0],
            outcome=outcome, code=code, seconds=round(seconds, 3), error=error, words=one_line(words), kernel=kernel,
        )  # fmt: skip


@dataclass
class Lot:
    """What a worker was handed at once, until Dask is done with it."""

    alias: str
    serials: list[int] = field(default_factory=list)
