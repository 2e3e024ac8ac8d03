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
from typing import TYPE_CHECKING, cast

import psutil
import pytest
import pytest_asyncio
from conformance import ComputeContract, until
from sample_kinds import KINDS

from engine.compute.cluster import Compute
from engine.compute.task import Task

if TYPE_CHECKING:
    from engine.compute.pki import Role

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


async def intrude(compute: Compute, attacks: list[tuple[str, int, str]], mark: Path) -> list[str]:
    """Let a process of its own try (attack, port, role of its leaf) one after the other; return what each came to."""
    assert compute._life is not None
    assert compute._life._spec is not None
    leaf = compute._life._spec.authority.leaf
    orders = [
        {"attack": attack, "port": port, "mark": str(mark), "tls": asdict(leaf(cast("Role", role), "rig-x"))}
        for attack, port, role in attacks
    ]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(Path(__file__).parent / "intruder.py")],
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said: list[str] = json.loads(done.stdout)
    return said


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

    async def test_strangers_and_stolen_keys_are_refused(self, compute: Compute, tmp_path: Path) -> None:
        ours, workers = compute.port, listening(compute.workers()[0].pid)
        strangers = [
            (who, port, "client")
            for who in ("plain", "no certificate", "other authority")
            for port in (ours, workers)
        ]
        wishes = ("run in the scheduler", "register as client", "pickle")
        stolen = [(wish, ours, "worker") for wish in wishes]
        between = [("run in a worker", workers, role) for role in ("worker", "client", "scheduler")]
        before = compute.refusals()
        said = await intrude(compute, [*strangers, *stolen, *between], tmp_path / "m")
        for (attack, _, role), heard in zip([*strangers, *stolen, *between], said, strict=True):
            assert heard.startswith(("refused", "heard 0")), (attack, role, heard)
        assert not (tmp_path / "m").exists(), "code ran"
        await until(lambda: compute.refusals() >= before + len(stolen))
        # The attacks are real: with the engine's own key the same message runs.
        said = await intrude(compute, [("run in the scheduler", ours, "client")], tmp_path / "m")
        assert (tmp_path / "m").exists(), said

    @pytest.mark.parametrize("way", ["answer", "type", "exception", "message"])
    async def test_a_pickle_of_a_worker_is_opened_nowhere(
        self, compute: Compute, tmp_path: Path, way: str
    ) -> None:
        serial = next(compute._traffic.dealer._serials) + 1
        params = {"mark": str(tmp_path / "m"), "way": way, "serial": serial, "poison": True}
        result = await compute.run(Task("hostile", way, params, limit=60))
        assert not (tmp_path / "m").exists(), f"unpickled: {result}"
        assert way != "answer" or "pickles and foreign formats are refused" in (result.error or "")
        (attempt,) = [one for one in compute.attempts() if one.key == way] or [None]
        if way == "message":
            assert result.meta == {"again": True}, "it ran again elsewhere"
            assert attempt is not None
            assert (attempt.outcome, attempt.number) == ("died", 1)
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
