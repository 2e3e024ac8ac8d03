"""The compute part of benchmarks/fleet.md: rate and cost with simulated workers, the ledger's groups, the halt of real ones.

The workers of `rate` and `ledger` are simulated (their chunks sleep; TLS, fence, stream, codec and ledger are real) and share one
process, whose CPU is printed too: on few cores it competes with what is measured.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from engine.compute.cluster import Compute
from engine.compute.codec import pack
from engine.compute.enrol import OnEvent, Order
from engine.compute.groups import grouped
from engine.compute.isolation import environment
from engine.compute.place import Place
from engine.compute.task import Task, TaskResult
from engine.journals import opened
from engine.spawn import started
from state.journal import Journal

HERE = Path(__file__).parent
FIRST = {"index": 0}
"""Number of the next measurement's first chunk: the ledger books each once."""


class Simulated:
    """One simulated worker, as a process of its own would be seen."""

    def __init__(self, name: str, swarm: Swarm, on_event: OnEvent) -> None:
        self.pid, self.name, self.on_event, self.swarm = None, name, on_event, swarm
        self.heard, self.ended = time.monotonic(), asyncio.get_running_loop().create_future()
        self.order: Order | None = None

    @property
    def alive(self) -> bool:
        return not self.ended.done()

    def send(self, line: dict[str, Any]) -> None:
        if "scheduler" in line and self.order is not None:
            self.swarm.tell(
                {"start": self.order.local("", str(self.swarm.scratch), ""), "scheduler": line["scheduler"]}
            )

    def silence(self) -> float:
        return time.monotonic() - self.heard

    def kill(self, why: str = "") -> None:
        if not self.ended.done():
            self.ended.set_result(-9)

    def refuse(self, why: str) -> None:
        self.kill()

    async def kernel_log(self, since: float) -> str:
        return ""

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)

    def last_words(self) -> str:
        return ""

    async def close(self) -> None:
        self.kill()


class Swarm:
    """The process that holds all simulated workers."""

    def __init__(self, scratch: Path, report: dict[str, Any]) -> None:
        self.scratch, self.report = scratch, report
        self.members: dict[str, Simulated] = {}

    async def open(self) -> None:
        self.process = await started(
            sys.executable, str(HERE / "simulated_workers.py"), stdin=-1, stdout=-1, env=environment(1)
        )
        self.reader = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            event = json.loads(line)
            one = self.members.get(event.pop("name"))
            if one is not None and event["event"] == "end":
                one.kill()
            elif one is not None:
                one.heard = time.monotonic()
                one.on_event(event)

    def tell(self, line: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line).encode() + b"\n")

    async def launch(self, order: Order, on_event: OnEvent) -> Simulated:
        one = self.members[order.name] = Simulated(order.name, self, on_event)
        one.order = order
        asyncio.get_running_loop().call_soon(on_event, {"event": "report", **self.report})
        return one

    async def close(self) -> None:
        self.process.kill()
        await self.process.wait()


def chunks(seconds: float) -> Iterator[Task]:
    """Give simulated chunks without end."""
    draws = np.zeros((3, 60), dtype=np.int64)
    number = FIRST["index"]
    while True:
        yield Task(
            "sieve", f"simulated/{number}#{number}", {"seconds": seconds, "index": number}, {"draws": draws}
        )
        number += 1


@dataclass
class Spent:
    """What was done and used since the warm-up."""

    done: int = 0
    busy: float = 0.0
    """Seconds inside chunks."""
    ledger: float = 0.0
    """CPU seconds of booking, in whichever thread it runs."""
    groups: int = 0


class Books:
    """The journal's ledger as a sweep keeps it: one transaction a chunk, on the loop, or one for all that came meanwhile, off it."""

    def __init__(self, journal: Journal, *, grouped: bool) -> None:
        self.journal, self.grouped, self.spent = journal, grouped, Spent()

    async def book(self, group: list[TaskResult]) -> None:
        """Book a group; whoever waits for it knows that it is on disk."""
        if self.grouped:
            self.spent.ledger += await asyncio.to_thread(self._together, group)
            self.spent.groups += 1
        else:
            for one in group:
                self.spent.ledger += self._together([one])
                self.spent.groups += 1
        self.spent.done += len(group)
        self.spent.busy += sum(one.seconds for one in group)

    def _together(self, group: list[TaskResult]) -> float:
        before = time.thread_time()
        packed = [pack(dict(one.meta), dict(one.arrays)) for one in group]
        with self.journal.transaction():
            for one, payload in zip(group, packed, strict=True):
                assert one.ok, one.error
                digest, index = hashlib.sha256(payload).hexdigest(), int(one.key.rsplit("#", 1)[1])
                assert self.journal.chunk_done("simulated", index, digest, {"worker": one.worker}, payload), (
                    "doubled"
                )
        return time.thread_time() - before


