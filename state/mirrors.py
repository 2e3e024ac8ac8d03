"""The files that people tail and grep, written from the journal: never a source of truth, always rebuilt from it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from state.chain import Event
from state.decisions import Decisions
from state.files import disk_errors, make_folder, write_atomic
from state.runs import Runs

HISTORY_RUNS = 200
HISTORY_DECISIONS = 200
HEALTH_KIND, SELFPLAY_KIND = "learning.health", "selfplay.finished"
FILE_BYTES = 32 << 20
_PAGE = 1000
_TAIL, _PAGE_BYTES = 1 << 16, 16 << 20


class Source(Protocol):
    """The journal as mirrors read it."""

    decisions: Decisions
    runs: Runs

    @property
    def seq(self) -> int:
        """Return the last event's number."""

    @property
    def head(self) -> str:
        """Return the last event's hash."""

    def events(
        self, *, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterable[Event]:
        """Yield events, oldest first."""

    def last(self, kinds: Sequence[str]) -> Event | None:
        """Return the newest event of these kinds."""


Shape = Callable[[Event], Mapping[str, Any]]


def plain(event: Event) -> dict[str, Any]:
    """Return an event as one flat line: seq, at, event (its kind), then its data."""
    head = {"seq": event.seq, "at": event.at, "event": event.kind}
    return head | {key: value for key, value in event.data.items() if key not in head}


class JsonlMirror:
    """Appends one JSON line with `seq` per event of the given kinds; a lost tail is written again from the journal.

    A file of more than `FILE_BYTES` is moved to `.1`, in place of the one before; the journal holds all of it.
    """

    def __init__(self, path: Path, kinds: Sequence[str], shape: Shape = plain) -> None:
        self.path, self.kinds, self._shape = path, tuple(kinds), shape
        self._done: int | None = None

    def pump(self, source: Source) -> int:
        """Write what is new; return the number of lines."""
        done = self._settle(source) if self._done is None else self._done
        written, end = 0, source.seq
        while done < end:
            events = [
                event
                for event in source.events(after=done, kinds=self.kinds, limit=_PAGE)
                if event.seq <= end
            ]
            self._append(events)
            written += len(events)
            done = events[-1].seq if len(events) == _PAGE else end
        self._done = done
        return written

    def _append(self, events: Iterable[Event]) -> None:
        text = "".join(json.dumps({**self._shape(event), "seq": event.seq}) + "\n" for event in events)
        if not text:
            return
        with disk_errors(self.path, "appending to the mirror"):
            if self.path.exists() and self.path.stat().st_size > FILE_BYTES:
                self.path.replace(_before(self.path))
        with disk_errors(self.path, "appending to the mirror"), self.path.open("ab") as handle:
            size = handle.seek(0, os.SEEK_END)
            try:
                handle.write(text.encode("ascii"))
                handle.flush()
                os.fsync(handle.fileno())  # so that a power loss can spoil no more than the last page
            except OSError:
                os.ftruncate(handle.fileno(), size)
                raise

    def _settle(self, source: Source) -> int:
        """Cut to the last whole line and return its seq; a file that is not this journal's is moved aside."""
        with disk_errors(self.path, "reading the mirror"):
            make_folder(self.path.parent)
            last = _cut_to_whole_lines(self.path) if self.path.exists() else None
            if last is None:
                return self._moved_before(source)
            seq = _seq_of(last)
            if seq is None or seq > source.seq:
                self.path.replace(_free_name(self.path))
                return 0
        return seq

    def _moved_before(self, source: Source) -> int:
        """Return where the file that was moved last ends: a crash may have come just after the move."""
        moved = _before(self.path)
        last = _cut_to_whole_lines(moved) if moved.exists() else None
        seq = None if last is None else _seq_of(last)
        return seq if seq is not None and seq <= source.seq else 0


def _before(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _cut_to_whole_lines(path: Path) -> bytes | None:
    """Truncate after the last whole line; return it, or None when none is left. Sectors that never came (zeros) are no lines."""
    with path.open("rb+") as handle:
        size = _cut_zeros(handle)
        start, tail = size, b""
        while start > 0 and tail.count(b"\n") < 2:
            start = max(0, start - _TAIL)
            handle.seek(start)
            tail = handle.read()
        end = tail.rfind(b"\n") + 1
        handle.truncate(start + end)
    lines = tail[:end].splitlines()
    return lines[-1] if lines else None


def _cut_zeros(handle: BinaryIO) -> int:
    """Cut a file at its first zero byte, as far back as the last page of lines may reach; return its size."""
    size = handle.seek(0, os.SEEK_END)
    start = max(0, size - _PAGE_BYTES)
    handle.seek(start)
    found = handle.read().find(b"\0")
    return size if found < 0 else handle.truncate(start + found)


def _seq_of(line: bytes) -> int | None:
    try:
        return int(json.loads(line)["seq"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _free_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.name}.aside-{number}")).exists():
        number += 1
    return name


class JsonMirror:
    """Replaces one JSON file whenever an event of the given kinds happened."""

    def __init__(
        self,
        path: Path,
        kinds: Sequence[str],
        build: Callable[[Source, Event | None], Mapping[str, Any] | None],
    ) -> None:
        self.path, self.kinds, self._build = path, tuple(kinds), build
        self._done: int | None = None

    def pump(self, source: Source) -> int:
        """Rewrite the file when there is something new (always at start); return 1 when it was written."""
        event = source.last(self.kinds)
        newest = 0 if event is None else event.seq
        if newest == self._done:
            return 0
        record = self._build(source, event)
        if record is not None:
            with disk_errors(self.path, "creating the folder"):
                make_folder(self.path.parent)
            write_atomic(self.path, (json.dumps(record, indent=1) + "\n").encode("ascii"))
        self._done = newest
        return int(record is not None)


class Mirrors:
    """All mirrors of a state directory; call `pump` after commits, off the loop."""

    def __init__(self, source: Source, mirrors: Sequence[JsonlMirror | JsonMirror]) -> None:
        self._source, self._mirrors = source, tuple(mirrors)

    @classmethod
    def standard(cls, state: Path, source: Source) -> Mirrors:
        """Return the mirrors that operators know by name."""
        return cls(source, [decisions_mirror(state), history_mirror(state), health_mirror(state)])

    def pump(self) -> int:
        """Bring every mirror up to date; return how many lines and files were written."""
        return sum(mirror.pump(self._source) for mirror in self._mirrors)


def decisions_mirror(state: Path) -> JsonlMirror:
    """Return `watcher_decisions.jsonl`: decisions, halts and resumes, one a line."""
    return JsonlMirror(state / "watcher_decisions.jsonl", ["decision", "halt."])


def history_mirror(state: Path) -> JsonMirror:
    """Return `watcher_history.json`: the newest runs and decisions."""
    return JsonMirror(state / "watcher_history.json", ["decision", "halt.", "run."], _history)


def health_mirror(state: Path) -> JsonMirror:
    """Return `telemetry/learning_health_latest.json`: the last `learning.health` event, and the last session of selfplay."""
    kinds = [HEALTH_KIND, SELFPLAY_KIND]
    return JsonMirror(state / "telemetry" / "learning_health_latest.json", kinds, _health)


def _history(source: Source, _: Event | None) -> dict[str, Any]:
    return {
        "schema": "watcher_history/1",
        "seq": source.seq,
        "head": source.head,
        "runs": [asdict(run) for run in source.runs.newest(HISTORY_RUNS)],
        "decisions": [asdict(decision) for decision in source.decisions.list(limit=HISTORY_DECISIONS)],
    }


def _health(source: Source, event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    health, played = source.last([HEALTH_KIND]), source.last([SELFPLAY_KIND])
    record = {
        "schema": "learning_health/1",
        "seq": event.seq,
        "at": event.at,
        **(health.data if health else {}),
    }
    return (
        record
        if played is None
        else record | {"selfplay": {"seq": played.seq, "at": played.at, **played.data}}
    )
