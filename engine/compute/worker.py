"""The worker's process, `python -m engine.compute.worker [SPEC]`, and the one function that travels through Dask: `execute`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.compute.host import gpu_note, host_report, import_gpu, take_gpu
from engine.compute.inputs import Shelf
from engine.compute.isolation import run_isolated
from engine.compute.job import Job, decode_job, encode_answer, lot_key
from engine.compute.lease import Lease, memory_left, resident
from engine.compute.perform import perform
from engine.compute.pki import Credentials
from engine.compute.scheduler import BEAT
from engine.compute.stop import Stop, StopWord, newer
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
    """What the worker's process knows: its name, its stop word, and how it answers."""

    name: str
    word: StopWord
    lease: Lease
    kinds: Mapping[str, str]
    shelf: Shelf
    """The files that tasks read, as this machine has them."""
    follows: bool = False
    """Its stop word is its own and follows the coordinator's by line: it is on another machine."""
    answer: Callable[[int, int, bytes], None] = lambda lot, serial, payload: None
    dropped: dict[int, None] = field(default_factory=dict)
    """Serials that nobody waits for, oldest first; a drop may overtake its job."""

    def run(self, serial: int, payload: bytes) -> bytes:
        """Answer one payload.

        It says which one it begins, by a pipe that outlives it: the answer before may be lost with it on its way.
        """
        self.lease.say(event="begin", serial=serial)
        job = decode_job(payload)
        if self.follows and newer(job.generation, self.word.generation()):
            # The job overtook the line that says so.
            self.word.follow(job.generation)
        stop = TaskStop(self.word, job.generation, serial, self.dropped)
        if stop.asked():
            return encode_answer(job.echo(), self.name, 0.0, stopped=True)
        return self._work(job, payload, stop)

    def _work(self, job: Job, payload: bytes, stop: Stop) -> bytes:
        if job.isolate:
            return run_isolated(job, payload, stop, self.kinds, self.name, self.shelf.folder)
        return perform(job, stop, self.kinds, self.name, self.shelf)

    def beat(self) -> None:
        """Send a sign of life with all that changes, so that a lost one is made good by the next."""
        self.lease.say(event="beat", rss=resident(), free=memory_left(), degraded=gpu_note())

    def command(self, line: dict[str, Any]) -> None:
        """Obey one line of the coordinator: end the job with this serial, now or when it comes; take over a halt."""
        if isinstance(line.get("drop"), int):
            self.dropped[line["drop"]] = None
        if self.follows and isinstance(line.get("generation"), int):
            self.word.follow(line["generation"])
        while len(self.dropped) > DROPS_KEPT:
            self.dropped.pop(next(iter(self.dropped)))


_runtime: Runtime | None = None


def execute(lot: int, jobs: Sequence[tuple[int, bytes]]) -> None:
    """Run the jobs of a lot one after the other and send each answer as it is there; bytes in, bytes out, nothing returned."""
    if _runtime is None:
        raise EnvironmentFault("execute runs inside a worker process only; submit the task to a Compute")
    for serial, payload in jobs:
        _runtime.answer(lot, serial, _runtime.run(serial, payload))


async def serve(runtime: Runtime, scheduler: str, spec: Mapping[str, Any], credentials: Credentials) -> None:
    """Work for `scheduler` until it goes or the lease ends."""
    from engine.compute import nodes

    home = nodes.home(spec["launch"])
    async with nodes.QuietWorker(scheduler, spec["alias"], home, spec["directory"], credentials) as worker:
        runtime.answer = lambda lot, serial, payload: worker.answer(lot_key(lot), serial, payload)
        runtime.lease.watch(runtime.command, lambda: os._exit(0))
        runtime.beat()
        runtime.lease.say(event="ready", address=worker.address)
        while worker.status.name in ("init", "running", "paused"):
            runtime.beat()
            nodes.trim_caches()
            await asyncio.sleep(BEAT)


def read_spec(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return the specification that a file holds, its PEM files read and all of them removed; None where it comes by lease."""
    if not arguments:
        return None
    path = Path(arguments[0]).absolute()
    spec: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    pems = {part: path.parent / name for part, name in spec["tls"].items()}
    spec["tls"] = {part: file.read_text(encoding="ascii") for part, file in pems.items()}
    for file in (path, *pems.values()):
        file.unlink()
    return {**spec, "follows": True}


def pass_gate(lease: Lease) -> None:
    """Wait until the rig lets this process touch its GPU: few may do so at once, and imports need no turn."""
    lease.say(event="gate")
    while (line := lease.next()) is not None:
        if line.get("gate") == "open":
            return
    os._exit(REFUSED)


def admission(lease: Lease) -> dict[str, Any]:
    """Wait for the line that lets this process work; what else is told to all workers, a halt or its end, may come before it."""
    while (line := lease.next()) is not None:
        if "scheduler" in line:
            return line
    os._exit(REFUSED)


def main() -> None:
    """Take the lease, report the kernels, wait to be admitted, serve."""
    global _runtime
    from engine.compute import settings

    lease = Lease(read_spec(sys.argv[1:]))
    logging.basicConfig(format="%(asctime)sZ %(levelname)s %(name)s %(message)s", level=logging.WARNING)
    spec = lease.spec
    credentials = Credentials(**spec.pop("tls"))
    settings.apply()
    import distributed  # noqa: F401 (loaded while the coordinator still starts the scheduler)

    report = host_report()
    if spec["gpu"]:
        import_gpu()
    if spec.get("gate"):
        pass_gate(lease)
    if spec["gpu"]:
        report = take_gpu(report)
    if spec.get("gate"):
        lease.say(event="initialised")
    lease.say(event="report", **report.dump())
    admitted = admission(lease)
    follows = bool(spec.get("follows"))
    shelf = Shelf(Path(spec["inputs"]))
    _runtime = Runtime(spec["name"], StopWord(Path(spec["word"])), lease, spec["kinds"], shelf, follows)
    _runtime.command(admitted)
    address = f"tls://127.0.0.1:{spec['port']}" if spec.get("port") else admitted["scheduler"]
    asyncio.run(serve(_runtime, address, spec, credentials))
    # Threads of a kind that is still running must not hold up the exit.
    os._exit(0)


if __name__ == "__main__":
    # Dask imports `execute` by its module's name; the state must live in that module, not in `__main__`.
    from engine.compute import worker

    worker.main()
