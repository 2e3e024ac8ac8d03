"""Runs on a rig beside the guard: never more than k initialisations at once on this rig, whoever asks for them. Standard library only."""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.rigs.onrig.workers import Line, Worker


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


class Gate:
    """Who waits for a slot, each in its order: starts that are made in one, then workers that the engine has admitted."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.starts: collections.deque[Line] = collections.deque()
        self.workers: collections.deque[Worker] = collections.deque()

    def open(self) -> Iterator[tuple[Line | Worker, int]]:
        """Give every free slot to the next one: who, and the slot that is now his."""
        while self.starts or self.workers:
            slot = self.slots.take()
            if slot is None:
                return
            yield (self.starts.popleft() if self.starts else self.workers.popleft()), slot

    def awaits(self, name: str) -> bool:
        """Tell whether a start of that name waits."""
        return any(one["name"] == name for one in self.starts)

    def put_off(self, name: str) -> Line:
        """Forget the start of that name, and return it."""
        found = next(one for one in self.starts if one["name"] == name)
        self.starts.remove(found)
        return found

    def forget(self, worker: Worker) -> None:
        """Let a dead worker wait no longer: another attempt may bear its name by the time it would be its turn."""
        with contextlib.suppress(ValueError):
            self.workers.remove(worker)
