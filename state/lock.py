"""One owner per state directory: an flock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from state.clock import boot_id, utc_now
from state.errors import StateLocked
from state.files import disk_errors

LOCK_NAME = "lock"


class StateLock:
    """Holds `DIR/lock` from construction to `release`; raises StateLocked naming the holder's pid."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / LOCK_NAME
        with disk_errors(self.path, "opening the lock"):
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, since = holder(directory)
            os.close(self._handle)
            raise StateLocked(directory, pid, since) from None
        try:
            with disk_errors(self.path, "writing the lock"):
                self._sign()
        except BaseException:
            self.release()
            raise

    def _sign(self) -> None:
        note = json.dumps({"pid": os.getpid(), "boot": boot_id(), "since": utc_now()}).encode("ascii")
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, note, 0)

    def release(self) -> None:
        """Give the directory free; the file stays, so that no two holders can lock different inodes."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def holder(directory: Path) -> tuple[int | None, str | None]:
    """Return pid and start time that the last holder wrote down, or None where unreadable."""
    try:
        note = json.loads((directory / LOCK_NAME).read_text(encoding="ascii"))
        return int(note["pid"]), str(note["since"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None, None
