"""Clusters that are started, starved, refused and orphaned: every life ends with nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from conformance import running, until
from sample_kinds import KINDS

from engine.compute.cluster import Compute
from engine.compute.host import HostReport
from engine.compute.life import _silent
from engine.compute.lives import Lives
from engine.compute.task import Task
from engine.errors import EnvironmentFault, UsageError


async def test_a_worker_with_other_kernels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "engine.compute.life.host_report", lambda _: HostReport("avx9", "0123456789abcdef", ())
    )
    before = psutil.Process().children()
    with pytest.raises(EnvironmentFault, match=r"worker-0: kernels differ: .* coordinator avx9 0123456789ab"):
        await Compute.start(tmp_path, workers=1)
    assert psutil.Process().children() == before


async def test_a_scheduler_that_imports_for_long_is_not_taken_for_hung(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.compute.life.LOOK", 0.01)
    up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    watch = asyncio.create_task(_silent(SimpleNamespace(silence=lambda: 50.0), up))  # type: ignore[arg-type]
    await asyncio.sleep(0.1)
    assert not watch.done()
    up.set_result("tls://127.0.0.1:1")
    await asyncio.wait_for(watch, 5)


async def test_places_that_come_and_go_while_a_scheduler_starts_are_its_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    class Starting:
        port, lost = 1, asyncio.Event()

        def __init__(self, places: list[Any]) -> None:
            self.slots = {place.name: SimpleNamespace(name=place.name, place=place) for place in places}

        def add(self, place: Any) -> None:
            self.slots[place.name] = SimpleNamespace(name=place.name, place=place)

        async def remove(self, name: str) -> None:
            self.slots.pop(name, None)

    async def start(ground: Any, places: list[Any], *_: Any) -> Starting:
        begun.set()
        await go.wait()
        return Starting(places)

    def place(name: str) -> Any:
        return SimpleNamespace(name=name)

    monkeypatch.setattr("engine.compute.lives.Life.start", start)
    traffic: Any = SimpleNamespace(answered=None, ended=None)
    lives = Lives(None, {name: place(name) for name in ("stays", "goes", "changes")}, traffic)  # type: ignore[arg-type]
    lost: Any = Starting([])
    lost.lost.set()
    lives.now = lost
    starting = asyncio.create_task(lives.begin())
    await begun.wait()
    lives.add(place("rig-a/gpu0"))
    await lives.remove("goes")
    lives._places["changes"] = changed = place("changes")
    go.set()
    await starting
    assert lives.now is not None
    assert sorted(lives.now.slots) == ["changes", "rig-a/gpu0", "stays"]
    assert lives.now.slots["changes"].place is changed
    assert "rig-a/gpu0" not in lost.slots, "a worker of a dead scheduler would be started again and again"


async def test_a_worker_that_cannot_start_is_named_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr("engine.compute.isolation.sys.executable", "/bin/false")
    with pytest.raises(EnvironmentFault, match="scheduler did not start"):
        await Compute.start(tmp_path, workers=1)


async def test_a_frozen_idle_worker_and_a_fat_one_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.compute.slot.SILENCE", 1.5)
    async with await Compute.start(tmp_path, workers=1, kinds=KINDS) as compute:
        first = compute.workers()[0]
        assert first.pid is not None
        os.kill(first.pid, signal.SIGSTOP)
        await until(lambda: compute.workers()[0].alive and compute.workers()[0].pid != first.pid)
        assert not running(first.pid)
        assert compute._life is not None
        second = compute.workers()[0]
        object.__setattr__(compute._life.slots["worker-0"]._spec, "memory", 1 << 20)
        await until(lambda: compute.workers()[0].pid != second.pid)


async def test_fewer_than_no_workers_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be negative"):
        await Compute.start(tmp_path, workers=-1)


async def test_starting_and_closing_gives_everything_back(tmp_path: Path) -> None:
    async def once() -> None:
        async with await Compute.start(tmp_path, workers=1, kinds=KINDS) as compute:
            assert (await compute.run(Task("echo", "e", {}))).ok
            waiting = asyncio.ensure_future(compute.run(Task("nap", "n", {"seconds": 30})))
            await until(lambda: compute.workers()[0].busy)
        with pytest.raises(EnvironmentFault, match="closed"):
            await waiting
        with pytest.raises(EnvironmentFault, match="closed"):
            await compute.run(Task("echo", "late", {}))

    def held() -> tuple[int, int, int]:
        # The loop's own pool grows to its bound and stays; it is not ours.
        threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
        return len(os.listdir("/proc/self/fd")), len(threads), len(asyncio.all_tasks())

    await once()
    before, children = held(), psutil.Process().children()
    begun = time.monotonic()
    await once()
    assert time.monotonic() - begun < 12
    await asyncio.sleep(0.1)
    assert psutil.Process().children() == children
    after = held()
    assert all(new <= old for new, old in zip(after, before, strict=True)), (before, after)
    assert not (tmp_path / "compute").exists()


ENGINE = """
import asyncio, sys
from pathlib import Path
from engine.compute.cluster import Compute
from engine.compute.task import Task
from sample_kinds import KINDS

async def main():
    compute = await Compute.start(Path(sys.argv[1]), workers=2, kinds=KINDS)
    marks = Path(sys.argv[2])
    work = [
        asyncio.create_task(compute.run(Task("family", "child", {"mark": str(marks / "family")}, isolate=True))),
        asyncio.create_task(compute.run(Task("deaf", "busy", {"mark": str(marks / "deaf")}))),
    ]
    while len(list(marks.iterdir())) < 2 or not (marks / "family").read_text():
        await asyncio.sleep(0.01)
    print(compute.scheduler_pid(), *(worker.pid for worker in compute.workers()), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_killed_engine_leaves_no_process_behind(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    engine = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-c", ENGINE, str(tmp_path / "state"), str(marks)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert engine.stdout is not None
    line = await asyncio.to_thread(engine.stdout.readline)
    child = int((marks / "family").read_text().split()[0])
    pids = [*map(int, line.split()), child]
    assert len(pids) == 4
    assert all(map(running, pids))
    engine.kill()
    engine.wait()
    engine.stdout.close()
    took = await until(lambda: not any(map(running, pids)), 10)
    print(f"all gone {took:.2f} s after kill -9 of the engine")
    helper = int((marks / "family").read_text().split()[1])
    if running(helper):
        os.kill(helper, signal.SIGKILL)
