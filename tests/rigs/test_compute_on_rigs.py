"""The real compute engine on a rig behind a real sshd: TLS through the tunnel, exactly once over deaths of worker, link and guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from rigside import made_settings, make_cards, quick, until

from engine.compute.cluster import Compute
from engine.compute.task import Task
from engine.rigs.attempt import Attempt
from engine.rigs.life import Life
from engine.rigs.machine import Machine
from engine.rigs.quarantine import Quarantine
from engine.rigs.recruits import Recruits
from state.journal import Journal

ROOT = Path(__file__).parents[2]
KINDS = {name: f"sample_kinds:{name}" for name in ("echo", "nap")}
PATHS = f"{ROOT}:{ROOT / 'tests/compute'}"


class Yard:
    """A rig, its life, the engine and what it all left on record."""

    def __init__(self, life: Life, compute: Compute) -> None:
        self.life, self.compute = life, compute
        self.attempts: list[Attempt] = []

    async def working(self, count: int) -> list[Any]:
        return await until(
            lambda: len(up := [w for w in self.compute.workers() if w.alive]) == count and up, 90
        )

    async def run(self, count: int, seconds: float = 0.2) -> list[Any]:
        tasks = [Task("nap", f"n{number}", {"seconds": seconds, "number": number}) for number in range(count)]
        return [result async for result in self.compute.map(tasks)]


@pytest.fixture
async def yard(
    server: Any, tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Yard]:
    monkeypatch.setattr("engine.rigs.life.FIRST_RETRY", 0.3)
    monkeypatch.syspath_prepend(str(ROOT / "tests/compute"))
    settings = made_settings(server, staging, 2, env={"PYTHONPATH": PATHS}, stagger=2)
    recruits = Recruits()
    with Journal.open(tmp_path / "journal") as journal:
        attempts: list[Attempt] = []
        life = Life(Machine(settings, Quarantine(journal)), crew=recruits, told=lambda changes: None, ended=attempts.append,
                    terms=quick(settings, staging, silence=8.0, start_limit=60.0), roots=(str(make_cards(tmp_path / "sys", 2)), "/proc", "false"))  # fmt: skip
        async with await Compute.start(tmp_path / "state", workers=0, kinds=KINDS) as compute:
            recruits.join(compute)
            found = Yard(life, compute)
            found.attempts = attempts
            task = asyncio.create_task(life.run())
            yield found
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def exactly_once(results: list[Any], count: int) -> None:
    assert sorted(result.key for result in results) == sorted(f"n{number}" for number in range(count))
    assert [result.error for result in results if not result.ok] == []


@pytest.mark.slow
async def test_work_runs_on_a_rig_and_nothing_secret_shows_there(yard: Yard, staging: Path) -> None:
    """About 15 s."""
    await yard.working(2)
    results = await yard.run(20)
    exactly_once(results, 20)
    assert {result.worker.partition("#")[0] for result in results} == {"rig-a/gpu0", "rig-a/gpu1"}
    assert not list(staging.rglob("*.pem"))
    commands = [" ".join(psutil.Process(worker.pid).cmdline()) for worker in yard.compute.workers()]
    assert not any("PRIVATE" in command for command in commands)


@pytest.mark.slow
async def test_a_halt_reaches_the_rig_within_a_second_and_work_goes_on_after_it(yard: Yard) -> None:
    """About 20 s."""
    await yard.working(2)
    running = asyncio.create_task(yard.run(40, 5.0))
    await asyncio.sleep(1)
    begun = asyncio.get_running_loop().time()
    yard.compute.stop_now()
    yard.life.halt(yard.compute._word.generation())
    results = await running
    took = asyncio.get_running_loop().time() - begun
    print(f"MEASURED halt of two remote workers: last result after {took:.2f} s")
    assert took < 1.5, "a second, and half of one for a busy machine"
    assert all(result.stopped for result in results)
    yard.compute.resume()
    await yard.working(2)
    exactly_once(await yard.run(6), 6)


@pytest.mark.slow
async def test_a_drained_card_finishes_its_piece_and_an_included_one_works_again(yard: Yard) -> None:
    """About 25 s."""
    await yard.working(2)
    running = asyncio.create_task(yard.run(20, 0.5))
    await asyncio.sleep(1)
    yard.life.machine.quarantine.put("rig-a/0000:03:00.0", "new riser", "me", drained=True)
    exactly_once(await running, 20)
    await until(lambda: [a for a in yard.attempts if a.cause == "drained"])
    await yard.working(1)
    yard.life.machine.quarantine.include("rig-a/0000:03:00.0", "me")
    await yard.working(2)


@pytest.mark.slow
async def test_a_worker_with_other_kernels_shows_on_its_card_until_somebody_has_looked(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """About 20 s."""
    await yard.working(2)
    reason = "kernels differ: worker avx2 0123, coordinator avx2 4567; install the same build on both"
    with monkeypatch.context() as patch:
        patch.setattr("engine.compute.host.HostReport.against", lambda *_, **__: reason)
        psutil.Process(yard.life.workers[0].pid).kill()
        await until(lambda: yard.life.workers[0].state == "refused", 60)
    seat = yard.life.machine.seats[0]
    assert yard.life.machine.light(seat) == "fail"
    assert yard.life.machine.card_row(seat)["why"] == f"self-test: {reason}"
    assert [worker.note for worker in yard.compute.workers() if not worker.alive] == [reason]
    exactly_once(await yard.run(4), 4)
    for change in (yard.life.machine.quarantine.put, yard.life.machine.quarantine.include):
        change("rig-a/0000:03:00.0", "looked", "me")
        await asyncio.sleep(1.5)
    await yard.working(2)
