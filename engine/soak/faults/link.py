"""Faults of a rig of this machine: its SSH session cut, its guard killed. Only sessions over loopback are ever touched."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil

from engine.errors import MimicryError
from engine.soak.fault import CannotBeDone
from engine.soak.faults.base import Base, engine_of, whole
from engine.soak.faults.processes import alive
from engine.soak.target import Target

LOOPBACK = ("127.0.0.1", "::1")
PATIENCE_S = 60.0


class OnRig(Base):
    """A fault behind an SSH session; over once the rig is up again."""

    needs = "a rig of this machine in room.toml, entered over loopback SSH"

    def __init__(self) -> None:
        self._killed = 0

    def kill(self, pid: int) -> None:
        """Kill one process with -9."""
        self._killed = pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def recovered(self, target: Target) -> bool:
        """Say whether every rig that this machine plays is up again, with another session or guard."""
        if alive(self._killed):
            return False
        try:
            rows = target.ask("table", name="rigs").data["rows"]
        except (MimicryError, OSError, KeyError):
            return False
        return (
            bool(sessions(engine_of(target))) and any(row["state"] == "up" for row in rows) and whole(target)
        )


class CutSsh(OnRig):
    """The far end of an SSH session dies."""

    name = "cut_ssh"
    summary = "kill -9 of the sshd that holds the engine's session to a rig"
    holds = "the rig's workers end, its tasks run elsewhere and count once, the link comes back by itself"

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Kill the session's sshd."""
        found = awaited(lambda: sessions(engine_of(target)))
        if not found:
            raise CannotBeDone("the engine holds no SSH session to this machine")
        self.kill(found[0])
        return f"killed sshd {found[0]}, the far end of the engine's session"


class KillGuard(OnRig):
    """The guard that keeps a rig's workers dies."""

    name = "kill_guard"
    summary = "kill -9 of a rig's guard"
    holds = "its workers die with it (no orphan works on), their tasks run elsewhere and count once, a new guard comes up"

    def __init__(self) -> None:
        super().__init__()
        self._below: list[int] = []

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Kill the guard."""
        guards = awaited(lambda: target.pids("guard") or _guards(target))
        if not guards:
            raise CannotBeDone("no guard runs on this machine at this moment")
        self._below = [child.pid for child in _below(guards[-1])]
        self.kill(guards[-1])
        return f"killed guard {guards[-1]}"

    def findings(self, target: Target) -> list[str]:
        """Nothing that the dead guard had started may have outlived it."""
        return [f"process {pid} outlived its guard" for pid in self._below if alive(pid)]


def awaited(found: Callable[[], list[int]]) -> list[int]:
    """Wait a while for something to be there: a rig that was just lost is on its way back."""
    deadline = time.monotonic() + PATIENCE_S
    while not (now := found()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return now


def _guards(target: Target) -> list[int]:
    """Return the guards below the sessions that the engine holds to this machine."""
    return [
        child.pid
        for pid in sessions(engine_of(target))
        for child in _below(pid)
        if "guard.py" in " ".join(_words(child))
    ]


def sessions(engine: int) -> list[int]:
    """Return the sshd processes of this machine at the far ends of the engine's connections."""
    table = psutil.net_connections(kind="tcp")
    ours = {
        (one.laddr, one.raddr)
        for one in table
        if one.pid == engine and one.raddr and one.raddr.ip in LOOPBACK
    }
    far = {one.pid for one in table if one.pid and one.pid != engine and (one.raddr, one.laddr) in ours}
    return sorted(pid for pid in far if _name(pid).startswith("sshd"))


def _name(pid: int) -> str:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).name()
    return ""


def _below(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []
