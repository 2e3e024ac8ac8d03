"""The workbench: workers exist from the first loan until idle time is over, and a release never cuts a loan off."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.workbench import Workbench


async def test_workers_start_with_the_first_loan_and_go_when_idle(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, workers=1, memory_mb=None, idle_seconds=0.3)
    assert bench.workers() is None
    assert bench.planned_workers == 1
    releasing = asyncio.create_task(bench.run())
    async with bench.lend():
        assert bench.busy
        await asyncio.sleep(0.8)
        workers = bench.workers()
        assert workers is not None, "a loan outlives the idle time"
        assert len(workers) == 1
        assert bench.rate() == 0.0
    async with asyncio.timeout(20):
        while bench.workers() is not None:  # noqa: ASYNC110 - the bench tells nobody
            await asyncio.sleep(0.05)
    releasing.cancel()
    async with bench.lend():
        assert bench.workers() is not None, "a later loan starts them again"
    await bench.close()
    assert bench.workers() is None


async def test_two_borrowers_share_one_engine(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, workers=1, memory_mb=None, idle_seconds=60.0)

    async def borrow() -> int:
        async with bench.lend() as compute:
            await asyncio.sleep(0.05)
            return id(compute)

    first, second = await asyncio.gather(borrow(), borrow())
    assert first == second
    assert not bench.busy
    await bench.close()


@pytest.mark.parametrize(("workers", "owned"), [(None, 2), (1, 1), (8, 2), (0, 0)])
def test_the_workers_of_this_machine_own_its_gpus_as_far_as_there_are_workers(
    workers: int | None, owned: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.compute.here.gpus", lambda: [{}, {}])
    bench = Workbench(tmp_path, workers=workers, memory_mb=None, idle_seconds=1.0)
    assert bench.gpus_here == owned
