"""The local cluster keeps the contract of every backend, and some promises of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from conformance import ComputeContract, until
from sample_kinds import KINDS

from engine.compute.cluster import Compute
from engine.compute.pki import Role
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


def listening(pid: int | None) -> int:
    """Return the port at which a process listens."""
    found = [c.laddr.port for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert len(found) == 1
    return found[0]


async def intrude(compute: Compute, attack: str, mark: Path, *, port: int, role: Role = "client") -> str:
    """Let a process of its own try an attack with a leaf of the cluster's authority, and return what it reports."""
    assert compute._life is not None
    assert compute._life._spec is not None
    leaf = compute._life._spec.authority.leaf(role, "rig-x")
    orders = {"port": port, "mark": str(mark), "tls": asdict(leaf)}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(Path(__file__).parent / "intruder.py"), attack],
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip() or done.stderr


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

    @pytest.mark.parametrize("who", ["plain", "no certificate", "other authority"])
    async def test_a_stranger_hears_nothing(self, compute: Compute, tmp_path: Path, who: str) -> None:
        for port in [compute.port, listening(compute.workers()[0].pid)]:
            said = await intrude(compute, who, tmp_path / "m", port=port)
            assert said.startswith(("refused", "heard 0")), said
        assert not (tmp_path / "m").exists()

    @pytest.mark.parametrize("wish", ["run in the scheduler", "register as client", "pickle"])
    async def test_a_workers_key_opens_nothing_of_a_client(
        self, compute: Compute, tmp_path: Path, wish: str
    ) -> None:
        before = compute.refusals()
        said = await intrude(compute, wish, tmp_path / "m", port=compute.port, role="worker")
        assert said.startswith("refused"), said
        assert not (tmp_path / "m").exists(), "code ran in the scheduler"
        await until(lambda: compute.refusals() > before)

    async def test_the_engines_key_opens_what_it_should(self, compute: Compute, tmp_path: Path) -> None:
        """The attacks are real: with a client's key the same message runs."""
        said = await intrude(
            compute, "run in the scheduler", tmp_path / "m", port=compute.port, role="client"
        )
        assert (tmp_path / "m").exists(), said

    @pytest.mark.parametrize("role", ["worker", "client", "scheduler"])
    async def test_nobody_calls_a_worker(self, compute: Compute, tmp_path: Path, role: Role) -> None:
        port = listening(compute.workers()[0].pid)
        said = await intrude(compute, "run in a worker", tmp_path / "m", port=port, role=role)
        assert said.startswith("refused"), said
        assert not (tmp_path / "m").exists()

    @pytest.mark.parametrize("way", ["answer", "type", "message"])
    async def test_a_pickle_of_a_worker_is_opened_nowhere(
        self, compute: Compute, tmp_path: Path, way: str
    ) -> None:
        serial = next(compute._dealer._serials) + 1
        params = {"mark": str(tmp_path / "m"), "way": way, "serial": serial, "poison": True}
        result = await compute.run(Task("hostile", way, params, limit=60))
        assert not (tmp_path / "m").exists(), f"unpickled: {result}"
        assert way != "answer" or "pickles and foreign formats are refused" in (result.error or "")
        assert way != "message" or "worker died 4 times" in (result.error or "")
        await until(lambda: all(worker.alive for worker in compute.workers()), 60)
        assert (await compute.run(Task("echo", "after", {}))).ok

    async def test_no_key_is_seen_in_ps_and_none_on_disk(self, compute: Compute) -> None:
        for process in processes(compute):
            seen = [*process.cmdline(), *process.environ().values()]
            assert not any("BEGIN" in text or "PRIVATE" in text for text in seen)
        for path in TestLocal.state.rglob("*"):
            assert not path.is_file() or b"PRIVATE KEY" not in path.read_bytes()

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
