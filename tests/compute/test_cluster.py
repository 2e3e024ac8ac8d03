"""The local cluster keeps the contract of every backend, and some promises of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from conformance import ComputeContract, until
from sample_kinds import KINDS

from engine.compute.cluster import Compute
from engine.compute.task import Task

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def compute(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Compute]:
    TestLocal.state = tmp_path_factory.mktemp("state")
    async with await Compute.start(TestLocal.state, workers=2, kinds=KINDS) as cluster:
        yield cluster


def processes(compute: Compute) -> list[psutil.Process]:
    """Return the cluster's own processes."""
    pids = [compute.scheduler_pid(), *(worker.pid for worker in compute.workers())]
    return [psutil.Process(pid) for pid in pids if pid is not None]


class TestLocal(ComputeContract):
    """The contract over processes of this machine."""

    async def test_nothing_listens_beyond_loopback_and_nothing_speaks_http(self, compute: Compute) -> None:
        for process in processes(compute):
            listening = [c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
            assert [address.ip for address in listening] == ["127.0.0.1"], process.cmdline()
        own = [c for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN]
        assert own == []

    async def test_workers_tell_name_age_pid_and_memory(self, compute: Compute) -> None:
        await until(lambda: all(worker.rss for worker in compute.workers()))
        for index, worker in enumerate(compute.workers()):
            assert (worker.name, worker.alive, worker.busy, worker.note) == (
                f"worker-{index}",
                True,
                False,
                "",
            )
            assert worker.age < 5
            assert 20 << 20 < worker.rss < 200 << 20
            assert worker.digest

    async def test_a_dead_scheduler_costs_nothing_but_time(self, compute: Compute, tmp_path: Path) -> None:
        before = compute.scheduler_pid()
        assert before is not None
        work = asyncio.gather(*(compute.run(Task("nap", f"n{i}", {"seconds": 0.4})) for i in range(8)))
        await until(lambda: any(worker.busy for worker in compute.workers()))
        os.kill(before, signal.SIGKILL)
        results = await asyncio.wait_for(work, 30)
        assert [result.key for result in results] == [f"n{i}" for i in range(8)]
        assert all(result.ok for result in results), results
        assert compute.scheduler_pid() != before

    async def test_a_stopped_worker_does_not_hold_up_a_halt(self, compute: Compute, tmp_path: Path) -> None:
        work = asyncio.ensure_future(compute.run(Task("obey", "frozen", {"mark": str(tmp_path / "m")})))
        await until((tmp_path / "m").exists)
        await until(lambda: any(worker.busy for worker in compute.workers()))
        frozen = next(worker for worker in compute.workers() if worker.busy)
        assert frozen.pid is not None
        os.kill(frozen.pid, signal.SIGSTOP)
        begun = time.monotonic()
        compute.stop_now()
        assert (await work).stopped
        assert time.monotonic() - begun < 1
        compute.resume()
        await until(lambda: all(worker.alive for worker in compute.workers()))
