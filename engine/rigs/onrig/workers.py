"""Runs on a rig beside the guard: one worker's process, the rig's slots, and the kernel's log. Standard library only."""

from __future__ import annotations

import collections
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from typing import Any

KERNEL_WORDS = ("amdgpu", "NVRM", "Xid", "Out of memory", "oom", "segfault", "AER", "pcieport")
Line = dict[str, Any]


class Worker:
    """One attempt of one worker."""

    def __init__(self, name: str, attempt: int, process: subprocess.Popen[bytes], start_limit: float) -> None:
        self.name, self.attempt, self.process, self.pid = name, attempt, process, process.pid
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.pipes = (process.stdin, process.stdout, process.stderr)
        self.into, self.out, self.err = (pipe.fileno() for pipe in self.pipes)
        self.start_limit, self.begun, self.heard = start_limit, time.monotonic(), time.monotonic()
        self.phase, self.cause, self.since = "starting", "", time.monotonic()
        self.rest, self.tail = b"", b""
        self.slot: int | None = None
        self.free_at: float | None = None
        self.halt_by: float | None = None
        self.halts = False

    def enter(self, phase: str) -> None:
        self.phase, self.since = phase, time.monotonic()

    def send(self, line: Line) -> None:
        with contextlib.suppress(OSError):  # one that does not listen is told by its silence or its exit
            os.write(self.into, json.dumps(line).encode() + b"\n")

    def kill(self, cause: str) -> None:
        """Kill its whole session; the first cause stays."""
        self.cause = self.cause or cause
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


class Slots:
    """k lock files of this rig: the kernel frees them on death, and a second engine's guard sees them too."""

    def __init__(self, folder: str, count: int) -> None:
        folder = f"{folder}-{os.getuid()}"
        os.makedirs(folder, 0o700, exist_ok=True)
        if os.lstat(folder).st_uid != os.getuid() or os.path.islink(folder):
            raise SystemExit(f"{folder} is somebody else's; remove it")
        self.paths = [os.path.join(folder, str(number)) for number in range(count)]

    def take(self) -> int | None:
        for path in self.paths:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return fd
            except OSError:
                os.close(fd)
        return None


class Kernel:
    """The lines of the kernel's log that matter to a dead worker; absent where it may not be read."""

    def __init__(self, path: str) -> None:
        self.lines: collections.deque[tuple[float, str]] = collections.deque(maxlen=200)
        self.fd: int | None = None
        self.blind = ""
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with contextlib.suppress(OSError):
                os.lseek(self.fd, 0, os.SEEK_END)
        except OSError as error:
            self.blind = f"{path}: {error.strerror}"

    def look(self) -> None:
        for _ in range(2000):
            try:
                data = os.read(self.fd, 8192) if self.fd is not None else b""
            except BrokenPipeError:
                continue  # records were overwritten before we came
            except OSError:
                return
            if not data:
                return
            for line in data.decode(errors="replace").splitlines():
                text = line.partition(";")[2] or line
                if any(word in text for word in KERNEL_WORDS):
                    self.lines.append((time.monotonic(), text[:300]))

    def since(self, begun: float) -> list[str]:
        self.look()
        return [text for at, text in self.lines if at >= begun][-20:]
