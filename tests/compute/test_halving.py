"""A task that is too large for the machines that wait for work is halved, again and again; what comes out is what the whole would give."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_kinds import KINDS

from engine.compute.cluster import Compute
from engine.compute.dealer import Dealer
from engine.compute.flight import Flight
from engine.compute.load import Load
from engine.compute.relief import Relief
from engine.compute.task import Task, TaskResult

GIB = 1 << 30


class Parts:
    """Cuts the `total` kind by its part of the array."""

    def halve(self, task: Task) -> tuple[Task, Task] | None:
        lo, hi = task.params["part"]
        if hi - lo < 2:
            return None
        middle = (lo + hi) // 2
        one, two = (
            replace(task, key=f"{task.key}.{n}", params={"part": part}, memory=task.memory // 2)
            for n, part in enumerate(([lo, middle], [middle, hi]))
        )
        return one, two

    def join(self, task: Task, halves: Sequence[TaskResult]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"sum": sum(one.meta["sum"] for one in halves)}, {
            "head": np.concatenate([one.arrays["head"] for one in halves])
        }


@pytest.fixture
def small_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has 1 GiB left for work."""
    monkeypatch.setattr("engine.compute.slot.Slot._left", lambda self, free: GIB)
    monkeypatch.setattr("engine.compute.relief.HALVING_PATIENCE", 0.1)


async def test_halves_of_halves_give_the_whole_and_what_cannot_be_cut_is_refused(
    tmp_path: Path, small_host: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.compute.relief.PATIENCE", 0.5)
    values = np.arange(1000)
    async with await Compute.start(tmp_path, workers=1, kinds=KINDS) as compute:
        whole = Task("total", "t", {"part": [0, 1000]}, {"v": values}, memory=3 * GIB, split=Parts())
        result = await compute.run(whole)
        assert (result.ok, result.key, result.meta["sum"]) == (True, "t", values.sum())
        assert len(result.arrays["head"]) == 4 * 3, "3 GiB went as four parts of 0.75"
        (attempt,) = compute.attempts()
        assert attempt.outcome == "halved"
        assert attempt.error.startswith("needs 3.0 GiB of memory, an idle worker has 1.0 GiB")

        refused = await compute.run(replace(whole, params={"part": [0, 1]}))
        assert not refused.ok
        assert "and it cannot be cut further" in (refused.error or "")

        failing = await compute.run(replace(whole, arrays={}))
        assert not failing.ok
        assert "KeyError" in (failing.error or "")
        compute.stop_now()
        assert (await compute.run(whole)).stopped
        compute.resume()
        assert (await compute.run(whole)).meta == result.meta


def test_a_weak_host_that_waits_gets_halves_while_a_strong_one_is_busy() -> None:
    dealer, large = Dealer(), Load(1, "features", memory=4 * GIB)
    dealer.join("zeus/gpu0", 60 * GIB, "zeus")
    dealer.join("weak/gpu0", GIB, "weak")
    dealer.add(large)
    assert dealer.too_large() == [(large, 60 * GIB)] or dealer.too_large() == []
    dealer.deal(0.0)
    assert dealer.too_large() == [], "it went to the one that has the memory"
    waiting = [Load(number, "features", memory=4 * GIB) for number in (2, 3, 4)]
    for load in waiting:
        dealer.add(load)
    dealer.deal(0.0)
    assert dealer.unfit() == []
    assert [load.number for load, room in dealer.too_large() if room == GIB] == [3, 4]


def test_a_neighbours_work_puts_off_but_halves_nothing() -> None:
    dealer = Dealer()
    for name in ("weak/gpu0", "weak/gpu1"):
        dealer.join(name, 3 * GIB, "weak")
    for number in (1, 2):
        dealer.add(Load(number, "features", memory=2 * GIB))
    lots, _ = dealer.deal(0.0)
    assert [[load.number for _, load in lot.tasks] for lot in lots] == [[1, 2]], "it works on one at a time"
    assert dealer.too_large() == []
    # what the running task has taken already is missing from `free`: it is not counted twice
    first = dealer.members["weak/gpu0"]
    first.free, first.used = GIB, 2 * GIB
    assert first.claim() == 0


def test_an_idle_worker_without_the_memory_for_what_waits_says_so() -> None:
    dealer = Dealer()
    dealer.join("weak/gpu0", GIB, "weak")
    assert dealer.short("weak/gpu0") is None, "nothing waits"
    dealer.add(Load(1, "sieve", memory=2 * GIB))
    dealer.add(Load(2, "sieve", memory=3 * GIB))
    dealer.deal(0.0)
    assert dealer.short("weak/gpu0") == (2 * GIB, GIB)
    dealer.add(Load(3, "sieve"))
    assert dealer.short("weak/gpu0") is None, "it gets that one"


@pytest.mark.parametrize("broken", ["halve", "join"])
async def test_a_split_that_breaks_fails_its_task_and_nobody_waits_for_ever(broken: str) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("canary")

    split = Parts()
    setattr(split, broken, breaks)
    dealer, load = Dealer(), Load(1, "total", memory=3 * GIB)
    dealer.join("worker-0#1", free=GIB)
    dealer.add(load)
    flight = Flight(Task("total", "t", {"part": [0, 1000]}, split=split), 0, load)

    async def fly(half: Task, generation: int, cramped_since: float | None = None) -> TaskResult:
        return TaskResult(half.key, True, {}, {}, None, 0.0, "worker-0#1", False)

    relief = Relief(dealer, {load: flight}, fly, lambda *_: None)
    relief.see_to(100.0)
    relief.see_to(200.0)
    result = await asyncio.wait_for(flight.landed, 5)
    assert not result.ok
    assert "KeyError: 'canary'" in str(result.error)
