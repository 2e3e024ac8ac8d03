"""What became of tries that gave no result: each keeps its own cause, and a later try never overwrites an earlier one's."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

logger = logging.getLogger(__name__)

FILE_NAME = "attempts.jsonl"
KEPT = 500
"""Attempts held in memory; the file keeps more."""
FILE_LIMIT = 8 << 20
"""Bytes after which the file is moved to `.1`."""
Outcome = Literal["died", "hung", "failed", "refused", "halved"]
_KMSG = "/dev/kmsg"
_TELLING = re.compile(
    r"oom|out of memory|killed process|segfault|xid|nvrm|amdgpu|kfd|gpu|pcie|mce|hung|i/o error", re.I
)
_KERNEL_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try of one task on one worker."""

    at: str
    """UTC, when it ended."""
    key: str
    kind: str
    number: int
    """1 for the first try of this task."""
    worker: str
    outcome: Outcome
    code: int | None
    """Exit code of the worker (negative: the signal), None if it lived on."""
    seconds: float
    error: str
    words: str
    """End of the worker's stderr, since that worker was started."""
    kernel: str
    """What the kernel of the worker's machine logged meanwhile about memory and devices, or why that could not be read."""


class AttemptLog:
    """The latest attempts in memory, all of them in a file that is only appended to."""

    def __init__(self, path: Path) -> None:
        """Write to `path` and read back what it holds."""
        self._path = path
        self._latest: deque[Attempt] = deque(self._read(), maxlen=KEPT)

    def _read(self) -> list[Attempt]:
        try:
            lines = self._path.read_bytes().splitlines()[-KEPT:]
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(Attempt(**json.loads(line)))
            except (ValueError, TypeError, RecursionError):
                logger.warning("%s holds a line that is no attempt; it is passed over", self._path)
        return found

    def add(self, attempt: Attempt) -> None:
        """Keep an attempt; a disk that is full costs the file's copy, and says so."""
        self._latest.append(attempt)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > FILE_LIMIT:
                self._path.replace(self._path.with_suffix(".jsonl.1"))
            with open(
                os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab"
            ) as log:
                log.write(json.dumps(asdict(attempt), ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            logger.error("the attempt at %s is not on disk: %s", attempt.key, error)

    def newest(self, most: int) -> list[Attempt]:
        """Return the latest attempts, newest first."""
        return list(self._latest)[::-1][:most]


def utc() -> str:
    """Return the present moment for display."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kernel_log(since: float, path: str = _KMSG) -> str:
    """Return what this machine's kernel logged about memory and devices since the monotonic time `since`, one line each.

    One line says so where the log may not be read; blocking, so call it off the loop.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return f"kernel log not readable: {path}: {error.strerror}"
    found: deque[str] = deque(maxlen=_KERNEL_LINES)
    deadline = time.monotonic() + 0.5
    try:
        while time.monotonic() < deadline:
            try:
                record = os.read(fd, 8192)
            except OSError as error:
                if error.errno == errno.EPIPE:
                    # Records were overwritten while we read.
                    continue
                break
            if not record:
                break
            head, _, text = record.decode(errors="replace").partition(";")
            fields = head.split(",")
            late = len(fields) > 2 and fields[2].isdigit() and int(fields[2]) / 1e6 >= since
            if late and _TELLING.search(text):
                found.append(text.splitlines()[0])
    finally:
        os.close(fd)
    return "\n".join(found)
