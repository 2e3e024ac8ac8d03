"""Asking the compute engine: a stopped task is a halt, a failed one an error; nothing is counted as done that was not."""

from __future__ import annotations

from collections.abc import Sequence

from engine.compute.task import Task, TaskResult
from engine.errors import Halted, MimicryError
from engine.pipeline.context import RunContext
from engine.pipeline.study import together


class TaskFailed(MimicryError):
    """A worker ended a task with an error; the step can be run again."""


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


async def calls(ctx: RunContext, tasks: Sequence[Task]) -> list[TaskResult]:
    """Run tasks side by side and return their results in the order asked."""
    return await together([call(ctx, task) for task in tasks])
