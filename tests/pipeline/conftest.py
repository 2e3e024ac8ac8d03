"""Runs of the pipeline that many tests look at: real journal, artifacts and kernels; tasks run in this process for speed.

`test_follow.py` uses the real compute engine with its worker processes.
"""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest

from engine.compute.inputs import Input
from engine.compute.inputs import Shelf as Inputs
from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.stream import each
from engine.compute.task import TaskResult
from engine.errors import Halted
from engine.history.history import History
from engine.pipeline.artifacts import SURVIVORS, SURVIVORS_EXPORT, SURVIVORS_SCHEMA, WINDOW, WindowConfig
from engine.pipeline.context import RunContext
from engine.pipeline.parameters import PipelineParameters
from engine.pipeline.replay import Lines, predictions, tally
from engine.pipeline.runner import run_pipeline
from engine.pipeline.seedtree import SeedTree
from engine.pipeline.shelf import Shelf
from engine.search.alignment import Alignment, Gap, Origin
from engine.search.space import Space
from engine.search.survivors import SurvivorHeader, Survivors
from hip_cuda_kernels import host
from state.artifacts import ArtifactStore
from state.journal import Journal

SPAN = (0, 99)
DRAWS, SEARCHED = 90, 30
TRUTH = Alignment(
    family="lcg48/java",
    mapping="java_bounded",
    range=SPAN,
    origin=Origin.seed(4711, 48),
    start=2,
    gap=Gap.constant(1),
)


class InlineCompute:
    """The compute engine's interface over this process: the same kinds, no workers. `halt_after` tasks it stops."""

    def __init__(self, folder):
        self.word = StopWord(folder / "stop.word")
        self.inputs = folder / "inputs"
        self.ran = []
        self.halt_after = None

    async def run(self, task):
        await asyncio.sleep(0)
        if self.halt_after is not None and len(self.ran) >= self.halt_after:
            return TaskResult(task.key, False, {}, {}, None, 0.0, "", True)
        self.ran.append(task.key)
        began = time.perf_counter()
        try:
            stop = Stop(self.word, self.word.generation())
            given = {**Inputs(self.inputs).arrays(one.digest for one in task.inputs), **task.arrays}
            meta, arrays = resolve(task.kind)(dict(task.params), given, stop)
        except Halted:
            return TaskResult(task.key, False, {}, {}, None, 0.0, "inline", True)
        return TaskResult(task.key, True, meta, arrays, None, time.perf_counter() - began, "inline", False)

    @asynccontextmanager
    async def shared(self, arrays):
        yield Input.write(self.inputs, arrays)

    async def map(self, tasks, *, window=None):
        async for task in each(tasks):
            yield await self.run(task)


def chance_alignments(history, count, rng):
    """Return what a sieve would let through by chance: of many random seeds those that match most in the searched part."""
    seeds = rng.integers(1, 2**40, size=60 * count)
    tried = [TRUTH.model_copy(update={"origin": Origin.seed(int(seed), 48)}) for seed in seeds]
    matched, _ = tally(predictions(tried, Lines.of(history)), history.values, 0, SEARCHED)
    best = np.argsort(-matched, kind="stable")[:count]
    return [tried[row] for row in best]


def survivors_of(history, alignments, bits):
    predicted = predictions(alignments, Lines.of(history))
    matched, scored = tally(predicted, history.values, 0, SEARCHED)
    header = SurvivorHeader(
        range=SPAN,
        history=history.digest,
        draws=len(history),
        search=(0, SEARCHED),
        found=len(alignments),
        carried=max(1, len(alignments)),
    )
    columns = {
        "window_length": SEARCHED,
        "forward_matched": matched,
        "forward_scored": scored,
        "evidence_bits": bits,
        "trial": 0,
    }
    return Survivors.from_alignments(alignments, header, columns)


