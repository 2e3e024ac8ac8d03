"""What the compute engine costs with simulated workers, and how fast it comes back with real ones.

    python benchmarks/fleet_compute.py rate 26 0.5 30       # workers, seconds a chunk, seconds measured
    python benchmarks/fleet_compute.py kill                 # real local workers: kill -9 of a worker and of the scheduler
    python benchmarks/fleet_compute.py halt                 # real local workers: from the halt to the last result

`rate` prints the share of the ideal rate, the share of the workers' time that was spent inside a chunk (on a machine whose cores are
taken a sleep lasts longer than it should, which lowers the rate and is nobody's overhead), and CPU milliseconds per chunk of the scheduler's process, of the coordinator, and of the
journal's ledger within it (in brackets its wall time: the disk's sync). The workers are simulated (their chunks sleep; TLS, fence, stream, codec and ledger are real) and share
one process, whose CPU is printed too: on few cores it competes with what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from engine.compute.cluster import Compute
from engine.compute.codec import pack
from engine.compute.enrol import OnEvent, Order
from engine.compute.isolation import environment
from engine.compute.slot import Place
from engine.compute.task import Task
from engine.journals import opened

HERE = Path(__file__).parent


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

    def kill(self) -> None:
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
        self.process = await asyncio.create_subprocess_exec(
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
    number = 0
    while True:
        yield Task(
            "sieve", f"simulated/{number}#{number}", {"seconds": seconds, "index": number}, {"draws": draws}
        )
        number += 1


async def rate(workers: int, seconds: float, span: float) -> None:
    """Print one line of the table."""
    from engine.compute.host import host_report

    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "state") as journal:
        state = Path(folder) / "state"
        swarm = Swarm(Path(folder) / "scratch", host_report(False).dump())
        await swarm.open()
        async with await Compute.start(state, workers=0) as compute:
            for first in range(0, workers, 10):
                for index in range(first, min(first + 10, workers)):
                    place = f"simulated-{index // 12}/gpu{index % 12}"
                    compute.enlist(Place(place, swarm.launch, remote=True))
                # They share one process, which would fall silent if all of them began at once.
                while not all(worker.alive for worker in compute.workers()):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            scheduler, simulator, own = (
                psutil.Process(pid) for pid in (compute.scheduler_pid(), swarm.process.pid, os.getpid())
            )
            ledger, booked, busy, done, begun, base = 0.0, 0.0, 0.0, 0, 0.0, [0.0, 0.0, 0.0]
            warm = time.monotonic() + max(3.0, 2 * seconds)
            results = compute.map(chunks(seconds))
            async for result in results:
                assert result.ok, result.error
                before, since = time.thread_time(), time.monotonic()
                payload = pack(dict(result.meta), dict(result.arrays))
                digest = hashlib.sha256(payload).hexdigest()
                index = int(result.key.rsplit("#", 1)[1])
                assert journal.chunk_done("simulated", index, digest, {"worker": result.worker}, payload), (
                    "doubled"
                )
                now = time.monotonic()
                if not begun and now >= warm:
                    begun, done, ledger, booked, busy = now, 0, 0.0, 0.0, 0.0
                    base = [_cpu(one) for one in (scheduler, simulator, own)]
                    continue
                ledger, booked = ledger + time.thread_time() - before, booked + now - since
                busy += result.seconds
                done += 1
                if begun and now - begun >= span:
                    break
            took = time.monotonic() - begun
            used = [_cpu(one) - at for one, at in zip((scheduler, simulator, own), base, strict=True)]
            await results.aclose()
        await swarm.close()
    ideal = workers / seconds
    per = [1000 * cpu / done for cpu in used]
    print(
        f"| {workers} | {seconds:g} s | {done / took:.1f} | {ideal:.0f} | {100 * done / took / ideal:.1f} % | "
        f"{100 * busy / took / workers:.1f} % | {per[0]:.2f} | "
        f"{per[2]:.2f} | {1000 * ledger / done:.2f} ({1000 * booked / done:.1f}) | {used[0] / took:.2f} | {used[2] / took:.2f} | {per[1]:.2f} | "
        f"{os.getloadavg()[0]:.1f} |",
        flush=True,
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def back(compute: Compute, kill: Callable[[], int | None], count: int) -> float:
    """Kill a process while work runs and return the seconds until all workers take work again."""
    pid = kill()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    begun = time.monotonic()
    await asyncio.sleep(0.02)
    while True:
        alive = [worker for worker in compute.workers() if worker.alive and worker.pid != pid]
        if len(alive) == count and compute.scheduler_pid() != pid:
            return time.monotonic() - begun
        await asyncio.sleep(0.02)


def sample_kinds() -> dict[str, str]:
    """Return the tests' kinds of work, and let workers find them."""
    folder = str(HERE.parent / "tests" / "compute")
    sys.path.insert(0, folder)
    os.environ["PYTHONPATH"] = folder
    from sample_kinds import KINDS

    return KINDS


async def halts() -> None:
    """Halt two busy workers with six tasks queued, ten times; print the seconds to the last result."""
    kinds, took = sample_kinds(), []
    with tempfile.TemporaryDirectory() as folder:
        async with await Compute.start(Path(folder), workers=2, kinds=kinds) as compute:
            for turn in range(10):
                marks = Path(folder) / f"marks{turn}"
                marks.mkdir()
                work = [Task("spin", f"{turn}/{n}", {"mark": str(marks / str(n))}) for n in range(8)]
                running = asyncio.gather(*(compute.run(task) for task in work))
                while len(list(marks.iterdir())) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                begun = time.monotonic()
                compute.stop_now()
                assert all(result.stopped for result in await running)
                took.append(time.monotonic() - begun)
                compute.resume()
    print(
        f"halt to the last result: median {sorted(took)[5]:.2f} s, worst {max(took):.2f} s of {len(took)}, load {os.getloadavg()[0]:.0f}"
    )


async def kills() -> None:
    """Kill real workers and schedulers under load; print the times."""
    kinds = sample_kinds()
    with tempfile.TemporaryDirectory() as folder:
        async with await Compute.start(Path(folder), workers=2, kinds=kinds) as compute:
            work = (Task("nap", f"n{index}", {"seconds": 0.2}) for index in range(100_000))
            results = compute.map(work)
            seen: list[str] = []

            async def read() -> None:
                async for result in results:
                    assert result.ok, result.error
                    seen.append(result.key)

            reader = asyncio.create_task(read())
            await asyncio.sleep(1.0)
            workers = [await back(compute, lambda: compute.workers()[0].pid, 2) for _ in range(3)]
            schedulers = [await back(compute, compute.scheduler_pid, 2) for _ in range(3)]
            await asyncio.sleep(1.0)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await results.aclose()
    assert len(seen) == len(set(seen)), "a task gave two results"
    numbers = sorted(int(key[1:]) for key in seen)
    print(f"kill -9 of a worker: full again after {', '.join(f'{took:.1f}' for took in workers)} s")
    print(f"kill -9 of the scheduler: full again after {', '.join(f'{took:.1f}' for took in schedulers)} s")
    print(f"{len(seen)} results, none twice, {numbers[-1] + 1 - len(seen)} still out when it ended")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True)
    rated = what.add_parser("rate")
    rated.add_argument("workers", type=int)
    rated.add_argument("seconds", type=float)
    rated.add_argument("span", type=float)
    what.add_parser("kill")
    what.add_parser("halt")
    given = parser.parse_args()
    if given.what == "rate":
        asyncio.run(rate(given.workers, given.seconds, given.span))
    else:
        asyncio.run(kills() if given.what == "kill" else halts())


if __name__ == "__main__":
    main()
