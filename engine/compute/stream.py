"""Many tasks, only as many at once as keep the workers busy: reads them as fast as work is done, gives results as they come."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from typing import Any

from engine.compute.job import stopped
from engine.compute.task import Task, TaskResult

Tasks = Iterable[Task] | AsyncIterable[Task]
"""One that is asynchronous may wait between two tasks, for a disk, say: results wait with it, what is in flight runs on."""


class _Each(AsyncIterator[Task]):
    """An iterator of tasks that never waits, read like one that may."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks

    async def __anext__(self) -> Task:
        try:
            return next(self._tasks)
        except StopIteration:
            raise StopAsyncIteration from None


def each(tasks: Tasks) -> AsyncIterator[Task]:
    """Return tasks of either kind as an asynchronous iterator."""
    return aiter(tasks) if isinstance(tasks, AsyncIterable) else _Each(iter(tasks))


async def stream(
    tasks: AsyncIterator[Task],
    fly: Callable[[Task], Coroutine[Any, Any, TaskResult]],
    room: Callable[[str], int],
    halted: Callable[[], bool],
) -> AsyncGenerator[TaskResult, None]:
    """Yield results as they come, `room(kind)` tasks in flight; once `halted`, what is in flight comes back and nothing is read.

    Where nothing was in flight, one task comes back stopped, so that nobody takes an early end for a whole one.
    """
    flying: set[asyncio.Task[TaskResult]] = set()
    kind = ""
    try:
        while True:
            while len(flying) < room(kind) and not halted():
                task = await anext(tasks, None)
                if task is None:
                    break
                kind = task.kind
                flying.add(asyncio.create_task(fly(task)))
            if not flying:
                if halted() and (task := await anext(tasks, None)) is not None:
                    yield stopped(task)
                return
            done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            for landed in done:
                yield landed.result()
    finally:
        for flight in flying:
            flight.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
