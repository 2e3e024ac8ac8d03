"""The rigs part of benchmarks/fleet.md, against a real sshd on loopback: no GPU, initialisations are sleeps."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fleet_compute import told

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/rigs"))
from rigside import SmallCrew, Stage, made_settings, make_cards, quick, until
from sshd import Server, start

from engine.rigs import life as life_module
from engine.rigs import worker as worker_module
from engine.rigs.guardlink import PROBE, SCRIPTS
from engine.rigs.life import Life
from engine.rigs.machine import Machine
from engine.rigs.quarantine import Quarantine
from engine.rigs.staging import MIB
from engine.rigs.staging import Stage as Staging
from engine.spawn import started
from state.journal import Journal

CARDS = 12


@asynccontextmanager
async def rig(
    server: Server, folder: Path, cards: int, *, name: str = "rig-a", work: dict[str, Any] | None = None,
    terms: dict[str, Any] | None = None, **settings: Any,
) -> AsyncIterator[tuple[Stage, SmallCrew]]:  # fmt: skip
    """Live through one rig's life; the cards are made up."""
    (folder / "shm").mkdir(exist_ok=True)
    if not (folder / f"sys{cards}").exists():
        make_cards(folder / f"sys{cards}", cards)
    found = made_settings(server, folder / "shm", cards, name=name, **settings)
    stage, crew = Stage(), SmallCrew(folder / "initialisations", work=work or {})
    with tempfile.TemporaryDirectory() as state, Journal.open(Path(state)) as journal:
        stage.life = Life(
            Machine(found, Quarantine(journal)), crew=crew, told=stage.changes.extend, ended=stage.attempts.append,
            terms=quick(found, folder / "shm", **{"lease": 10.0, "silence": 8.0, **(terms or {})}),
            roots=(str(folder / f"sys{cards}"), "/proc", "false"),
        )  # fmt: skip
        task = asyncio.create_task(stage.life.run())
        try:
            yield stage, crew
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def spans(folder: Path) -> list[tuple[float, float]]:
    """Return when each initialisation began and ended, by the workers' own clocks on the rig; forget them."""
    log = folder / "initialisations"
    found = [tuple(json.loads(line)[1:]) for line in log.read_text().splitlines()]
    log.unlink()
    return found  # type: ignore[return-value]


def most_at_once(found: list[tuple[float, float]]) -> int:
    """Return how many overlapped at most."""
    inside = most = 0
    for _, step in sorted([(begun, 1) for begun, _ in found] + [(ended, -1) for _, ended in found]):
        inside += step
        most = max(most, inside)
    return most


