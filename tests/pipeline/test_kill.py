"""Killed at any moment and resumed, steps 1, 2.5 and 3 write what an unbroken run writes. A child process is really killed (SIGKILL).

A moment is a place where something durable happens: a journal commit, a file about to be renamed into place, a task about to run.
"""

import asyncio
import os
import random
import signal

import pytest

from engine.history.history import History
from engine.pipeline.artifacts import SCORED, SCORED_EXPORT, SCORER, SURVIVORS, SURVIVORS_EXPORT, WINDOW
from engine.pipeline.runner import run_pipeline
from engine.search.ranges import Range
from hip_cuda_kernels import host
from state import artifacts as store
from state.journal import Journal

WRITTEN = (WINDOW, SURVIVORS, SURVIVORS_EXPORT, SCORER, SCORED, SCORED_EXPORT)
ASKED = {"seeds": Range(0, 2047), "starts": Range(0, 3), "gaps": Range(0, 2)}
STEPS = ("1", "2.5", "3")


class Moments:
    """Counts moments, and kills this process at the chosen one."""

    def __init__(self, last=None):
        self.seen, self.last = 0, last

    def __call__(self, *_):
        self.seen += 1
        if self.seen == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def history():
    values = host.values("lcg48/java", "java_bounded", 1234, 0, 99, 60, start=2, gap=1)
    return History.of(values.tolist())


@pytest.fixture(scope="module")
def run_in(open_context, steps, history):
    """Return a function that runs the steps in a folder, counting moments, and returns the content hashes."""
    parameters = steps["tiny"].model_copy(update={"feature_rows": 8})

    def go(folder, moments):
        with Journal.open(folder) as journal, pytest.MonkeyPatch.context() as patch:
            ctx = open_context(folder, journal, history, parameters=parameters, **ASKED)
            whole_put, whole_run = store.put_in_place, ctx.compute.run

            def put(temporary, path):
                moments()
                whole_put(temporary, path)

            async def run(task):
                moments()
                return await whole_run(task)

            patch.setattr(store, "put_in_place", put)
            patch.setattr(ctx.compute, "run", run)
            journal.listen(moments)
            outcomes = asyncio.run(run_pipeline(ctx, STEPS, lambda _: None))
            assert [one.ok for one in outcomes] == [True] * 3, [one.note for one in outcomes]
            return {name: ctx.artifacts.lineage(name).content_sha256 for name in WRITTEN}

    return go


@pytest.fixture(scope="module")
def unbroken(run_in, tmp_path_factory):
    """Return the hashes of an unbroken run, and how many moments it has."""
    moments = Moments()
    return run_in(tmp_path_factory.mktemp("whole"), moments), moments.seen


def killed_at(run_in, folder, moment):
    """Run in a child that is killed at the moment; return whether it was."""
    child = os.fork()
    if child == 0:
        try:
            run_in(folder, Moments(moment))
        finally:
            os._exit(7)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def resumed_like(unbroken, run_in, folder, moments):
    assert killed_at(run_in, folder, moments[0])
    for moment in moments[1:]:
        killed_at(run_in, folder, moment)  # a resumed run has fewer moments: this one may end first
    assert run_in(folder, Moments()) == unbroken[0]


@pytest.mark.parametrize("share", [0.35, 0.9])
def test_a_killed_run_resumes_to_the_same_content(unbroken, run_in, tmp_path, share):
    resumed_like(unbroken, run_in, tmp_path, [int(share * unbroken[1])])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_killed_at_any_moment_the_content_is_the_same(unbroken, run_in, tmp_path, seed):
    """About 2 minutes for all 50; every third is killed twice."""
    rng = random.Random(seed)
    moments = [rng.randint(1, unbroken[1]) for _ in range(2 if seed % 3 == 0 else 1)]
    resumed_like(unbroken, run_in, tmp_path, moments)
