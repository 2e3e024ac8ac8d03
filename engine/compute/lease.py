"""The child's end of a lease: a process of ours lives exactly as long as the process that started it.

Two independent cords: the kernel kills us when the parent dies (PDEATHSIG), and end-of-file on stdin ends us where that does not exist.
Standard input carries JSON lines from the parent, standard output carries ours; what work prints goes to the log instead.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_LINE_LIMIT = 1 << 20


def die_with(parent: int) -> None:
    """Let the kernel kill this process when `parent` ends; exit at once if it has ended already.

    The kernel watches the thread that started us, so the parent starts children from a thread that lives as long as it does.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Lease:
    """The two pipes to the parent, taken off the standard descriptors."""

    def __init__(self, spec: dict[str, Any] | None = None) -> None:
        """Take stdin and stdout for the lease, give work /dev/null and the log, and read the parent's first line.

        With a `spec` that came another way there is no such line, and the parent is whoever started us.
        """
        self._in, self._out = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        os.set_blocking(self._out, False)
        self._rest = b""
        self.spec: dict[str, Any] = self.next() or {} if spec is None else {"parent": os.getppid(), **spec}
        """What the parent wants of this process."""
        if not self.spec:
            os._exit(1)
        die_with(int(self.spec["parent"]))

    def next(self) -> dict[str, Any] | None:
        """Wait for the parent's next line; None when the lease has ended."""
        while b"\n" not in self._rest:
            try:
                data = os.read(self._in, 65536)
            except OSError:
                return None
            if not data or len(self._rest) > _LINE_LIMIT:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        record: dict[str, Any] = json.loads(line)
        return record

    def watch(self, on_line: Callable[[dict[str, Any]], None], on_end: Callable[[], None]) -> None:
        """Follow the lease on a thread of its own, so that neither work nor a stalled loop can delay its end."""

        def follow() -> None:
            try:
                while (line := self.next()) is not None:
                    on_line(line)
            except Exception:
                logger.exception(
                    "a line of the lease is out of form; who follows it no more would hear of no halt"
                )
            on_end()

        threading.Thread(target=follow, name="lease", daemon=True).start()

    def say(self, **event: Any) -> None:
        """Write one event line; dropped when the parent does not read, because work must never wait for a listener."""
        try:
            os.write(self._out, json.dumps(event).encode() + b"\n")
        except (BlockingIOError, BrokenPipeError):
            return


def resident() -> int:
    """Return this process's resident memory in bytes, 0 where /proc does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def memory_left() -> int:
    """Return the bytes of memory that this machine could still give (MemAvailable), 0 where /proc does not tell."""
    try:
        with open("/proc/meminfo", "rb") as table:
            found = [line.split()[1] for line in table if line.startswith(b"MemAvailable:")]
            return int(found[0]) << 10 if found else 0
    except OSError:
        return 0
