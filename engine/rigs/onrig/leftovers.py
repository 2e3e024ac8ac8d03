"""Runs on a rig beside the guard: processes and folders that somebody has left behind. Standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import signal
import time


def parents() -> dict[int, int]:
    """Return every process's parent."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with (
                contextlib.suppress(OSError, ValueError, IndexError),
                open(f"/proc/{entry}/stat", "rb") as stat,
            ):
                found[int(entry)] = int(stat.read().rpartition(b")")[2].split()[1])
    return found


def end_orphans(keep: set[int]) -> None:
    """Kill the children that came to us because their worker died; they may have left its session."""
    for _ in range(20):
        mine = [pid for pid, parent in parents().items() if parent == os.getpid() and pid not in keep]
        living = [pid for pid in mine if not dead(pid)]
        if not living:
            return
        for pid in living:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def dead(pid: int) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True


def sweep(own: str, prefix: str) -> None:
    """Remove what dead guards left beside us: a folder whose lock nobody holds and that is not brand new."""
    for name in os.listdir(os.path.dirname(own)):
        folder = os.path.join(os.path.dirname(own), name)
        if not name.startswith(prefix) or folder == own or not os.path.isdir(folder):
            continue
        with contextlib.suppress(OSError):
            if (
                os.stat(folder).st_uid == os.getuid()
                and time.time() - os.stat(folder).st_mtime > 20
                and free(folder)
            ):
                shutil.rmtree(folder, ignore_errors=True)


def sweep_scraps(staging: str) -> None:
    """Remove what broken transfers, checks and installations left: nothing of it takes ten minutes."""
    for pattern in ("mimicry-check-*", "mimicry-install-*", "mimicry-store/*.part"):
        for path in glob.glob(os.path.join(staging, pattern)):
            with contextlib.suppress(OSError):
                if time.time() - os.stat(path).st_mtime > 600:
                    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def free(folder: str) -> bool:
    """Tell whether no guard holds a folder's lock."""
    fd = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
