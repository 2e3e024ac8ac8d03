"""What must go on in the compute engine outlives a fault of ours, and shows it for as long as it lasts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from conformance import until

from engine.compute import cluster
from engine.compute.cluster import Compute
from engine.compute.stop import NAME, StopWord


@pytest.mark.parametrize(("loop", "work"), [("_care", "care"), ("_watch_stop", "halt")])
async def test_a_fault_ends_neither_the_care_of_tasks_nor_the_watch_for_a_halt(
    loop: str, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cluster, "_CARE_LOOK", 0.001)
    monkeypatch.setattr(cluster, "_IDLE_LOOK", 0.001)
    rounds, broken = list[bool](), [True]

    def does(*_: Any) -> None:
        rounds.append(broken[0])
        if broken[0]:
            raise KeyError("lot 7")

    with StopWord(tmp_path / NAME) as word:
        compute = Compute(tmp_path, word, [], {}, None)
        monkeypatch.setattr(compute._traffic, work, does)
        task = asyncio.create_task(getattr(compute, loop)())
        await until(lambda: len(rounds) > 3)
        assert [line for line in compute.degraded() if "fails: KeyError: 'lot 7'; see the log" in line]
        assert len([one for one in caplog.records if one.exc_info]) == 1, "told once"
        broken[0] = False
        await until(lambda: not compute.degraded())
        assert not task.done()
        task.cancel()
