"""One task on its way, and the lot in which a worker was handed it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from engine.compute.dealer import Load
from engine.compute.task import Task, TaskResult


@dataclass(eq=False)
class Flight:
    """One task on its way; it lands once."""

    task: Task
    generation: int
    load: Load
    landed: asyncio.Future[TaskResult]
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


@dataclass
class Lot:
    """What a worker was handed at once, until Dask is done with it."""

    alias: str
    serials: list[int] = field(default_factory=list)
