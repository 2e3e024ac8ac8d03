"""Runs on a rig beside the guard: the lines of the kernel's log that matter to a dead worker. Standard library only."""

from __future__ import annotations

import collections
import contextlib
import os
import time

WORDS = ("amdgpu", "NVRM", "Xid", "Out of memory", "oom", "segfault", "AER", "pcieport")


class Kernel:
    """The log from now on; `blind` says why it may not be read, empty if it may."""

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
                if any(word in text for word in WORDS):
                    self.lines.append((time.monotonic(), text[:300]))

    def since(self, begun: float) -> list[str]:
        self.look()
        return [text for at, text in self.lines if at >= begun][-20:]
