"""Runs on a rig beside the guard: one attempt of one worker, what it says, and when it must end. Standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

TAIL = 4096
LINE_LIMIT = 1 << 20
Line = dict[str, Any]


class Worker:
    """One attempt of one worker."""

    def __init__(self, line: Line, process: subprocess.Popen[bytes], slot: int | None = None) -> None:
        self.name, self.attempt, self.process, self.pid = line["name"], line["attempt"], process, process.pid
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.pipes = (process.stdin, process.stdout, process.stderr)
        self.into, self.out, self.err = (pipe.fileno() for pipe in self.pipes)
        self.ended: set[int] = set()
        """Its ends of file: `select` would return at once for each, for as long as it lives."""
        self.start_limit, self.begun, self.heard = (
            float(line["start_limit"]),
            time.monotonic(),
            time.monotonic(),
        )
        self.phase, self.cause, self.since = "starting", "", time.monotonic()
        self.rest, self.tail = b"", b""
        self.slot = slot
        self.free_at: float | None = None
        self.halt_by: float | None = None
        self.halts = bool(line.get("halts"))

    # -- what it says -------------------------------------------------------------------------------------------------

    def readers(self) -> dict[int, Callable[[], list[Line]]]:
        """Return what may be read of it, and how."""
        both: dict[int, Callable[[], list[Line]]] = {self.out: self.hear, self.err: self.grumble}
        return {fd: read for fd, read in both.items() if fd not in self.ended}

    def hear(self) -> list[Line]:
        """Return the events that it has said meanwhile."""
        data = self._read(self.out)
        if not data:
            return []
        self.heard = time.monotonic()
        *texts, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > LINE_LIMIT:
            self.kill("it wrote a line without an end")
        lines = []
        for text in texts:
            with contextlib.suppress(ValueError, RecursionError):
                line = json.loads(text)
                if isinstance(line, dict):
                    lines.append(line)
        return lines

    def grumble(self) -> list[Line]:
        """Keep the end of what it wrote to stderr."""
        self.tail = (self.tail + self._read(self.err))[-TAIL:]
        return []

    def _read(self, fd: int) -> bytes:
        try:
            data = os.read(fd, 65536)
        except OSError:
            return b""
        if not data:
            self.ended.add(fd)
        return data

    def note(self, line: Line, delay: float) -> None:
        """Follow its life; its slot is free `delay` seconds after its initialisation."""
        event = line.get("event")
        if event == "gate" and self.phase == "starting":
            self.enter("gate")
        elif event in ("initialised", "report"):
            self.free_at = self.free_at or time.monotonic() + delay
            self.enter("testing")
        elif event == "ready":
            self.enter("ready")
        elif event == "halted":
            self.halt_by = None

    def enter(self, phase: str) -> None:
        self.phase, self.since = phase, time.monotonic()

    # -- what it is told ----------------------------------------------------------------------------------------------

    def send(self, line: Line) -> None:
        """Tell it one line, whole: one that has let the pipe run full is killed, because it would read half a line."""
        data = json.dumps(line).encode() + b"\n"
        try:
            whole = os.write(self.into, data) == len(data)
        except BlockingIOError:
            whole = False
        except OSError:  # one that does not listen is told by its silence or its exit
            return
        if not whole:
            self.kill("it does not read what it is told")

    def halt(self, generation: Any, grace: float) -> None:
        """Tell it to stop; one that should answer and does not do so in time is killed."""
        self.send({"halt": generation, "generation": generation})
        if self.halts:
            self.halt_by = time.monotonic() + grace

    def begin(self, slot: int) -> None:
        """Let it initialise its GPU, in a slot."""
        self.slot = slot
        self.enter("initialising")
        self.send({"gate": "open"})

    # -- its end ------------------------------------------------------------------------------------------------------

    def fault(self, now: float, silence: float) -> str:
        """Return why it must be killed now, empty if it need not: late, silent, or deaf to a halt."""
        if self.phase == "gate":
            return ""
        if self.phase != "ready":
            late = now - self.since > self.start_limit
            return f"{self.phase} for {now - self.since:.0f} s" if late else ""
        if now - self.heard > silence:
            return f"silent for {now - self.heard:.1f} s"
        return "it did not obey a halt" if self.halt_by is not None and now > self.halt_by else ""

    def kill(self, cause: str) -> None:
        """Kill its whole session; the first cause stays."""
        self.cause = self.cause or cause
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def give_back(self) -> None:
        """Give its slot back; harmless without one."""
        if self.slot is not None:
            os.close(self.slot)
            self.slot = None

    def close(self) -> None:
        """Let go of all that it had."""
        self.give_back()
        for pipe in self.pipes:
            pipe.close()
