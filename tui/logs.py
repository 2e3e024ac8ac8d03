"""Log files of a state directory, merged by time and read lazily from their ends: a gigabyte opens as fast as a page. No toolkit."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tui.model.logs import LEVELS, Entry, seconds_of

BLOCK = 1 << 16
LOOSE = 200
"""Lines without a time that are kept together at most."""
HEAD = ("at", "level", "source", "trace")
"""Parts of a record that have a place of their own."""
BRIEF = 60
"""Letters of a part of a record without words that stand in its row; longer parts are folded."""
NEWEST_FIRST = 400
"""Lines that are read before the first picture."""


class LogFile:
    """One file: older lines are read backwards from where it stood at first, newer ones forwards from there."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self._handle = path.open("rb")
        status = os.fstat(self._handle.fileno())
        self.inode, self._written = status.st_ino, status.st_mtime
        self._end = 0 if fresh else _whole(self._handle.fileno(), status.st_size)
        self.older = _entries(self._backwards(self._end), path.name, self._written)
        """Entries from the newest back, read as far as one asks."""

    def newer(self) -> list[Entry]:
        """Return what was written since the last call, whole lines only."""
        size = os.fstat(self._handle.fileno()).st_size
        if size <= self._end:
            return []
        data = os.pread(self._handle.fileno(), min(size - self._end, 16 * BLOCK), self._end)
        end = data.rfind(b"\n") + 1
        self._end += end
        lines = data[:end].split(b"\n")[:-1]
        found = list(_entries(reversed(lines), self.path.name, os.fstat(self._handle.fileno()).st_mtime))
        return found[::-1]

    def close(self) -> None:
        """Let the file go."""
        self._handle.close()

    def _backwards(self, end: int) -> Iterator[bytes]:
        """Yield whole lines from `end` back, a block at a time."""
        rest = b""
        while end > 0:
            begin = max(0, end - BLOCK)
            data = os.pread(self._handle.fileno(), end - begin, begin) + rest
            lines = data.split(b"\n")
            if end == self._end and lines and not lines[-1]:
                lines.pop()
            rest = lines.pop(0) if begin else b""
            yield from reversed(lines)
            end = begin


def _whole(handle: int, size: int) -> int:
    """Return where the last whole line ends."""
    begin = max(0, size - BLOCK)
    return begin + os.pread(handle, size - begin, begin).rfind(b"\n") + 1


def _entries(lines: Iterator[bytes], name: str, written: float) -> Iterator[Entry]:
    """Turn lines, newest first, into entries; lines without a time belong to the one above them."""
    loose: list[str] = []
    for raw in lines:
        entry = _parsed(raw, name)
        if entry is None:
            loose.append(raw.decode("utf-8", "replace"))
            if len(loose) >= LOOSE:
                yield _untimed(loose, name, written)
                loose = []
            continue
        yield entry._replace(more=(*entry.more, *reversed(loose))) if loose else entry
        loose = []
    if loose:
        yield _untimed(loose, name, written)


def _untimed(loose: list[str], name: str, written: float) -> Entry:
    text, *more = loose[::-1]
    return Entry(
        written,
        30 if "rror" in text or "Traceback" in text else 20,
        _source(name),
        text,
        tuple(more),
        exact=False,
    )


def _parsed(raw: bytes, name: str) -> Entry | None:
    if not raw.startswith(b"{"):
        return None
    try:
        record = json.loads(raw)
        at = seconds_of(record["at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    level = LEVELS.get(str(record.get("level", "info")).lower(), 20)
    source = str(record.get("source") or _source(name)).removeprefix("mimicry.").removeprefix("engine.")
    more = str(record.get("trace") or "").splitlines()
    if "text" in record:
        return Entry(at, level, source, str(record["text"]), tuple(more))
    said = [f"{name} {value}" for name, value in record.items() if name not in HEAD and value is not None]
    short = [each for each in said if len(each) <= BRIEF]
    return Entry(at, level, source, ", ".join(short), (*(each for each in said if each not in short), *more))


def _source(name: str) -> str:
    return name.partition(".")[0]


class Merged:
    """All logs of a folder as one list, oldest first; grows at both ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault = ""
        self.files: dict[int, LogFile] = {}
        self.whole = False
        """True once the oldest line of all files has been read."""
        self._scan(fresh=False)
        self._older = heapq.merge(*(file.older for file in self.files.values()), key=lambda entry: -entry.at)

    def older(self, count: int) -> list[Entry]:
        """Return up to `count` entries before those returned so far, oldest first."""
        found = list(islice(self._older, count))
        self.whole = self.whole or len(found) < count
        return found[::-1]

    def newer(self) -> list[Entry]:
        """Return what was written since the last call, by time; finds files that came or were rotated."""
        self._scan(fresh=True)
        found = [entry for file in self.files.values() for entry in file.newer()]
        return sorted(found, key=lambda entry: entry.at)

    def close(self) -> None:
        """Let all files go."""
        for file in self.files.values():
            file.close()

    def _scan(self, *, fresh: bool) -> None:
        try:
            paths = [
                Path(entry.path)
                for entry in os.scandir(self.folder)
                if entry.is_file() and _is_log(entry.name)
            ]
        except OSError as error:
            self.fault = f"{self.folder}: {error.strerror}"
            return
        self.fault = ""
        for path in sorted(paths):
            try:
                if path.stat().st_ino not in self.files:
                    file = LogFile(path, fresh=fresh)
                    self.files[file.inode] = file
            except OSError as error:
                self.fault = f"{path}: {error.strerror}"


def _is_log(name: str) -> bool:
    stem, _, number = name.rpartition(".")
    return name.endswith((".log", ".err", ".out", ".jsonl")) or (number.isdigit() and ".log" in stem)