async def stagger(server: Server, folder: Path) -> None:
    """Count initialisations at once: a bring-up of 12, a relaunch of half of them, two engines on one rig."""
    for slots in (1, 2, 4):
        begun = time.monotonic()
        async with rig(server, folder, CARDS, stagger=slots, stagger_delay_s=0.2, work={"init": 0.5}) as (
            stage,
            _,
        ):
            await until(lambda: len(stage.ready()) == CARDS, 120)
            took = time.monotonic() - begun
            first = spans(folder)
            for worker in stage.ready()[::2]:
                os.kill(worker.pid or 0, signal.SIGKILL)
            await until(lambda: len(stage.attempts) >= CARDS // 2, 60)
            await until(lambda: len(stage.ready()) == CARDS, 120)
            again = spans(folder)
        print(
            f"k={slots}: {CARDS} workers up in {took:.1f} s, at most {most_at_once(first)} at once; "
            f"{len(again)} relaunched, at most {most_at_once(again)} at once"
        )
    async with (
        rig(server, folder, 6, name="rig-a", stagger=2, work={"init": 0.5}) as (one, _),
        rig(server, folder, 6, name="rig-b", stagger=2, work={"init": 0.5}) as (two, _),
    ):
        await until(lambda: len(one.ready()) + len(two.ready()) == 12, 120)
        found = spans(folder)
    print(f"k=2, two engines on one rig: {len(found)} initialisations, at most {most_at_once(found)} at once")


async def halt(server: Server, folder: Path, turns: int = 100) -> None:
    """Time from a halt to the last of 12 workers' answers, and to the engine's record of the last death of 12 that do not answer."""
    async with rig(server, folder, CARDS, stagger=4) as (stage, crew):
        await until(lambda: len(stage.ready()) == CARDS, 120)
        took = []
        for number in range(1, turns + 1):
            begun = time.monotonic()
            stage.life.halt(number)
            await until(lambda number=number: len(crew.heard("halted")) == CARDS * number, 10, 0.002)
            took.append(time.monotonic() - begun)
    print(f"halt of {CARDS} workers on a rig, last answer: {told(took)}", flush=True)
    async with rig(server, folder, CARDS, stagger=CARDS, work={"deaf": True, "init": 0.0}) as (stage, _):
        took = []
        for number in range(turns):
            await until(lambda: len(stage.ready()) == CARDS, 120)
            stage.attempts.clear()
            begun = time.monotonic()
            stage.life.halt(number)
            await until(lambda: len(stage.attempts) >= CARDS, 20, 0.002)
            took.append(time.monotonic() - begun)
            assert {attempt.cause for attempt in stage.attempts} == {"it did not obey a halt"}
    print(f"halt of {CARDS} deaf workers on a rig, last death on record: {told(took)}", flush=True)


async def load(server: Server, folder: Path) -> None:
    """Count management calls and what guard and probe cost in a steady minute."""
    for seconds in (15.0, 10.0):
        async with rig(server, folder, CARDS, stagger=4, poll_s=seconds) as (stage, _):
            await until(lambda: len(stage.ready()) == CARDS, 120)
            await asyncio.sleep(5)
            before, cpu = stage.life.reach.calls.total, sum(stage.guard.cpu_times()[:2])
            own = time.process_time()
            await asyncio.sleep(60)
            calls = stage.life.reach.calls.total - before
            spent = sum(stage.guard.cpu_times()[:2]) - cpu
            print(
                f"poll every {seconds:g} s: {calls} management calls in a minute; guard {spent / 60:.2%} of a core for {CARDS} "
                f"workers that beat 5 times a second, {stage.guard.memory_info().rss / MIB:.0f} MiB; engine {(time.process_time() - own) / 60:.2%}"
            )
    for name in PROBE:
        (folder / name).write_bytes((SCRIPTS / name).read_bytes())
    begun = os.times()
    for _ in range(10):
        process = await started(
            sys.executable, "-I", str(folder / "probe.py"), str(folder / f"sys{CARDS}"), "/proc", "false", "/tmp", "/",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await process.wait() == 0
    ended = os.times()
    spent = (ended.children_user + ended.children_system - begun.children_user - begun.children_system) / 10
    print(f"one reading of {CARDS} cards costs {spent * 1000:.0f} ms of CPU on the rig")


async def staging(server: Server, folder: Path) -> None:
    """Stage 200 MB on three rigs: as fast as it goes, and capped."""
    data = os.urandom(MIB) * 200
    (folder / "data").write_bytes(data)
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    for rate, at_once in ((1e12, 3), (40 * MIB, 2)):
        reaches = []
        for name in "abc":
            shm = Path(tempfile.mkdtemp(prefix="mimicry-bench-", dir="/dev/shm"))
            settings = made_settings(server, shm, 1, name=f"rig-{name}")
            reach = life_module.reach_of(settings)
            await reach.connect()
            reaches.append((reach, shm))
        stage = Staging(rate=rate, at_once=at_once)
        for what in ("sent", "there already"):
            begun, cpu = time.monotonic(), time.process_time()
            await asyncio.gather(
                *(
                    stage.put(reach, sys.executable, str(shm), {digest: folder / "data"})
                    for reach, shm in reaches
                )
            )
            took = time.monotonic() - begun
            cap = "no cap, 3 at once" if rate == 1e12 else "40 MiB/s, 2 at once"
            print(
                f"3 x 200 MiB, {cap}, {what}: {took:.1f} s, {600 / took:.0f} MiB/s, engine CPU {time.process_time() - cpu:.1f} s"
            )
        for reach, shm in reaches:
            await stage.sweep(reach, sys.executable, str(shm))
            await reach.close()
            (shm / "mimicry-store").rmdir()
            shm.rmdir()


PARTS: dict[str, Any] = {"stagger": stagger, "halt": halt, "load": load, "staging": staging}


async def run(part: str, *turns: int) -> None:
    """Measure one part against an sshd of its own; `turns` is the number of halts."""
    life_module.FIRST_RETRY = 0.5
    worker_module.FIRST_DELAY = worker_module.LAST_DELAY = 0.05
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        (folder / "sshd").mkdir()
        server = start(folder / "sshd")
        try:
            await PARTS[part](server, folder, *turns)
        finally:
            server.process.terminate()
            server.process.wait()
