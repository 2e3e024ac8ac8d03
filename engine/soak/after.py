"""What is left when the daemon has ended: processes, locks, claimed files, half-written files, the mirror's lines, test mode."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from engine.config import FILE_NAME, load
from engine.soak import processes
from engine.soak.ground import Ground
from state.lock import LOCK_NAME

GRACE_S = 5.0
MIRROR = "watcher_decisions.jsonl"


def left_over(ground: Ground) -> dict[str, Any]:
    """Look at a soak whose daemon has ended; processes get a few seconds to be gone. Blocking."""
    deadline = time.monotonic() + GRACE_S
    while (orphans := processes.marked(ground.id, but={os.getpid()})) and time.monotonic() < deadline:
        time.sleep(0.2)
    room = ground.room
    return {
        "orphans": [{"pid": pid, "command": words} for pid, words in orphans.items()],
        "lock_held": _held(room / LOCK_NAME),
        "claimed": _names(room / "watcher_requests" / "claimed"),
        "inbox": _names(room / "watcher_requests"),
        "archived": _names(room / "watcher_requests" / "archive"),
        "half_written": [str(path.relative_to(room)) for path in room.rglob("*.tmp*") if path.is_file()],
        "socket": (room / "control.sock").exists(),
        "draws": _draws(room),
        "test_mode_elsewhere": _testing(room),
    }


def _held(lock: Path) -> bool:
    """Say whether somebody holds the state's lock."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _draws(room: Path) -> list[int | None]:
    """Return the values that the room's store holds, in order."""
    file = room / "history" / "draws.jsonl"
    if not file.exists():
        return []
    return [json.loads(line)["value"] for line in file.read_text().splitlines() if line.strip()]


def _testing(room: Path) -> bool:
    """Say whether a daemon that is started over this state in the ordinary way would be in test mode."""
    own = room / FILE_NAME
    return load(own if own.exists() else None).testing


def mirror_lines(ground: Ground) -> list[int]:
    """Return the sequence numbers that the mirror's lines carry, in the order of the file; -1 for a line that cannot be read."""
    file = ground.room / MIRROR
    found = []
    for line in file.read_text(errors="replace").splitlines() if file.exists() else []:
        try:
            found.append(int(json.loads(line)["seq"]))
        except (ValueError, KeyError, TypeError):
            found.append(-1)
    return found
