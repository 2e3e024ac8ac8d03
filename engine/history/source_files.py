"""Draws from files: one that grows, or a directory of them in the order of their names."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.history.source_shape import SourceFault

if TYPE_CHECKING:
    from engine.config import HistorySettings
    from engine.history.store import Arrival, DrawStore

QUIET_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt")


class FileSource:
    """One file that grows at its end."""

    kind, backs_off = "file", False

    def __init__(self, path: Path, settings: HistorySettings) -> None:
        self.name, self._path, self._settings = str(path), path, settings
        self._seen: tuple[int, int] | None = None
        self._looked: tuple[int, int] | None = None

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Read the file if it changed since the last look that succeeded."""
        return await asyncio.to_thread(self._read, store)

    def _read(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        try:
            info = self._path.stat()
        except OSError as error:
            raise SourceFault(f"{self._path}: {error.strerror}; draws are taken once it is there") from None
        self._looked = (info.st_size, info.st_mtime_ns)
        if self._looked == self._seen:
            return []
        from engine.history.feed import new_draws, read_part

        return new_draws(read_part(self._path, self.name, self._settings), store())

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Do not read this state of the file again."""
        self._seen = self._looked


class DirectorySource:
    """A directory of files of draws, taken in the order of their names; the last one may still grow.

    A draw's id is its file and row, so that no crash takes it twice. Order is sacred: a file that comes late, or one that
    cannot be read, holds back those after it, visibly.
    """

    kind, backs_off = "directory", False

    def __init__(
        self, folder: Path, settings: HistorySettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self._folder, self._settings, self._clock = str(folder), folder, settings, clock
        self._done: dict[str, tuple[int, int, int]] = {}
        self._pending: dict[str, tuple[int, int, int]] = {}
        self._quiet: dict[str, tuple[tuple[int, int, int], float]] = {}

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Read what is new and complete."""
        return await asyncio.to_thread(self._read, store)

    def _read(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        self._pending = {}
        names = self._names()
        self._quiet = {name: seen for name, seen in self._quiet.items() if name in names}
        fresh = [name for name in names if self._signature(name) != self._done.get(name)]
        return self._from(fresh, names, store()) if fresh else []

    def _from(self, fresh: list[str], names: list[str], store: DrawStore) -> list[Arrival]:
        arrivals: list[Arrival] = []
        quiet = {name: self._quiet_for(name) for name in fresh}
        taken_before = [name for name in names if name in self._done or store.known(f"{name}#")]
        for name in fresh:
            rows = self._rows(name, quiet[name])
            if rows is None:
                return arrivals  # not complete yet; those after it wait
            new = rows[store.known(f"{name}#") :]
            later = next((one for one in taken_before if one > name), None)
            if new and later is not None:
                return self._late(name, len(new), later, arrivals)
            arrivals += rows
            self._pending[name] = self._quiet[name][0]
        return arrivals

    def _late(self, name: str, new: int, later: str, arrivals: list[Arrival]) -> list[Arrival]:
        """Hand over what came before the late file; complain only when there is nothing else to do."""
        if arrivals:
            return arrivals
        raise BadInput(
            f"{self._folder / name}: {new} new draws, but {later} was taken before; draws go in the order of the names: "
            "give the file a later name"
        )

    def _rows(self, name: str, quiet: float) -> list[Arrival] | None:
        """Return a file's draws under their ids; None while it is still being written."""
        from dataclasses import replace

        from engine.history.feed import read_part

        if quiet < QUIET_SECONDS:
            return None
        path = self._folder / name
        try:
            history = read_part(path, str(path), self._settings)
        except BadInput:
            if quiet < PATIENCE_SECONDS:
                return None
            raise
        from engine.history.store import Arrival

        rows = [Arrival(draw.value, draw.time, draw.session) for draw in history.draws]
        return [replace(row, id=f"{name}#{number}") for number, row in enumerate(rows)]

    def _quiet_for(self, name: str) -> float:
        """Return for how long the file has not changed."""
        now, signature = self._clock(), self._signature(name)
        seen = self._quiet.get(name)
        if seen is None or seen[0] != signature:
            seen = self._quiet[name] = (signature, now)
        return now - seen[1]

    def _signature(self, name: str) -> tuple[int, int, int]:
        try:
            info = (self._folder / name).lstat()
        except OSError:
            return (0, 0, 0)
        return info.st_ino, info.st_size, info.st_mtime_ns

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(".")
                    and Path(entry.name).suffix.lower() in SUFFIXES
                    and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
                )
        except OSError as error:
            raise SourceFault(f"{self._folder}: {error.strerror}; draws are taken once it is there") from None
        for name in names:
            if not name.isprintable():  # it becomes part of the draws' ids and of messages
                raise BadInput(f"{self._folder}: the name {name!a} is no printable text; rename the file")
        return names

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Do not read these states of the files again."""
        self._done |= self._pending
        self._pending = {}
