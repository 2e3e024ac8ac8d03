"""A soak by hand: only one with a living runner counts, a fault is ordered of it, it is ended by its own process; a refused start says why."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import UsageError
from engine.soak import firing, ground, hand, kinds
from engine.soak.gates import lived
from engine.soak.plan import FaultAt
from engine.tables.soaks import SOAKS


@pytest.fixture
def runner() -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like a soak's runner."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "soak", "a"]) as process:
        yield process
        process.kill()


def test_the_running_soak_takes_orders_and_ends_by_its_own_process(tmp_path: Path, runner: Any) -> None:
    made = ground.new(tmp_path, "a")
    told = {"schema": "soak_status/1", "id": made.id, "pid": runner.pid}
    (made.path / "status.json").write_text(json.dumps(told))
    assert hand.running(tmp_path) == (made, told)
    with pytest.raises(UsageError, match="runs; one at a time"):
        hand.start(tmp_path, "b", {})
    with pytest.raises(UsageError, match="no fault 'kill_all'"):
        hand.fire(tmp_path, "kill_all", "ann")
    hand.fire(tmp_path, "kill_worker", "ann: why not")
    (order,) = (made.path / "orders").iterdir()
    assert json.loads(order.read_text()) == {"name": "kill_worker", "by": "ann: why not"}
    desk: Any = SimpleNamespace(state=tmp_path)
    assert [(row["id"], row["state"]) for row in SOAKS.rows(desk, 9)] == [(made.id, "running")]
    hand.stop(tmp_path)
    assert runner.wait(10) == -15
    assert hand.running(tmp_path) is None
    with pytest.raises(UsageError, match="none runs here"):
        hand.stop(tmp_path)
    assert [row["state"] for row in SOAKS.rows(desk, 9)] == ["unfinished"]


def test_a_start_is_the_command_lines_own_and_leaves_its_words(tmp_path: Path) -> None:
    told = hand.start(tmp_path, "a", {"hours": "long", "faults": ""})
    (process,) = [one for one in hand._STARTED if one.pid == told["pid"]]
    assert process.wait(60) == 2
    assert "--hours: invalid float value: 'long'" in Path(told["log"]).read_text()
    assert hand.running(tmp_path) is None
    assert process not in hand._STARTED


async def test_a_runner_fires_what_was_ordered_beside_its_plan_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ground.Ground(tmp_path)
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "x.json").write_text('{"name": "kill_worker", "by": "ann"}')
    fired: list[tuple[int, str, str]] = []

    async def fire(stage: Any, number: int, asked: FaultAt, fault: Any, *, by: str) -> bool:
        fired.append((number, asked.name, by))
        return True

    monkeypatch.setattr(firing, "fire", fire)
    looks = iter([False, False, True])

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    stage: Any = SimpleNamespace(
        ground=made, plan=SimpleNamespace(faults=(FaultAt(name="cut_ssh", at=0.5),)), hands=asyncio.Lock(),
        journal=SimpleNamespace(newest=lambda kinds, most: [SimpleNamespace(data={"n": 3})]), over=lambda: next(looks), sleep=sleep,
    )  # fmt: skip
    await firing.orders(stage, {"kill_worker": SimpleNamespace})
    assert fired == [(4, "kill_worker", "ann")]
    assert not list((tmp_path / "orders").iterdir())


def test_a_fault_fired_by_hand_counts_in_the_gate_of_faults() -> None:
    told = {"n": 0, "name": "kill_worker", "seconds": 1.9, "holds": True, "findings": [], "skipped": None}

    def judged(**more: Any) -> Any:
        of = {kinds.FAULT: [told], kinds.RECOVERED: [told | more]}
        events = {kind: [SimpleNamespace(data=data) for data in rows] for kind, rows in of.items()}
        records: Any = SimpleNamespace(plan=SimpleNamespace(faults=()), of=lambda kind: events[kind])
        return lived.faults(records)

    assert (judged().state, judged().numbers["recovered in s"]) == ("pass", {"kill_worker 0": 1.9})
    assert judged(holds=False, findings=["lost a piece"]).findings == ("kill_worker: lost a piece",)