@asynccontextmanager
async def simulated(workers: int, folder: Path) -> AsyncIterator[tuple[Compute, Swarm]]:
    """Give an engine with so many simulated workers."""
    from engine.compute.host import host_report

    swarm = Swarm(folder / "scratch", host_report(False).dump())
    await swarm.open()
    async with await Compute.start(folder / "state", workers=0) as compute:
        for first in range(0, workers, 10):
            for index in range(first, min(first + 10, workers)):
                compute.enlist(Place(f"simulated-{index // 12}/gpu{index % 12}", swarm.launch, remote=True))
            # They share one process, which would fall silent if all of them began at once.
            while not all(worker.alive for worker in compute.workers()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        yield compute, swarm
    await swarm.close()


async def measure(
    compute: Compute, swarm: Swarm, workers: int, seconds: float, span: float, books: Books
) -> str:
    """Run chunks of so many seconds for a while and return one line of the table."""
    pids = (compute.scheduler_pid(), swarm.process.pid, os.getpid())
    processes = [psutil.Process(pid) for pid in pids]
    warm, begun, base = time.monotonic() + max(3.0, 2 * seconds), 0.0, [0.0, 0.0, 0.0]
    results = compute.map(chunks(seconds))
    async with aclosing(grouped(results)) as groups:
        async for group in groups:
            await books.book(group)
            now = time.monotonic()
            if not begun and now >= warm:
                begun, books.spent, base = now, Spent(), [_cpu(one) for one in processes]
            elif begun and now - begun >= span:
                break
        took, spent = time.monotonic() - begun, books.spent
        used = [_cpu(one) - at for one, at in zip(processes, base, strict=True)]
    ideal, per = workers / seconds, [1000 * cpu / spent.done for cpu in used]
    return (
        f"| {workers} | {seconds:g} s | {'groups' if books.grouped else 'each'} | {spent.done / took:.1f} | {ideal:.0f} | "
        f"{100 * spent.done / took / ideal:.1f} % | {100 * spent.busy / took / workers:.1f} % | {per[0]:.2f} | {per[2]:.2f} | "
        f"{1000 * spent.ledger / spent.done:.2f} | {spent.done / spent.groups:.1f} | {used[0] / took:.2f} | {used[2] / took:.2f} | "
        f"{per[1]:.2f} | {os.getloadavg()[0]:.1f} |"
    )


HEAD = """| workers | chunk | booked | rate/s | ideal | of ideal | inside | scheduler ms/chunk | engine ms/chunk | of it ledger | chunks a sync | scheduler, cores | engine, cores | simulator ms/chunk | load |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


async def rate(workers: int, seconds: float, span: float) -> None:
    """Print one line of the table."""
    with tempfile.TemporaryDirectory() as name, opened(Path(name) / "state") as journal:
        async with simulated(workers, Path(name)) as (compute, swarm):
            books = Books(journal, grouped=True)
            print(HEAD)
            print(await measure(compute, swarm, workers, seconds, span, books), flush=True)


async def ledger(workers: int = 26, seconds: float = 0.05, span: float = 15.0) -> None:
    """Print small chunks booked one by one and in groups, in turns, in one run."""
    with tempfile.TemporaryDirectory() as name, opened(Path(name) / "state") as journal:
        async with simulated(workers, Path(name)) as (compute, swarm):
            print(HEAD)
            first = 0
            for together in (False, True, False, True):
                books = Books(journal, grouped=together)
                FIRST["index"] = first
                print(await measure(compute, swarm, workers, seconds, span, books), flush=True)
                first += 10_000_000


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def sample_kinds() -> dict[str, str]:
    """Return the tests' kinds of work, and let workers find them."""
    folder = str(HERE.parent / "tests" / "compute")
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = folder
    from sample_kinds import KINDS

    return KINDS


async def halts(turns: int = 100) -> None:
    """Halt two busy workers with six tasks queued, many times: kernels that look at the stop word, and some that never do."""
    kinds = sample_kinds()
    with tempfile.TemporaryDirectory() as folder:
        async with await Compute.start(Path(folder), workers=2, kinds=kinds) as compute:
            for kind, count in (("spin", turns), ("deaf", max(1, turns // 5))):
                took = [await _halted(compute, kind, Path(folder) / f"{kind}{turn}") for turn in range(count)]
                print(f"halt to the last result, `{kind}`: {told(took)}", flush=True)


async def _halted(compute: Compute, kind: str, marks: Path) -> float:
    """Halt once and return the seconds to the last result."""
    while not all(worker.alive for worker in compute.workers()):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    marks.mkdir()
    work = [Task(kind, f"{marks.name}/{n}", {"mark": str(marks / str(n))}) for n in range(8)]
    running = asyncio.gather(*(compute.run(task) for task in work))
    while len(list(marks.iterdir())) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    begun = time.monotonic()
    compute.stop_now()
    assert all(result.stopped for result in await running)
    took = time.monotonic() - begun
    compute.resume()
    return took


def told(took: list[float]) -> str:
    """Return times as one line."""
    ordered = sorted(took)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"median {statistics.median(ordered):.3f} s, p99 {p99:.3f} s, worst {ordered[-1]:.3f} s of {len(ordered)}, load {os.getloadavg()[0]:.0f}"
