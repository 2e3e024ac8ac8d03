"""A slot keeps its worker running, and nothing begins in a room that was told to stand still."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from conformance import until

from engine.compute.pki import Authority
from engine.compute.place import Place, SlotSpec
from engine.compute.slot import Slot


def ended() -> Any:
    """Return a process that has been killed already."""
    gone, done = asyncio.get_running_loop().create_future(), asyncio.sleep
    gone.set_result(-9)
    return SimpleNamespace(
        pid=7, alive=False, wait=lambda: gone, last_words=lambda: "", close=lambda: done(0), kernel_log=None,
        silence=lambda: 0.0,
    )  # fmt: skip


async def test_a_worker_s_start_counts_from_its_process_and_not_from_the_rig_s_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.compute.slot.LOOK", 0.01)
    monkeypatch.setattr("engine.compute.slot.REMOTE_START_LIMIT", 0.1)
    back, killed, begun = asyncio.Event(), list[str](), asyncio.Event()

    async def launch(order: Any, on_event: Any) -> Any:
        await back.wait()
        begun.set()
        process, living = ended(), asyncio.get_running_loop().create_future()
        process.kill, process.wait = killed.append, lambda: living
        return process

    loop = asyncio.get_running_loop()
    address, report = loop.create_future(), loop.create_future()
    address.set_result("tls://127.0.0.1:1")
    spec = SlotSpec({}, report, address, None, Authority(), lambda: 0, lambda: False, lambda: 1)
    slot = Slot(Place("rig-a/gpu0", launch, remote=True), spec, SimpleNamespace())  # type: ignore[arg-type]
    await asyncio.sleep(0.12)
    back.set()
    await begun.wait()
    at = loop.time()
    await until(lambda: killed)
    assert loop.time() - at >= 0.09
    assert killed[0] == "not up within 0 s"
    await slot.close()


async def test_a_worker_that_ends_during_a_halt_starts_again_when_the_room_resumes() -> None:
    halted, launches = [True], list[str]()

    async def launch(order: Any, on_event: Any) -> Any:
        launches.append(order.alias)
        return ended()

    loop, numbers = asyncio.get_running_loop(), itertools.count(1)
    spec = SlotSpec(
        {}, loop.create_future(), loop.create_future(), None, Authority(), lambda: 0, lambda: halted[0],
        lambda: next(numbers),
    )  # fmt: skip
    slot = Slot(Place("worker-0", launch), spec, SimpleNamespace())  # type: ignore[arg-type]
    await until(lambda: "when the room resumes" in slot.info().note)
    assert launches == ["worker-0#1"]
    halted[0] = False
    await until(lambda: launches[1:] == ["worker-0#2"])
    slot._admission = waiting = asyncio.create_task(slot._admit(ended(), SimpleNamespace()))  # type: ignore[arg-type]
    await slot.close()
    assert waiting.cancelled(), "who waits for a scheduler that never came must not outlive its slot"


async def test_a_slot_outlives_whatever_its_transport_raises_and_starts_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.compute.slot.FIRST_DELAY", 0.01)
    tries = itertools.count(1)
    again = asyncio.Event()

    async def launch(order: Any, on_event: Any) -> Any:
        if next(tries) == 1:
            raise KeyError("a fault of ours")
        again.set()
        return ended()

    loop = asyncio.get_running_loop()
    address, report = loop.create_future(), loop.create_future()
    spec = SlotSpec({}, report, address, None, Authority(), lambda: 0, lambda: False, lambda: 1)
    slot = Slot(Place("worker-0", launch), spec, SimpleNamespace())  # type: ignore[arg-type]
    await asyncio.wait_for(slot.settled.wait(), 5)
    assert "not started: KeyError: 'a fault of ours'" in slot.info().note
    await asyncio.wait_for(again.wait(), 5)
    await slot.close()
