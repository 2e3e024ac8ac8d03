"""Keeps the policies in force beside their file: an edit counts from the next look on, a broken one keeps the old policies visibly."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Protocol

from engine.errors import BadInput, MimicryError, UsageError
from engine.status import ALERT
from engine.watcher.policies import Policies, changed, differences, load_policies, write_policies

CHANGED = "policies.changed"
LOOK_SECONDS = 1.0
Check = Callable[[Policies], None]
logger = logging.getLogger("mimicry.policies")


class Ledger(Protocol):
    """The part of the journal that policies need."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def last(self, kinds: Any) -> Any:
        """Return the newest event of these kinds."""


class PolicyFile:
    """One state directory's policies: what is in force, what is wrong with the file, and every change on the record."""

    def __init__(self, path: Path, journal: Ledger, check: Check) -> None:
        """Load the file, or write the defaults; an edit made while no engine ran is recorded now. Raises BadInput."""
        self.path, self._journal, self._check = path, journal, check
        self.current = load_policies(path)
        check(self.current)
        self.fault: str | None = None
        self._listeners: list[Callable[[Policies], None]] = []
        self._seen = _signature(path)
        self._record_start()

    def _record_start(self) -> None:
        last = self._journal.last([CHANGED])
        if last is not None and last.data["digest"] == self.current.digest():
            return
        before = None if last is None else Policies.model_validate(last.data["policies"])
        self._record(
            before, self.current, _owner(self.path), "found at start" if before else "first policies"
        )

    def listen(self, callback: Callable[[Policies], None]) -> None:
        """Call `callback(policies)` after each change."""
        self._listeners.append(callback)

    def degraded(self) -> list[str]:
        """Return one line while the file cannot be used."""
        return [f"policies: {self.fault}; the policies before this edit stay in force"] if self.fault else []

    async def watch(self, interval: float = LOOK_SECONDS) -> NoReturn:
        """Look at the file for ever."""
        while True:
            await asyncio.sleep(interval)
            self.look()

    def look(self) -> bool:
        """Take over an edited file; return whether the policies changed. A broken one is told once and changes nothing."""
        seen = _signature(self.path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            fresh = load_policies(self.path)
            self._check(fresh)
        except MimicryError as error:
            self._broken(str(error))
            return False
        self.fault = None
        self._seen = _signature(self.path)
        return self._take(fresh, _owner(self.path), "the file was edited")

    def set(self, key: str, value: Any, *, who: str, why: str) -> list[dict[str, Any]]:
        """Change one key in force and in the file; return the rows that changed. Raises BadInput or UsageError."""
        if not why.strip():
            raise UsageError(f"policies: changing {key} needs a reason: --reason WHY")
        self.look()
        if self.fault:
            raise BadInput(f"policies: the file is broken ({self.fault}); mend it first")
        fresh = changed(self.current, key, value, "policies")
        self._check(fresh)
        rows = differences(self.current, fresh)
        write_policies(self.path, fresh)
        self._seen = _signature(self.path)
        self._take(fresh, who, why)
        return rows

    def _take(self, fresh: Policies, who: str, why: str) -> bool:
        if fresh == self.current:
            return False
        before, self.current = self.current, fresh
        self._record(before, fresh, who, why)
        for callback in self._listeners:
            callback(fresh)
        return True

    def _record(self, before: Policies | None, after: Policies, who: str, why: str) -> None:
        data = {
            "who": who,
            "why": why,
            "digest": after.digest(),
            "policies": after.model_dump(mode="json"),
            "changes": [] if before is None else differences(before, after),
        }
        self._journal.append(CHANGED, data)
        logger.info("policies %s by %s: %s", after.digest()[:12], who, why)

    def _broken(self, fault: str) -> None:
        if fault != self.fault:
            self.fault = fault
            logger.warning("%s", fault)
            text = f"policies not taken over, the ones before stay: {fault}"
            self._journal.append(ALERT, {"level": "warn", "text": text[:400]})


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns


def _owner(path: Path) -> str:
    """Return who owns the file, which is the nearest to who edited it."""
    try:
        uid = path.stat().st_uid
        return f"{pwd.getpwuid(uid).pw_name} (file)"
    except KeyError:
        return f"uid {uid} (file)"
    except OSError:
        return f"uid {os.getuid()} (file)"
