"""What all faults share: their defaults, and the questions that tell whether a room works again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from engine.errors import MimicryError
from engine.soak.fault import CannotBeDone
from engine.soak.target import Target
from state.errors import StateError

STARTED = ("run", "idle", "halting", "halted")
"""Modes of a room that has come up."""
INBOX = "watcher_requests"


class Base:
    """A fault with the usual defaults: nothing to undo, nothing special to find, a minute and a half to recover."""

    name: str
    summary: str
    holds: str
    needs = ""
    settle_s = 90.0
    undo_first = False
    hold_s = 0.0

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Do it."""
        raise NotImplementedError

    def undo(self, target: Target) -> None:
        """Nothing to undo."""

    def recovered(self, target: Target) -> bool:
        """Say whether the room answers and has all its workers."""
        return whole(target)

    def findings(self, target: Target) -> list[str]:
        """Everything else is judged by the soak's own gates."""
        return []


class Letter:
    """A file dropped into the inbox that can never become a request: its refusal proves that every way of writing works.

    It is claimed by rename, recorded, answered and archived: two seconds by the inbox's own quiet time, when all is well.
    """

    def __init__(self, target: Target, text: bytes = b'{"type": "fault_probe"}') -> None:
        """Drop it."""
        self.name = f"fault-{uuid4().hex[:10]}.json"
        self._archive = target.state / INBOX / "archive"
        path = target.state / INBOX / self.name
        part = path.with_suffix(".part")
        part.write_bytes(text)
        part.rename(path)

    @property
    def answer(self) -> Path | None:
        """Return the file that says what became of it; None until it is archived."""
        return next(iter(self._archive.glob(f"*-{Path(self.name).stem}.result.json")), None)


def snapshot(target: Target) -> dict[str, Any] | None:
    """Return what the room says of itself; None while it does not answer."""
    try:
        reply = target.ask("snapshot")
    except (MimicryError, OSError):
        return None
    return dict(reply.data) if reply.ok else None


def whole(target: Target) -> bool:
    """Say whether the room has come up and no worker of its own machine is down."""
    seen = snapshot(target)
    if seen is None or seen["mode"] not in STARTED:
        return False
    return all(row["state"] != "down" for row in workers(target) if "/" not in row["worker"])


def workers(target: Target) -> list[dict[str, Any]]:
    """Return the workers that the room has, rigs' included; none while it does not answer or has let them go."""
    try:
        reply = target.ask("table", name="workers", limit=1000)
    except (MimicryError, OSError):
        return []
    return list(reply.data["rows"]) if reply.ok else []


def settled(found: Callable[[], bool]) -> bool:
    """Return `found()`; what cannot be read at this moment is not found."""
    try:
        return found()
    except (MimicryError, StateError, OSError):
        return False


def engine_of(target: Target) -> int:
    """Return the engine's process."""
    pids = target.pids("engine")
    if not pids:
        raise CannotBeDone("the engine does not run at this moment")
    return pids[0]


def risen(target: Target, seconds: float = 60.0) -> int:
    """Wait until the engine that was started again has come up; return its process."""
    deadline = time.monotonic() + seconds
    while not (target.pids("engine") and whole(target)):
        if time.monotonic() > deadline:
            raise CannotBeDone(f"the engine did not come up again within {seconds:g} s")
        time.sleep(0.2)
    return engine_of(target)


def program(name: str) -> str:
    """Return the path of a program that a fault is done with."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise CannotBeDone(f"{name} is missing: apt-get install {PACKAGES.get(name, name)}")
    return found


def root(doing: str) -> None:
    """Raise CannotBeDone unless we are root."""
    if os.geteuid() != 0:
        raise CannotBeDone(f"only root may {doing}")


PACKAGES = {"cc": "gcc", "mount": "mount", "chattr": "e2fsprogs"}
