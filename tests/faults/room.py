"""A real engine in a process of its own under steady work, as a fault's target: started, restarted under other conditions, asked, counted."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from engine.client import call
from engine.errors import MimicryError
from engine.soak.target import Role, Target
from state.errors import StateError
from state.journal import Journal

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
ROOM = """
test_mode = true
[synthetic_injection]
enabled = true
[compute]
workers = {workers}
idle_release_s = 3600
hung_s = {hung}
[history]
range = "0:999"
[search]
families = ["lcg48/java"]
mappings = ["java_bounded"]
seeds = "0:{seeds}"
starts = "0:3"
gaps = "0:4"
"""
# What the room asks for by itself would fill hours with whole pipelines; the work here is draws, and searches asked for below.
ALONE = {
    "approvals": {"requests": [{"type": "*", "origin": "history"}, {"type": "*", "origin": "chapter 13"}]}
}
ROLES: tuple[tuple[str, Role], ...] = (
    ("engine.compute.worker", "worker"),
    ("engine.compute.scheduler", "scheduler"),
    ("engine.compute.isolated", "trainer"),
    ("guard.py", "guard"),
    ("--reasoning", "llm"),
)


@dataclass
class Room:
    """One state directory and the engine over it. `more` is added to its room.toml."""

    folder: Path
    more: str = ""
    workers: int = 1
    seeds: int = (1 << 17) - 1
    hung: float = 600.0
    pace: float = 1.0
    acknowledged: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.state, self.scratch = self.folder / "state", self.folder / "scratch"
        for path in (self.state, self.scratch):
            path.mkdir(parents=True)
        text = ROOM.format(workers=self.workers, seeds=self.seeds, hung=self.hung)
        (self.folder / "room.toml").write_text(text + self.more)
        (self.state / "watcher_policies.json").write_text(json.dumps(ALONE))
        self._conditions: Mapping[str, Any] = {}
        self._busy, self._over = threading.Lock(), threading.Event()
        self._threads: list[threading.Thread] = []
        self.given = 0

    # -- the engine -------------------------------------------------------------------------------------------------------

    def start(self, conditions: Mapping[str, Any] = {}) -> None:
        """Start the engine and wait until it answers."""
        self._conditions = conditions
        command = [sys.executable, "-P", "-m", "engine.cli", "--state", str(self.state)]
        command += ["--no-ui", "--config", str(self.folder / "room.toml")]
        env = os.environ | {"PYTHONPATH": str(ROOT)} | dict(conditions.get("env", {}))
        with (self.folder / "engine.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
            )
        for name, soft in conditions.get("rlimits", {}).items():
            which = getattr(resource, f"RLIMIT_{name}")
            resource.prlimit(self.process.pid, which, (soft, resource.prlimit(self.process.pid, which)[1]))
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "engine.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the engine does not answer"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return call(self.state, "snapshot", within=5.0).ok
        except (MimicryError, OSError):
            return False

    def restart(self, conditions: Mapping[str, Any]) -> None:
        """End the engine at a checkpoint, do what is to be done between, start it under the conditions."""
        with self._busy:
            self.end()
            if "between" in conditions:
                conditions["between"]()
            self.start(conditions)

    def end(self) -> int | None:
        """End the engine as a service manager would; return its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def _supervise(self) -> None:
        """Start a dead engine again, as a service manager would."""
        while not self._over.wait(0.1):
            with self._busy:
                if self.process is not None and self.process.poll() is not None:
                    self.start(self._conditions)

    # -- work -------------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Keep the room in work: a draw every `pace` seconds, and pipelines one after the other; supervise the engine."""
        for job in (self._supervise, self._draws, self._searches):
            thread = threading.Thread(target=job, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _draws(self) -> None:
        while not self._over.wait(self.pace):
            self.give()

    def give(self) -> bool:
        """Ask for one draw under a key; say whether it was acknowledged. What is not is asked for again, under its key."""
        self.given += 1
        return self.ask_for(f"draw-{self.given}", {"type": "inject_draw", "value": self.given % 1000})

    def ask_for(self, key: str, request: dict[str, Any]) -> bool:
        """Submit one request; remember the id that was acknowledged."""
        with contextlib.suppress(MimicryError, OSError):
            reply = call(self.state, "submit", within=10.0, request=request, key=key)
            if reply.ok:
                self.acknowledged[key] = str(reply.data["id"])
                return True
        return False

    def _searches(self) -> None:
        number = 0
        while not self._over.wait(1.0):
            with (
                contextlib.suppress(MimicryError, StateError, OSError),
                Journal.read_only(self.state) as journal,
            ):
                open_ones = [
                    row
                    for row in journal.requests.list(limit=100_000)
                    if row.kind == "pipeline_rerun" and row.origin.startswith("operator") and not row.terminal
                ]
                if not open_ones and self.given >= 5:
                    number += 1
                    self.ask_for(f"search-{number}", {"type": "pipeline_rerun", "end_step": "1"})

    def close(self) -> None:
        """End the work and the engine, and wait for both."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        if self.process is not None and self.process.poll() is None:
            self.end()

    # -- what a fault sees --------------------------------------------------------------------------------------------------

    def target(self) -> Target:
        """Return the room as faults see it."""
        return Target(
            state=self.state, scratch=self.scratch, processes=self.processes, restart=self.restart, seed=1, room_seq=self.seq,
            ask=lambda verb, **args: call(self.state, verb, within=10.0, **args),
        )  # fmt: skip

    def processes(self) -> dict[int, Role]:
        """Return the engine and what lives below it, by pid."""
        found: dict[int, Role] = {}
        with contextlib.suppress(psutil.Error):
            if self.process is not None and self.process.poll() is None:
                engine = psutil.Process(self.process.pid)
                found[engine.pid] = "engine"
                for child in engine.children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        if child.status() != psutil.STATUS_ZOMBIE:
                            found[child.pid] = role(child.cmdline())
        return found

    def seq(self) -> int:
        """Return the last sequence number of the journal, 0 while it cannot be read."""
        try:
            with Journal.read_only(self.state) as journal:
                return journal.seq
        except (StateError, OSError):
            return 0


def role(words: list[str]) -> Role:
    """Return what a process is by its command line."""
    text = " ".join(words)
    return next((found for mark, found in ROLES if mark in text), "other")


def told(line: object) -> None:
    """Print one line of JSON at once."""
    print(json.dumps(line), flush=True)
