"""Finished trainings, kept in the journal: a step that was halted or killed goes on behind its last finished piece."""

from __future__ import annotations

import asyncio
import hashlib

from engine.compute.codec import pack, unpack
from engine.compute.task import Task, TaskResult
from engine.pipeline.calls import call
from engine.pipeline.context import RunContext
from engine.pipeline.shelf import code_digest


async def kept(ctx: RunContext, task: Task) -> TaskResult:
    """Run a task once in a run: its result is known by the digest of all it was told and of the code that does it."""
    key = f"{ctx.run}/piece/{task.digest()[:32]}/{code_digest()[:16]}"
    known = (await asyncio.to_thread(ctx.journal.chunks, key)).get(0)
    if known is not None:
        meta, arrays = unpack(known.result)
        return TaskResult(
            task.key, True, meta, arrays, None, known.meta["seconds"], known.meta["worker"], False
        )
    result = await call(ctx, task)
    payload = pack(dict(result.meta), dict(result.arrays))
    about = {"task": task.key, "seconds": result.seconds, "worker": result.worker}
    digest = hashlib.sha256(payload).hexdigest()
    await asyncio.to_thread(ctx.journal.chunk_done, key, 0, digest, about, payload)
    return result
