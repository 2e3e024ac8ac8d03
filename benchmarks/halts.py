"""The real engine halted at random moments of a search, a training, an answer of the model server and a transfer to a rig.

    python benchmarks/halts.py [search|training|advice|staging ...] [--each 50]

Seconds from the command to `halt.reached` on record; after each of the first three the processes that carry work are watched for
half a second: `busy` is the most CPU that they used then. A transfer goes to a real sshd; its time runs to the last result.
The model server is the wheel with random weights (extra `llm`). 200 halts take about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
TESTS = ROOT / "tests"
sys.path[:0] = [str(HERE), *(str(TESTS / one) for one in ("rigs", "compute", "llm"))]

from engine.client import call  # noqa: E402
from engine.errors import MimicryError  # noqa: E402
from engine.history.store import Arrival, DrawStore  # noqa: E402
from engine.parameters import REGISTRY, Parameters  # noqa: E402
from engine.soak import processes  # noqa: E402
from engine.soak.halting import WATCH_S, cpu  # noqa: E402
from engine.soak.target import Role  # noqa: E402
from hip_cuda_kernels import host  # noqa: E402
from state.clock import monotonic  # noqa: E402
from state.errors import StateError  # noqa: E402
from state.journal import Journal  # noqa: E402

PATIENCE = 600.0
LOOK, BUSY = 0.1, 0.03
REACHED = 30.0
ROOM = """test_mode = true
[synthetic_injection]
enabled = true
[compute]
workers = 1
[history]
range = "0:999"
[search]
families = {families}
seeds = "0:{seeds}"
gaps = "0:{gaps}"
"""
SMALL = {
    "pipeline.window_trials": 8, "pipeline.window_seeds": 1 << 12, "pipeline.scorer_trials": 8, "pipeline.twins": 12,
    "pipeline.min_candidates": 24,
}  # fmt: skip
ASKED = {"request": {"step": "1"}, "evidence": ["power 0.91 >= 0.8 ok", "lift 1.04 >= 1.2 NOT MET"]}
MIB = 1 << 20


class Engine:
    """One real engine over a state directory of its own."""

    def __init__(self, folder: Path, room: str, draws: list[int]) -> None:
        """Start it over these draws and wait until it answers."""
        self.state = folder / "state"
        self.state.mkdir()
        self.halted = threading.Event()
        (folder / "room.toml").write_text(room)
        store = DrawStore.open(self.state / "history")
        store.append([Arrival(value) for value in draws])
        store.close()
        with Journal.open(self.state) as journal:
            parameters = Parameters(journal.parameters, REGISTRY)
            for name, value in SMALL.items():
                parameters.change(name, value, by="operator", why="a small pipeline")
        command = [sys.executable, "-P", "-m", "engine.cli", "--state", str(self.state), "--no-ui"]
        with (folder / "engine.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--config", str(folder / "room.toml")],
                cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(lambda: self.ask("snapshot"), "the engine's answer")

    def ask(self, verb: str, **args: Any) -> dict[str, Any] | None:
        """Return the answer's data; None where there is none (yet)."""
        with contextlib.suppress(MimicryError, OSError):
            reply = call(self.state, verb, seconds=10.0, **args)
            if reply.ok:
                return dict(reply.data) or {"ok": True}
        return None

    def works(self, role: Role) -> bool:
        """Tell whether the processes of a role compute right now."""
        before = self._spent(role)
        time.sleep(LOOK)
        return self._spent(role) - before >= BUSY

    def _spent(self, role: Role) -> float:
        total = 0.0
        for pid, found in processes.tree(self.process.pid).items():
            if found == role:
                with contextlib.suppress(OSError):
                    total += processes.cpu_of(pid)
        return total

    def halt(self) -> tuple[float, float]:
        """Halt, watch, resume: (seconds to `halt.reached`, cores in use after it)."""
        seq = self.read(lambda journal: journal.seq)
        self.halted.set()
        begun = monotonic()
        assert self.ask("halt", kind="now", reason="benchmark: a halt at a random moment") is not None
        deadline = time.monotonic() + REACHED
        while not (marks := self.read(lambda journal: [e.mono for e in journal.events(after=seq, kinds=["halt.reached"], limit=1)])):  # fmt: skip
            assert time.monotonic() < deadline, "the halt was never reached"
            time.sleep(0.01)
        before = cpu(self.process.pid)
        time.sleep(WATCH_S)
        busy = (cpu(self.process.pid) - before) / WATCH_S
        assert self.ask("resume", reason="benchmark") is not None
        self.halted.clear()
        return marks[0] - begun, busy

    def read(self, what: Callable[[Journal], Any]) -> Any:
        """Return something of the journal; tried again while it cannot be read."""
        for _ in range(100):
            with contextlib.suppress(StateError, OSError), Journal.read_only(self.state) as journal:
                return what(journal)
            time.sleep(0.02)
        raise AssertionError(f"{self.state}: the journal cannot be read")

    def end(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def until(ready: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    """Wait for something."""
    deadline = time.monotonic() + patience
    while not ready():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)


def told(phase: str, halts: list[tuple[float, float]]) -> None:
    """Print a row of the table."""
    took = sorted(seconds for seconds, _ in halts)
    p99 = took[min(len(took) - 1, int(0.99 * len(took)))]
    busy = f"{max(busy for _, busy in halts):.2f}"
    print(
        f"| {phase} | {len(took)} | {statistics.median(took):.3f} s | {p99:.3f} s | {took[-1]:.3f} s | {busy} | {os.getloadavg()[0]:.1f} |",
        flush=True,
    )


def at_random_moments(
    engine: Engine, role: Role, each: int, again: Callable[[], None], rng: random.Random
) -> list[tuple[float, float]]:
    """Halt so often while a role computes; `again` sees to it that there is work."""
    halts = []
    while len(halts) < each:
        again()
        until(lambda: engine.works(role), f"a busy {role}")
        time.sleep(rng.uniform(0, 1.5))
        if engine.works(role):
            halts.append(engine.halt())
    return halts


def search(folder: Path, each: int, rng: random.Random) -> list[tuple[float, float]]:
    """Halt during a search of every MT19937 seed over draws of chance."""
    room = ROOM.format(families='["mt19937/init_genrand"]', seeds=(1 << 32) - 1, gaps=16)
    engine = Engine(folder, room, [rng.randrange(1000) for _ in range(60)])
    try:
        return at_random_moments(engine, "worker", each, lambda: None, rng)
    finally:
        engine.end()


def training(folder: Path, each: int, rng: random.Random) -> list[tuple[float, float]]:
    """Halt during steps 4 and 5 of a pipeline over a planted history with wrong draws."""
    room = ROOM.format(families='["lcg48/java"]', seeds=(1 << 16) - 1, gaps=4)
    planted = host.values("lcg48/java", "java_bounded", 31337, 0, 999, 60, start=2, gap=1)
    draws = [rng.randrange(1000) if rng.random() < 0.4 else int(value) for value in planted]
    engine = Engine(folder, room, draws)

    def again() -> None:
        if not engine.read(lambda journal: journal.requests.list(states=("queued", "claimed", "running", "deferred"), limit=1)):  # fmt: skip
            engine.ask("submit", request={"type": "pipeline_rerun", "start_step": "4", "end_step": "6"})

    try:
        return at_random_moments(engine, "trainer", each, again, rng)
    finally:
        engine.end()


def advice(folder: Path, each: int, rng: random.Random) -> list[tuple[float, float]]:
    """Halt while the model server answers."""
    from tiny_model import write

    model = write(folder / "tiny.gguf")
    room = ROOM.format(families='["lcg48/java"]', seeds=1023, gaps=1)
    room += f'[llm]\ncommand = {json.dumps([sys.executable, "-P", "-m", "engine.llm.wheel"])}\nmodel = "{model}"\ncontext = 4096\n'
    engine = Engine(folder, room, [])
    over = threading.Event()

    def questions() -> None:
        while not over.is_set():
            if engine.halted.is_set():
                time.sleep(0.02)
                continue
            ticket = engine.ask("llm_ask", question="step_evaluation", parts=ASKED, kind="1")
            while ticket and not over.is_set():
                answer = engine.ask("llm_answer", ticket=ticket["ticket"])
                if answer is None or answer["done"]:
                    break
            time.sleep(0.02)

    asker = threading.Thread(target=questions)
    asker.start()
    try:
        return at_random_moments(engine, "llm", each, lambda: None, rng)
    finally:
        over.set()
        asker.join()
        engine.end()


def staging(folder: Path, each: int, rng: random.Random) -> list[tuple[float, float]]:
    """Halt while a rig is sent a file that its chunks wait for."""
    return asyncio.run(_staging(folder, each, rng))


async def _staging(folder: Path, each: int, rng: random.Random) -> list[tuple[float, float]]:
    import numpy as np
    from rigside import made_settings, make_cards, quick
    from rigside import until as soon
    from sshd import start

    from engine.compute.cluster import Compute
    from engine.compute.inputs import Input
    from engine.compute.task import Task
    from engine.rigs.life import Life
    from engine.rigs.machine import Machine
    from engine.rigs.quarantine import Quarantine
    from engine.rigs.recruits import Recruits

    kinds = {"echo": "sample_kinds:echo"}
    paths = f"{ROOT}:{TESTS / 'compute'}"
    sshd = folder / "sshd"
    sshd.mkdir()
    server = start(sshd)
    halts: list[tuple[float, float]] = []
    try:
        with tempfile.TemporaryDirectory(prefix="mimicry-halts-", dir="/dev/shm") as shm, Journal.open(folder / "journal") as journal:  # fmt: skip
            settings = made_settings(server, Path(shm), 2, env={"PYTHONPATH": paths}, stagger=2)
            recruits = Recruits()
            life = Life(
                Machine(settings, Quarantine(journal)), crew=recruits, told=lambda changes: None, ended=lambda attempt: None,
                terms=quick(settings, Path(shm), silence=8.0, start_limit=60.0), roots=(str(make_cards(folder / "sys", 2)), "/proc", "false"),
            )  # fmt: skip
            async with await Compute.start(folder / "state", workers=0, kinds=kinds) as compute:
                recruits.join(compute)
                living = asyncio.create_task(life.run())
                await soon(lambda: sum(worker.alive for worker in compute.workers()) == 2, 90)
                for number in range(each):
                    array = np.frombuffer(rng.randbytes(64 * MIB), dtype=np.uint8)
                    file = await asyncio.to_thread(Input.write, folder / "inputs", {"array": array})
                    tasks = [Task("echo", f"{number}/{at}", {}, inputs=(file,)) for at in range(4)]
                    running = asyncio.gather(*(compute.run(task) for task in tasks))
                    await soon(lambda: any("on the way" in why for why in compute.degraded()), 30)
                    await asyncio.sleep(rng.uniform(0, 1.0))
                    begun = time.monotonic()
                    compute.stop_now()
                    results = await running
                    took = time.monotonic() - begun
                    assert all(result.stopped for result in results), (
                        "a chunk ran whose file was not there yet"
                    )
                    halts.append((took, 0.0))
                    compute.resume()
                    await compute.run(Task("echo", f"{number}/after", {}))
                    file.path.unlink()
                living.cancel()
                await asyncio.gather(living, return_exceptions=True)
    finally:
        server.process.terminate()
        server.process.wait(10)
    return halts


PHASES: dict[str, Callable[[Path, int, random.Random], list[tuple[float, float]]]] = {
    "search": search, "training": training, "advice": advice, "staging": staging,
}  # fmt: skip


def folders() -> Iterator[Path]:
    """Give one temporary folder after another."""
    while True:
        with tempfile.TemporaryDirectory(prefix="mimicry-halts-") as name:
            yield Path(name)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("phases", nargs="*", choices=[[], *PHASES], metavar="PHASE", help=", ".join(PHASES))
    parser.add_argument("--each", type=int, default=50, help="halts of each phase")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    asked = parser.parse_args()
    print(
        f"seed {asked.seed}\n| during | halts | median | p99 | worst | busy after | load |\n|---|---|---|---|---|---|---|"
    )
    every: list[tuple[float, float]] = []
    for name, folder in zip(asked.phases or PHASES, folders(), strict=False):
        halts = PHASES[name](folder, asked.each, random.Random(f"{asked.seed} {name}"))
        told(name, halts)
        every += halts
    told("all", every)


if __name__ == "__main__":
    main()
