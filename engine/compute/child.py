"""The coordinator's end of a lease: start one process of ours, hear it, speak to it, end it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.compute.attempts import kernel_log
from engine.compute.isolation import environment, python
from engine.spawn import end, ended, kill, started

LOG_LIMIT = 4 << 20
"""Bytes after which a child's log is moved aside at its next start."""
TAIL = 4096
"""Bytes of its log that a death keeps."""
_LINE_LIMIT = 1 << 20
_LAST_LINE = 1.0
Event = dict[str, Any]


class Child:
    """One leased process; it dies when this process dies, however that happens."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_event: Callable[[Event], None], log: Path, begin: int
    ) -> None:
        """Listen to a started process; use `Child.spawn`."""
        self.pid: int | None = process.pid
        self._log, self._begin = log, begin
        self.heard = time.monotonic()
        """Monotonic time of its last line."""
        self._process = process
        self._on_event = on_event
        self._reader = asyncio.create_task(self._listen())

    @classmethod
    async def spawn(
        cls,
        module: str,
        spec: Event,
        log: Path,
        on_event: Callable[[Event], None],
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Start `python -m module` under a lease, its stderr appended to `log`, and send it `spec`."""
        fd = open_log(log)
        begin = os.fstat(fd).st_size
        try:
            # Ctrl-C on our terminal is the coordinator's to answer: a session of its own.
            process = await started(
                *python(module),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=fd,
                env=environment(1) | dict(env or {}),
                limit=_LINE_LIMIT,
            )
        finally:
            os.close(fd)
        child = cls(process, on_event, log, begin)
        child.send({"parent": os.getpid(), **spec})
        return child

    async def _listen(self) -> None:
        """Pass each event line on until the process closes its end."""
        while line := await self._line():
            self.heard = time.monotonic()
            if (event := said(line)) is not None:
                self._on_event(event)

    async def _line(self) -> bytes:
        """Return the next line, empty at the end; a process that writes a line without an end is killed."""
        assert self._process.stdout is not None
        try:
            return await self._process.stdout.readline()
        except ValueError:  # longer than the limit
            self.kill()
            return b""

    def send(self, line: Event) -> None:
        """Send one line; a process that is going away misses it."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(json.dumps(line).encode() + b"\n")

    @property
    def alive(self) -> bool:
        """Tell whether the process has not ended yet, as far as was noticed."""
        return self._process.returncode is None

    def silence(self) -> float:
        """Return the seconds since its last line."""
        return time.monotonic() - self.heard

    async def wait(self) -> int:
        """Wait for its end, and for its last line, and return the exit code (negative: the signal)."""
        code = await ended(self._process)
        # What it started may hold the pipe open still.
        await asyncio.wait({self._reader}, timeout=_LAST_LINE)
        return code

    def last_words(self) -> str:
        """Return the end of what it wrote to its log."""
        try:
            with self._log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(min(self._begin, size), size - TAIL))
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    async def kernel_log(self, since: float) -> str:
        """Return what this machine's kernel logged since then, or why that is not known."""
        return await asyncio.to_thread(kernel_log, since)

    def kill(self, why: str = "") -> None:
        """Kill it and what it started in its session, at once; the slot that judged it keeps why."""
        if self.alive:
            kill(self._process)

    def refuse(self, why: str) -> None:
        """Kill it; the slot that judged it says why."""
        self.kill()

    async def close(self) -> None:
        """End the lease, kill what is left, and wait until it is gone. There is nothing to save in any of our children."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await end(self._process)
        await self._reader


def said(line: bytes) -> Event | None:
    """Return what a process of ours said in a line, None for what is no event."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def open_log(log: Path) -> int:
    """Return a descriptor that appends to `log` (0600); a long log is moved to `.1` first."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(log.suffix + ".1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