def put_first_step(ctx, survivors, *, identified):
    """Write what step 1 would have written."""
    shelf = Shelf(ctx, "1")
    shelf.write(
        WINDOW,
        WindowConfig(
            history=ctx.history.digest,
            range=SPAN,
            search=(0, SEARCHED),
            confirm=None,
            window=(0, SEARCHED),
            identified=identified,
            required_bits=19.93,
            origin="step 1",
            session=None,
            starts=(0, 2),
            gaps=(0, 1),
            threshold=3,
            objective=None,
        ),
    )
    shelf.write_bytes(SURVIVORS, survivors.to_bytes(), SURVIVORS_SCHEMA)
    shelf.write_export(SURVIVORS_EXPORT, survivors.export(), SURVIVORS_SCHEMA)


TINY = PipelineParameters(
    scorer_trials=4,
    scorer_batch=2,
    twins=12,
    twin_decoys=12,
    min_candidates=24,
    rungs=1,
    decoy_histories=1,
    window_trials=4,
    window_batch=2,
    window_seeds=1 << 12,
)


def planted_history(noise=0.0, seed=5, draws=DRAWS):
    """Return draws of TRUTH, a share of them replaced by chance."""
    rng = np.random.default_rng(seed)
    lo, hi = SPAN
    values = host.values(TRUTH.family, TRUTH.mapping, 4711, lo, hi, draws, start=2, gap=1)
    wrong = rng.random(draws) < noise
    return History.of(np.where(wrong, rng.integers(lo, hi, draws, endpoint=True), values).tolist())


def uniform_history(seed=5, draws=DRAWS):
    rng = np.random.default_rng(seed)
    return History.of(rng.integers(*SPAN, draws, endpoint=True).tolist())


@pytest.fixture
def inline_compute():
    """Return the stand-in for the compute engine that works in this process."""
    return InlineCompute


def context_in(folder, journal, history, *, parameters=TINY, seed=7, **space):
    """Return a context over a folder and its journal, both perhaps used before."""
    return RunContext(
        history=history,
        compute=InlineCompute(folder),
        journal=journal,
        artifacts=ArtifactStore(folder / "artifacts"),
        run="run-1",
        seeds=SeedTree(seed),
        parameters=parameters,
        space=Space(range=SPAN, families=("lcg48/java",), mappings=("java_bounded",), **space),
    )


@pytest.fixture(scope="session")
def open_context():
    """Return the maker of a context in a given folder."""
    return context_in


@pytest.fixture(scope="session")
def make_context(tmp_path_factory):
    """Return a maker of contexts, each in a folder of its own."""
    opened = []

    def make(history, **told):
        folder = tmp_path_factory.mktemp("run")
        journal = Journal.open(folder)
        opened.append(journal)
        return context_in(folder, journal, history, **told)

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def planted(make_context):
    """Return a fresh context with one truth among chance survivors, step 1 written."""
    return with_first_step(make_context, planted_history(noise=0.2))


def with_first_step(make_context, history, *, truth=True, count=11, **changes):
    ctx = make_context(history, **changes)
    chance = chance_alignments(history, count, np.random.default_rng(1))
    alignments = [chance[0], TRUTH, *chance[1:]] if truth else chance
    put_first_step(ctx, survivors_of(history, alignments, -5.0), identified=False)
    return ctx


@pytest.fixture(scope="session")
def steps():
    """Return helpers that make other runs."""
    return {
        "with_first_step": with_first_step,
        "put_first_step": put_first_step,
        "survivors_of": survivors_of,
        "planted_history": planted_history,
        "uniform_history": uniform_history,
        "truth": TRUTH,
        "tiny": TINY,
        "span": SPAN,
        "searched": SEARCHED,
        "replace": replace,
    }


@dataclass(frozen=True)
class FullRun:
    """A finished run of steps 2.5 to 6."""

    ctx: RunContext
    outcomes: dict


async def run_rest(ctx, wanted=("2.5", "3", "4", "5", "6")):
    return FullRun(ctx, {one.step: one for one in await run_pipeline(ctx, wanted, lambda _: None)})


@pytest.fixture(scope="session")
def full_run(make_context):
    """Return the run over draws of a planted truth with 20 % wrong draws among chance survivors."""
    return asyncio.run(run_rest(with_first_step(make_context, planted_history(noise=0.2))))


@pytest.fixture(scope="session")
def null_run(make_context):
    """Return the run over uniform draws."""
    return asyncio.run(run_rest(with_first_step(make_context, uniform_history(), truth=False)))
