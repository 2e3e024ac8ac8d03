"""Faults: a process dies as if the kernel had killed it, at whatever it is doing."""

from __future__ import annotations

import os
import signal
from typing import Any

from engine.errors import MimicryError
from engine.soak.fault import CannotBeDone
from engine.soak.target import Role, Target


class Kill:
    """Kill -9 the oldest process of a role; the room must be whole again with another process in its place."""

    name: str
    summary: str
    holds: str
    role: Role
    needs = ""
    settle_s = 90.0
    undo_first = False
    hold_s = 0.0

    def __init__(self) -> None:
        self._killed = 0

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Kill it."""
        pids = target.pids(self.role)
        if not pids:
            raise CannotBeDone(f"no {self.role} runs at this moment")
        self._killed = pids[0]
        try:
            os.kill(self._killed, signal.SIGKILL)
        except ProcessLookupError:
            raise CannotBeDone(f"{self.role} {self._killed} had just ended") from None
        return f"killed {self.role} {self._killed}"

    def undo(self, target: Target) -> None:
        """Nothing to undo."""

    def recovered(self, target: Target) -> bool:
        """Say whether the room answers and the killed process is gone from it."""
        try:
            return self._killed not in target.processes() and bool(target.ask("snapshot").ok)
        except (MimicryError, OSError):
            return False

    def findings(self, target: Target) -> list[str]:
        """Everything else is judged by the soak's own gates."""
        return []


class KillEngine(Kill):
    """The engine itself."""

    name, role = "kill_engine", "engine"
    summary = "kill -9 of the engine"
    holds = "the journal opens, every claim returns to the queue, work goes on; nothing lost, nothing doubled"


class KillWorker(Kill):
    """One compute worker."""

    name, role = "kill_worker", "worker"
    summary = "kill -9 of one compute worker"
    holds = "its task runs again elsewhere; the chunk counts once"
