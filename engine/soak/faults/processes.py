"""Faults of processes: killed with -9, stopped with SIGSTOP, or one thread of a worker frozen while the rest lives on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Any

from engine.errors import MimicryError
from engine.soak.fault import CannotBeDone
from engine.soak.faults.base import Base, engine_of, whole, workers
from engine.soak.target import Role, Target

BUSY_LOOK, PATIENCE_S = 0.3, 30.0


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


class Kill(Base):
    """Kill -9 the oldest process of a role; another one must take its place."""

    role: Role

    def __init__(self) -> None:
        self._killed, self._count = 0, 0

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Kill it."""
        pids = target.pids(self.role)
        if not pids:
            raise CannotBeDone(f"no {self.role} runs at this moment")
        self._killed, self._count = pids[0], len(pids)
        try:
            os.kill(self._killed, signal.SIGKILL)
        except ProcessLookupError:
            raise CannotBeDone(f"{self.role} {self._killed} had just ended") from None
        return f"killed {self.role} {self._killed}"

    def recovered(self, target: Target) -> bool:
        """Say whether as many processes of the role run as before, without the killed one, in a whole room."""
        if alive(self._killed):
            return False
        return len(target.pids(self.role)) >= self._count and whole(target)


class KillEngine(Kill):
    """The engine itself."""

    name, role = "kill_engine", "engine"
    summary = "kill -9 of the engine"
    holds = "the journal opens, every claim returns to the queue, work goes on; nothing lost, nothing doubled"

    def __init__(self) -> None:
        super().__init__()
        self._below: list[int] = []

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Remember what lived below it, then kill it."""
        self._below = [pid for pid in target.processes() if pid != engine_of(target)]
        return super().inject(target, options)

    def findings(self, target: Target) -> list[str]:
        """Nothing that the dead engine had started may have outlived it."""
        return [f"process {pid} outlived the engine that had started it" for pid in self._below if alive(pid)]


class Ours(Kill):
    """A process of the compute engine: over once as many workers take work as before."""

    def __init__(self) -> None:
        super().__init__()
        self._taking = 0

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Count the workers that take work, then kill."""
        self._taking = len(taking(target))
        return super().inject(target, options)

    def recovered(self, target: Target) -> bool:
        """Say whether as many workers take work as before, the killed one not among them."""
        pids = taking(target)
        return self._killed not in pids and len(pids) >= max(1, self._taking) and super().recovered(target)


class KillWorker(Ours):
    """One compute worker."""

    name, role = "kill_worker", "worker"
    summary = "kill -9 of one compute worker"
    holds = "its task runs again elsewhere; the chunk counts once"


class KillScheduler(Ours):
    """The scheduler of the workers."""

    name, role = "kill_scheduler", "scheduler"
    summary = "kill -9 of the workers' scheduler"
    holds = "scheduler and workers come up again; what was out is submitted again and counts once"


class KillLlm(Kill):
    """The model server."""

    name, role, needs = "kill_llm", "llm", "a model server in room.toml"
    summary = "kill -9 of the model server"
    holds = "a question under way is asked again or answered by none; decisions stand without advice; the server comes back"

    def recovered(self, target: Target) -> bool:
        """Say whether a model server is ready again."""
        return llm_ready(target) and super().recovered(target)


def llm_ready(target: Target) -> bool:
    """Say whether the model server is loaded and takes questions."""
    try:
        reply = target.ask("llm_status")
    except (MimicryError, OSError):
        return False
    return bool(reply.ok) and str(reply.data.get("state", "")).startswith(("ready", "busy"))


class Stop(Base):
    """SIGSTOP a process of a role."""

    role: Role

    def __init__(self) -> None:
        self._pid = 0

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Stop it."""
        pids = target.pids(self.role)
        if not pids:
            raise CannotBeDone(f"no {self.role} runs at this moment")
        self._pid = pids[0]
        os.kill(self._pid, signal.SIGSTOP)
        return f"stopped {self.role} {self._pid}"

    def undo(self, target: Target) -> None:
        """Let it go on, if it still exists."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGCONT)


class StopEngine(Stop):
    """The engine stands still for longer than its workers may be silent."""

    name, role = "stop_engine", "engine"
    summary = "SIGSTOP of the engine for 15 s, then SIGCONT"
    holds = "it goes on where it stood: nothing lost, nothing doubled, no worker or claim given up for the time it slept"
    undo_first, hold_s = True, 15.0

    def __init__(self) -> None:
        super().__init__()
        self._below: set[int] = set()

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Remember the workers, then stop the engine."""
        self._below = {*target.pids("worker"), *target.pids("scheduler")}
        return super().inject(target, options)

    def findings(self, target: Target) -> list[str]:
        """The same engine with the same workers goes on."""
        gone = [f"engine {self._pid} did not survive being stopped"] if not alive(self._pid) else []
        lost = [] if gone else sorted(pid for pid in self._below if not alive(pid))
        return gone + [f"process {pid} was given up for the time that the engine slept" for pid in lost]


class StopWorker(Stop):
    """A worker falls silent as a whole."""

    name, role = "stop_worker", "worker"
    summary = "SIGSTOP of one compute worker"
    holds = "it is killed and replaced once it was silent for 10 s; its task runs again and counts once"

    def recovered(self, target: Target) -> bool:
        """Say whether the silent worker was replaced."""
        return not alive(self._pid) and bool(taking(target)) and whole(target)


class HungChunk(Base):
    """The thread that computes stands still while its process gives every sign of life."""

    name = "hung_chunk"
    summary = "the computing thread of one worker is frozen (ptrace), its signs of life go on"
    holds = "the worker is killed when the task's limit is over (compute.hung_s), the task runs again and counts once"
    needs = "ptrace of our own processes; a worker at work"
    settle_s = 900.0

    def __init__(self) -> None:
        self._freezer: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Freeze the busiest thread of the busiest worker."""
        deadline = time.monotonic() + PATIENCE_S
        while not (thread := self._busiest(target)):
            if time.monotonic() > deadline:
                raise CannotBeDone(f"no worker has computed for {PATIENCE_S:g} s at this moment")
        command = [sys.executable, "-I", str(FREEZE), str(thread)]
        self._freezer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._freezer.stdout is not None
        if self._freezer.stdout.readline().strip() != b"frozen":
            raise CannotBeDone("the kernel does not let us trace our own worker (ptrace)")
        return f"froze thread {thread} of worker {self._pid}"

    def _busiest(self, target: Target) -> int:
        """Return the thread that has computed most for a moment, and note its worker; 0 if none did."""
        threads = {(pid, one): used for pid in target.pids("worker") for one, used in _used(pid).items()}
        time.sleep(BUSY_LOOK)
        spent = {
            key: _used(key[0]).get(key[1], used) - used for key, used in threads.items() if key[0] != key[1]
        }
        self._pid, thread = max(spent, key=lambda key: spent[key], default=(0, 0))
        return thread if self._pid and spent[self._pid, thread] > 0 else 0

    def undo(self, target: Target) -> None:
        """Let the thread go on, if it still exists."""
        if self._freezer is not None:
            self._freezer.communicate()
            self._freezer = None

    def recovered(self, target: Target) -> bool:
        """Say whether the worker was replaced."""
        return not alive(self._pid) and bool(taking(target)) and whole(target)


def taking(target: Target) -> list[int]:
    """Return the pids of the workers that take work."""
    return [row["pid"] for row in workers(target) if row["state"] in ("busy", "idle") and row["pid"]]


FREEZE = os.path.join(os.path.dirname(__file__), "freeze.py")


def _used(pid: int) -> dict[int, int]:
    """Return the CPU time of each thread of a process, in clock ticks."""
    found = {}
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/stat", "rb") as stat:
                fields = stat.read().rpartition(b")")[2].split()
                found[int(thread)] = int(fields[11]) + int(fields[12])
    return found
