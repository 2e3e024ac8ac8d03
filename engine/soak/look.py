"""One reading of a soak: the daemon from outside, what it says of itself, its journal, its disk, its children, the GPUs' memory."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from engine.soak import processes
from engine.soak.ground import Ground
from engine.soak.target import Role
from state.errors import StateError
from state.journal import JOURNAL_NAME, Journal

T = TypeVar("T")
MIB = 1 << 20
INSIDE = ("tasks", "loop_lag_ms", "blocks", "gc", "cpu")
"""What only the daemon itself can count; its own sampler puts it into its journal."""
FRESH_S = 60.0
FOLDER_EVERY_S = 60.0
OPEN = ("claimed", "running")


class Look:
    """Takes readings; keeps the journal open for reading and the last size of the state directory."""

    def __init__(self, ground: Ground, cards: Callable[[], Mapping[str, Any]] | None = None) -> None:
        """`cards` reads the GPUs of this machine; default: the drivers."""
        self._ground, self._cards = ground, cards or _cards()
        self._journal: Journal | None = None
        self._lock, self._away = threading.RLock(), False
        self._size, self._sized = 0.0, float("-inf")

    def read(self, pid: int | None) -> dict[str, float]:
        """Return every number by name; what cannot be read now is left out. Blocking, some 10 ms."""
        values = self._processes(pid)
        values |= self._state()
        values |= self.of(_records, dict[str, float]())
        cards = self._cards()
        if cards:
            values["vram.used_mb"] = sum(card.used for card in cards.values()) / MIB
        return {name: round(value, 4) for name, value in values.items()}

    def of(self, ask: Callable[[Journal], T], default: T) -> T:
        """Return what the room's journal says, `default` while there is none or it cannot be read. Any thread, blocking."""
        with self._lock:
            if self._away:
                return default
            try:
                if self._journal is None:
                    self._journal = Journal.read_only(self._ground.room)
                return ask(self._journal)
            except StateError:
                self.close()
                return default

    def close(self) -> None:
        """Let the journal go; the next look opens it again."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Hold no handle in the room's directory meanwhile."""
        with self._lock:
            self.close()
            self._away = True
        try:
            yield
        finally:
            self._away = False

    def _processes(self, pid: int | None) -> dict[str, float]:
        by_role: dict[Role, list[processes.Weight]] = defaultdict(list)
        for one, role in processes.tree(pid).items():
            weight = processes.weigh(one)
            if weight is not None:
                by_role[role].append(weight)
        values: dict[str, float] = {}
        for engine in by_role.pop("engine", ()):
            values |= {
                "engine.rss_mb": engine.rss_mb,
                "engine.handles": engine.handles,
                "engine.threads": engine.threads,
            }
            values |= {"engine.cpu_s": engine.cpu, "engine.pid": engine.pid}
            values |= {
                "engine.sockets": engine.kinds.get("socket", 0),
                "engine.pipes": engine.kinds.get("pipe", 0),
            }
            values |= {"engine.files": engine.kinds.get("file", 0)}
            if engine.pss_mb is not None:
                values["engine.pss_mb"] = engine.pss_mb
            if engine.anon_mb is not None:
                values["engine.anon_mb"] = engine.anon_mb
        values["children"] = sum(map(len, by_role.values()))
        below = {one.pid for weights in by_role.values() for one in weights} | {os.getpid(), pid or 0}
        values["strays"] = len(processes.marked(self._ground.id, but=below))
        for role, weights in by_role.items():
            values[f"{role}.count"] = len(weights)
            values[f"{role}.handles"] = sum(one.handles for one in weights) / len(weights)
            sizes = [one.pss_mb if one.pss_mb is not None else one.rss_mb for one in weights]
            values[f"{role}.pss_mb"] = sum(sizes) / len(sizes)
            values[f"{role}.pid"] = min(one.pid for one in weights)
        return values

    def _state(self) -> dict[str, float]:
        room, now = self._ground.room, time.monotonic()
        values = {"disk.free_mb": shutil.disk_usage(self._ground.path).free / MIB}
        for name, file in (("journal.mb", JOURNAL_NAME), ("journal.wal_mb", f"{JOURNAL_NAME}-wal")):
            path = room / file
            values[name] = path.stat().st_size / MIB if path.exists() else 0.0
        inbox = room / "watcher_requests"
        values["inbox.files"] = _count(inbox)
        values["inbox.claimed"] = _count(inbox / "claimed")
        if now - self._sized >= FOLDER_EVERY_S:
            self._sized, self._size = now, _size(room) / MIB
        values["state.mb"] = self._size
        return values


def _records(journal: Journal) -> dict[str, float]:
    """Return what the room's journal tells: its size, what the daemon counts in itself, claims, starts of the advisor."""
    now = time.time()
    values: dict[str, float] = {"journal.events": journal.seq}
    with journal.reading() as db:
        values["journal.pages"] = db.execute("PRAGMA page_count").fetchone()[0]
        values["journal.free_pages"] = db.execute("PRAGMA freelist_count").fetchone()[0]
    for name in INSIDE:
        recent = journal.samples.series(f"engine.{name}", since=now - FRESH_S, limit=1)
        if recent:
            values[f"engine.{name}"] = recent[-1].value
    values["queue.waiting"] = journal.requests.waiting()
    ages = [-(row.lease_left() or 0.0) for row in journal.requests.list(states=OPEN, limit=10)]
    values["lock.overdue_s"] = max([0.0, *ages])
    starts = journal.newest(["llm.server"], 500)
    if starts:
        values["llm.starts"] = sum(event.data.get("state") == "ready" for event in starts)
    return values


def _cards() -> Callable[[], Mapping[str, Any]]:
    from engine.llm.vram import read_all

    return read_all


def _count(folder: Path) -> int:
    try:
        return sum(1 for entry in folder.iterdir() if entry.is_file())
    except OSError:
        return 0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except OSError:
            continue  # replaced or removed meanwhile
    return total
