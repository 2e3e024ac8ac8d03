"""Faults of limits: the engine runs out of handles, a worker out of memory. Set from outside by prlimit, taken back after."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from typing import Any

from engine.client import socket_address
from engine.soak.fault import CannotBeDone
from engine.soak.faults.base import Base, Letter, engine_of, whole
from engine.soak.faults.processes import alive, taking
from engine.soak.target import Target

SPARE_HANDLES = 3
CALLERS = 40


class Limited(Base):
    """A soft limit of one process, lowered and raised again."""

    which: int

    def __init__(self) -> None:
        self._pid = 0
        self._before: tuple[int, int] | None = None

    def lower(self, pid: int, to: int) -> None:
        """Lower the soft limit of a process; CannotBeDone if the kernel does not let us."""
        self._pid = pid
        try:
            before = resource.prlimit(pid, self.which)
            resource.prlimit(pid, self.which, (to, before[1]))
        except (OSError, ValueError) as error:
            raise CannotBeDone(f"prlimit of process {pid}: {error}") from None
        self._before = before

    def undo(self, target: Target) -> None:
        """Raise it again."""
        if self._before is not None:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(self._pid, self.which, self._before)


class HandleLimit(Limited):
    """The engine may open three handles more, and forty callers come at once."""

    name = "handle_limit"
    summary = f"RLIMIT_NOFILE of the engine at {SPARE_HANDLES} above what it holds, and {CALLERS} callers at the door, for 10 s"
    holds = "the engine lives, answers again when there are handles, and has kept everything; halt works from its open connections"
    which = resource.RLIMIT_NOFILE
    undo_first, hold_s = True, 10.0

    def __init__(self) -> None:
        super().__init__()
        self._callers: list[socket.socket] = []
        self._letter: Letter | None = None

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Lower the limit, then knock."""
        engine = engine_of(target)
        held = len(os.listdir(f"/proc/{engine}/fd"))
        self.lower(engine, held + SPARE_HANDLES)
        for _ in range(CALLERS):
            caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            caller.settimeout(0.2)
            self._callers.append(caller)
            with contextlib.suppress(OSError), socket_address(target.state) as address:
                caller.connect(address)
        return f"engine {engine} holds {held} handles and may hold {held + SPARE_HANDLES}"

    def undo(self, target: Target) -> None:
        """Raise the limit; the callers leave."""
        super().undo(target)
        for caller in self._callers:
            caller.close()

    def recovered(self, target: Target) -> bool:
        """Say whether a letter that came after the fault has been taken, answered and archived."""
        if self._letter is None:
            self._letter = Letter(target)
        return self._letter.answer is not None and whole(target)

    def findings(self, target: Target) -> list[str]:
        """The engine must have lived through it."""
        return [] if alive(self._pid) else [f"engine {self._pid} did not live through it"]


class MemoryLimit(Limited):
    """A worker may map nothing more: every allocation that needs the kernel fails."""

    name = "memory_limit"
    summary = "RLIMIT_AS of one compute worker at half of what it maps, for 15 s"
    holds = "a worker that falls silent over it is replaced, its task runs again and counts once; the engine is untouched"
    which = resource.RLIMIT_AS
    undo_first, hold_s = True, 15.0

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Lower the limit."""
        pids = target.pids("worker")
        if not pids:
            raise CannotBeDone("no worker runs at this moment")
        with open(f"/proc/{pids[0]}/statm", encoding="ascii") as statm:
            held = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        self.lower(pids[0], held // 2)
        return f"worker {pids[0]} maps {held >> 20} MiB and may map {held >> 21}"

    def recovered(self, target: Target) -> bool:
        """Say whether workers take work, this one or its successor."""
        return bool(taking(target)) and whole(target)
