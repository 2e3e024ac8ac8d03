"""One run of the real pipeline in this process: the workers' tasks done here, one after the other, in a folder that is gone afterwards."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.compute.inputs import Input
from engine.compute.inputs import Shelf as Inputs
from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.stream import Tasks, each
from engine.compute.task import Task, TaskResult
from engine.history.history import History
from engine.pipeline.artifacts import POOL, Pool
from engine.pipeline.context import RunContext
from engine.pipeline.parameters import PipelineParameters
from engine.pipeline.runner import run_pipeline
from engine.pipeline.seedtree import SeedTree
from engine.search.space import Space
from state.artifacts import ArtifactStore
from state.journal import Journal

STEPS = ("1", "2.5", "3", "4", "5", "6")
SMALL = {
    "window_trials": 4, "window_batch": 2, "window_seeds": 1 << 12, "max_survivors": 64, "scorer_trials": 4, "scorer_batch": 2,
    "twins": 12, "twin_decoys": 12, "min_candidates": 24, "rungs": 1, "decoy_histories": 1,
}  # fmt: skip
POOL_SIZE = 20
Column = dict[str, list[Any]]
"""The rows of one measure, by the name of their figures."""


class Here:
    """The compute engine's interface over this process: the same kinds of task, no workers."""

    def __init__(self, folder: Path) -> None:
        self.word = StopWord(folder / "stop.word")
        self.inputs = folder / "inputs"

    async def run(self, task: Task) -> TaskResult:
        """Do one task now."""
        await asyncio.sleep(0)
        began = time.perf_counter()
        stop = Stop(self.word, self.word.generation())
        given = {**Inputs(self.inputs).arrays(one.digest for one in task.inputs), **task.arrays}
        meta, arrays = resolve(task.kind)(dict(task.params), given, stop)
        return TaskResult(task.key, True, meta, arrays, None, time.perf_counter() - began, "here", False)

    @asynccontextmanager
    async def shared(self, arrays: Mapping[str, np.ndarray]) -> AsyncIterator[Input]:
        """Lend arrays as a file."""
        yield Input.write(self.inputs, arrays)

    async def map(self, tasks: Tasks, *, window: int | None = None) -> AsyncIterator[TaskResult]:
        """Do tasks one after the other."""
        async for task in each(tasks):
            yield await self.run(task)


@contextmanager
def context(history: History, seed: int, space: Space, **changes: Any) -> Iterator[RunContext]:
    """Open a run in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mimicry-pipeline-") as name:
        folder = Path(name)
        with Journal.open(folder) as journal:
            yield RunContext(
                history=history, compute=Here(folder), journal=journal, artifacts=ArtifactStore(folder / "artifacts"), run="run",
                seeds=SeedTree(seed), parameters=PipelineParameters(**{**SMALL, **changes}), space=space,
            )  # fmt: skip


def run_steps(ctx: RunContext) -> None:
    """Run all six; a failed step ends the benchmark."""
    for outcome in asyncio.run(run_pipeline(ctx, STEPS, lambda _: None)):
        if not outcome.ok:
            raise SystemExit(f"step {outcome.step} failed: {outcome.note} {outcome.findings}")


def published(ctx: RunContext) -> Pool:
    """Return step 6's pool."""
    return Pool.parse(ctx.artifacts.read_json(POOL), POOL)
