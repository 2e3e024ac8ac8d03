"""The worker's process, `python -m engine.compute.worker`, and the one function that travels through Dask: `execute`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.compute.host import host_report
from engine.compute.isolation import run_isolated
from engine.compute.job import Job, decode_job, encode_answer
from engine.compute.lease import Lease, resident
from engine.compute.perform import perform
from engine.compute.scheduler import BEAT
from engine.compute.stop import Stop, StopWord
from engine.errors import EnvironmentFault

DROPS_KEPT = 1024
REFUSED = 70
"""Exit code of a worker that the coordinator did not admit."""


class TaskStop(Stop):
    """A stop that also answers yes when the coordinator has dropped this one job."""

    def __init__(self, word: StopWord, generation: int, serial: int, dropped: Container[int]) -> None:
        """Watch the word, and `serial` in the set of dropped ones."""
        super().__init__(word, generation)
        self._serial, self._dropped = serial, dropped

    def asked(self) -> bool:
        """Tell whether a halt came, or nobody waits for this job any more."""
        return super().asked() or self._serial in self._dropped


@dataclass
class Runtime:
    """What the worker's process knows: its name, its stop word, and what it runs now."""

    name: str
    word: StopWord
    lease: Lease
    kinds: Mapping[str, str]
    serial: int | None = None
    dropped: dict[int, None] = field(default_factory=dict)
    """Serials that nobody waits for, oldest first; a drop may overtake its job."""

    def run(self, payload: bytes) -> bytes:
        """Answer one payload, and tell the coordinator when work begins and ends."""
        job = decode_job(payload)
        stop = TaskStop(self.word, job.generation, job.serial, self.dropped)
        self._begin(job.serial)
        try:
            if stop.asked():
                return encode_answer(job.echo(), self.name, 0.0, stopped=True)
            return self._work(job, payload, stop)
        finally:
            self._end(job.serial)

    def _work(self, job: Job, payload: bytes, stop: Stop) -> bytes:
        if job.isolate:
            return run_isolated(job, payload, stop, self.kinds, self.name)
        return perform(job, stop, self.kinds, self.name)

    def _begin(self, serial: int) -> None:
        self.serial = serial
        self.beat()

    def _end(self, serial: int) -> None:
        self.serial = None
        self.beat()

    def beat(self) -> None:
        """Send a sign of life with all that changes, so that a lost one is made good by the next."""
        self.lease.say(event="beat", serial=self.serial, rss=resident())

    def command(self, line: dict[str, Any]) -> None:
        """Obey one line of the coordinator: end the job with this serial, now or when it comes."""
        if isinstance(line.get("drop"), int):
            self.dropped[line["drop"]] = None
        while len(self.dropped) > DROPS_KEPT:
            self.dropped.pop(next(iter(self.dropped)))


_runtime: Runtime | None = None


def execute(payload: bytes) -> bytes:
    """Run the job in `payload` and return its answer; bytes in, bytes out, and nothing else crosses."""
    if _runtime is None:
        raise EnvironmentFault("execute runs inside a worker process only; submit the task to a Compute")
    return _runtime.run(payload)


async def serve(runtime: Runtime, scheduler: str, directory: str) -> None:
    """Work for `scheduler` until it goes or the lease ends."""
    from engine.compute import nodes

    nodes.guard_listeners()
    async with nodes.QuietWorker(scheduler, runtime.name, directory) as worker:
        runtime.lease.watch(runtime.command, lambda: os._exit(0))
        runtime.lease.say(event="ready", address=worker.address)
        while worker.status.name in ("init", "running", "paused"):
            runtime.beat()
            nodes.trim_caches()
            await asyncio.sleep(BEAT)


def main() -> None:
    """Take the lease, report the kernels, wait to be admitted, serve."""
    global _runtime
    from engine.compute import settings

    lease = Lease()
    logging.basicConfig(format="%(asctime)sZ %(levelname)s %(name)s %(message)s", level=logging.WARNING)
    spec = lease.spec
    settings.apply()
    import distributed  # noqa: F401 (loaded while the coordinator still starts the scheduler)

    lease.say(event="report", **host_report().dump())
    admitted = lease.next()
    if admitted is None or "scheduler" not in admitted:
        os._exit(REFUSED)
    _runtime = Runtime(spec["name"], StopWord(Path(spec["word"])), lease, spec["kinds"])
    asyncio.run(serve(_runtime, admitted["scheduler"], spec["directory"]))
    # Threads of a kind that is still running must not hold up the exit.
    os._exit(0)


if __name__ == "__main__":
    # Dask imports `execute` by its module's name; the state must live in that module, not in `__main__`.
    from engine.compute import worker

    worker.main()
