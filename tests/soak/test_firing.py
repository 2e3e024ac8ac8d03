"""When a fault is fired: at its moment, or as soon as there is something to break."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from engine.soak import firing
from engine.soak.plan import FaultAt


def stage_with(clock: list[float]) -> Any:
    """Return what `faults` needs of a stage, over a clock that sleeping moves on."""

    async def sleep(seconds: float) -> None:
        clock[0] += max(0.0, seconds)

    plan = SimpleNamespace(
        faults=(FaultAt(name="kill_scheduler", at=0.5),), when=lambda asked: 50.0, seconds=1000.0
    )
    asked: list[dict[str, Any]] = []
    return SimpleNamespace(
        plan=plan, journal=SimpleNamespace(events=lambda kinds: []), hands=asyncio.Lock(), asked=asked, sleep=sleep,
        t=lambda: clock[0], over=lambda: clock[0] > 1000.0, ask=lambda request, door: asked.append(request),
    )  # fmt: skip


@pytest.mark.parametrize("misses", [0, 1, 5])
async def test_a_room_at_rest_is_given_work_once_and_the_fault_is_tried_until_something_runs(
    misses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_with([0.0])
    tries: list[bool] = []

    async def fire(stage: Any, number: int, asked: Any, fault: Any, *, last: bool) -> bool:
        tries.append(last)
        return len(tries) > misses

    monkeypatch.setattr(firing, "fire", fire)
    await firing.faults(stage, {"kill_scheduler": SimpleNamespace})
    assert len(tries) == misses + 1
    assert not any(tries), "two minutes are not over"
    assert [request["type"] for request in stage.asked] == ["pipeline_rerun"] * min(1, misses)


async def test_a_room_that_is_not_back_is_given_work_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, clock = stage_with([0.0]), iter(range(0, 1000, 30))
    monkeypatch.setattr(firing, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    monkeypatch.setattr(firing, "POLL_S", 0.0)
    looks: list[None] = []
    fault = SimpleNamespace(
        name="hung_chunk", settle_s=900.0, recovered=lambda target: looks.append(None) or len(looks) > 6
    )
    assert await firing._recovered(stage, fault, SimpleNamespace(), 0.0)
    assert [request["type"] for request in stage.asked] == ["pipeline_rerun"]
