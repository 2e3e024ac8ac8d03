"""Asking the compute engine: a stopped task is a halt, a failed one an error; nothing is counted as done that was not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import numpy as np

from engine.compute.inputs import Input
from engine.compute.task import Task, TaskResult
from engine.errors import Halted, MimicryError
from engine.pipeline.context import RunContext
from engine.pipeline.parts import Parts
from engine.pipeline.study import together

Arrays = Mapping[str, np.ndarray]
LARGE = 256 << 10
"""Bytes of arrays from which on they are staged instead of sent with every task."""


class TaskFailed(MimicryError):
    """A worker ended a task with an error; the step can be run again."""


@asynccontextmanager
async def lent(ctx: RunContext, arrays: Arrays) -> AsyncIterator[tuple[Arrays, tuple[Input, ...]]]:
    """Lend arrays that many tasks read, as (arrays to send with each, inputs to name): large ones go to each machine once, as an input."""
    if sum(array.nbytes for array in arrays.values()) < LARGE:
        yield arrays, ()
        return
    async with ctx.compute.shared(arrays) as made:
        yield {}, (made,)


async def call(ctx: RunContext, task: Task) -> TaskResult:
    """Run one task to its result."""
    result = await ctx.compute.run(task)
    if result.stopped:
        raise Halted(f"{task.key}: halted; finished pieces are recorded, resume goes on from them")
    if not result.ok:
        raise TaskFailed(
            f"{task.key} failed on {result.worker or 'no worker'}: {result.error}; run the step again"
        )
    return result


async def kept(ctx: RunContext, step: str, task: Task) -> TaskResult:
    """Run one task, or take its result from an earlier, interrupted try of the same step; the step clears its parts at its end."""
    parts = Parts(ctx.artifacts.directory, step)
    known = await asyncio.to_thread(parts.get, task)
    if known is not None:
        return known
    result = await call(ctx, task)
    await asyncio.to_thread(parts.put, task, result)
    return result


async def calls(ctx: RunContext, tasks: Sequence[Task]) -> list[TaskResult]:
    """Run tasks side by side and return their results in the order asked."""
    return await together([call(ctx, task) for task in tasks])
