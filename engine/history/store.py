"""The daemon's draws: an append-only file with one writer, every draw numbered, durable before it counts."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BadInput, DiskFault, EnvironmentFault, MimicryError
from engine.history.cells import LARGEST
from engine.history.cursor import Cursor
from engine.history.history import (
    CANONICAL,
    MISSING,
    NO_TIME,
    Draw,
    History,
    canonical_line,
    encode,
    instant,
    stamp,
)
from state.files import make_folder, sync_directory

FILE = "draws.jsonl"
BLOCK = 1 << 20  # bytes read at once
KEYS = {"seq", "value", "time", "session", "id"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A draw on its way in; `id` is its source's own name for it, so that a repeated delivery changes nothing."""

    value: int | None
    time: datetime | None = None
    session: str | None = None
    id: str | None = None


def _torn(line: bytes) -> bool:
    """Say whether a batch was under way when the power went: sectors of it never came. What was synced holds no zeros."""
    return not line.endswith(b"\n") or b"\0" in line


class DrawStore:
    """Draws in order of arrival under one directory; threads may share it, a second process is refused.

    `append` returns only after fsync. After a crash in between, a prefix of the batch may be stored: deliver it
    again with the same ids. `repaired` tells how many bytes of a torn end were cut at opening.
    """

    def __init__(self, directory: Path, handle: int) -> None:
        self.directory, self.path, self.repaired = directory, directory / FILE, 0
        self._handle, self._mutex, self._size = handle, threading.RLock(), 0
        self._values, self._times = array("q"), array("q")
        self._sessions: list[str | None] = []
        self._ids: dict[str, int] = {}
        self._digest = hashlib.sha256(CANONICAL)

    @classmethod
    def open(cls, directory: Path) -> DrawStore:
        """Open or create the store, cut a torn last line, and load the draws."""
        path = directory / FILE
        try:
            make_folder(directory)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EnvironmentFault(
                f"{path}: cannot open ({error.strerror}); check the state directory"
            ) from None
        store = cls(directory, handle)
        try:
            store._lock()
            store._load()
            sync_directory(directory)
        except (MimicryError, OSError):
            os.close(handle)
            raise
        return store

    def __len__(self) -> int:
        """Return the number of draws stored, missing ones included."""
        return len(self._values)

    @property
    def last(self) -> int:
        """Return the seq of the newest draw, 0 if there is none."""
        return len(self._values)

    @property
    def closed(self) -> bool:
        """Say whether it takes no more draws: it was closed, or a failed batch could not be cut off again."""
        return self._handle < 0

    def append(self, draws: Iterable[Arrival | Draw]) -> list[int]:
        """Store draws durably and return the seq of each; a known id returns the seq it already has."""
        arrivals = [_arrival(draw) for draw in draws]
        with self._mutex:
            seqs, fresh = self._assign(arrivals)
            if fresh:
                self._write("".join(_line(seq, arrival) for seq, arrival in fresh).encode())
                for seq, arrival in fresh:
                    self._remember(seq, arrival)
        return seqs

    def snapshot(self) -> History:
        """Return all draws so far as an immutable history."""
        with self._mutex:
            values = np.array(self._values, dtype=np.int64)
            times = np.array(self._times, dtype=np.int64)
            codes, labels = encode(self._sessions)
            digest = self._digest.hexdigest()
        return History(values, times, codes, labels, str(self.path), known_digest=digest)

    def after(self, seq: int, limit: int | None = None) -> list[tuple[int, Draw]]:
        """Return (seq, draw) of the draws after `seq`, oldest first, at most `limit`."""
        with self._mutex:
            end = self.last if limit is None else min(self.last, seq + limit)
            return [(at, self._draw(at)) for at in range(max(seq, 0) + 1, end + 1)]

    def cursor(self, name: str) -> Cursor:
        """Return the durable cursor of a reader; raise if it points beyond the stored draws."""
        cursor = Cursor(self.directory / "cursors", name)
        if cursor.position > self.last:
            raise EnvironmentFault(
                f"{cursor.path}: stands at {cursor.position}, but {self.path} has {self.last} draws; "
                "one of the two was replaced: restore the pair from the same backup"
            )
        return cursor

    def known(self, prefix: str) -> int:
        """Return how many stored draws have an id with this prefix."""
        with self._mutex:
            return sum(each.startswith(prefix) for each in self._ids)

    def close(self) -> None:
        """Release the file and its lock; closing twice is fine."""
        with self._mutex:
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EnvironmentFault(
                f"{self.path}: another process writes these draws; stop it or use another --state directory"
            ) from None

    def _load(self) -> None:
        whole = 0
        with open(self._handle, "rb", closefd=False) as stream:
            while lines := stream.readlines(BLOCK):
                torn = next((at for at, line in enumerate(lines) if _torn(line)), len(lines))
                self._take_in(lines[:torn])
                whole += sum(map(len, lines[:torn]))
                if torn < len(lines):
                    self.repaired = os.fstat(self._handle).st_size - whole
                    break
        self._size = whole
        if self.repaired:
            os.ftruncate(self._handle, whole)
            os.fsync(self._handle)

    def _take_in(self, lines: list[bytes]) -> None:
        """Load a block of lines at once; one that holds anything unusual is read line by line, which names what is wrong."""
        first = self.last + 1
        plain = _plain(lines, first)
        if plain is None:
            for number, line in enumerate(lines, first):
                self._remember(number, self._parse(number, line))
            return
        found, times = plain
        values = [MISSING if one["value"] is None else one["value"] for one in found]
        self._values.extend(values)
        self._times.extend(times)
        self._sessions.extend([None] * len(found))
        self._digest.update(b"".join(map(canonical_line, values, times, repeat("-"))))
        self._ids.update((one["id"], seq) for seq, one in enumerate(found, first) if one["id"] is not None)

    def _parse(self, number: int, line: bytes) -> Arrival:
        try:
            record: dict[str, Any] = json.loads(line)
            if set(record) > KEYS:
                raise EnvironmentFault(
                    f"{self.path}, line {number}: was written by a newer mimicry (it has {min(set(record) - KEYS)!r}): upgrade mimicry; nothing was changed"
                )
            if set(record) != KEYS or record["seq"] != number:
                raise ValueError(f"keys {sorted(record)}, seq {record.get('seq')}")
            time = None if record["time"] is None else datetime.fromisoformat(record["time"])
            return _arrival(Arrival(record["value"], time, record["session"], record["id"]))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, BadInput) as error:
            raise EnvironmentFault(
                f"{self.path}, line {number}: damaged ({error}); nothing was changed: restore the file, or cut it "
                f"before this line with `head -n {number - 1}`"
            ) from None

    def _assign(self, arrivals: Sequence[Arrival]) -> tuple[list[int], list[tuple[int, Arrival]]]:
        """Return the seq of every arrival, and those that are new."""
        seqs: list[int] = []
        fresh: list[tuple[int, Arrival]] = []
        batch: dict[str, tuple[int, Arrival]] = {}
        for arrival in arrivals:
            seq, known = self._find(arrival, batch)
            if known is None:
                seq = self.last + len(fresh) + 1
                fresh.append((seq, arrival))
                if arrival.id is not None:
                    batch[arrival.id] = (seq, arrival)
            elif _content(known) != _content(arrival):
                raise BadInput(
                    f"draw id {arrival.id!r}: delivered again with other content ({_content(arrival)} instead of "
                    f"{_content(known)}); an id names one draw for ever: use a new id"
                )
            seqs.append(seq)
        return seqs, fresh

    def _find(self, arrival: Arrival, batch: dict[str, tuple[int, Arrival]]) -> tuple[int, Arrival | None]:
        if arrival.id is None:
            return 0, None
        if arrival.id in batch:
            return batch[arrival.id]
        seq = self._ids.get(arrival.id)
        if seq is None:
            return 0, None
        draw = self._draw(seq)
        return seq, Arrival(draw.value, draw.time, draw.session, arrival.id)

    def _draw(self, seq: int) -> Draw:
        value, time, session = self._values[seq - 1], self._times[seq - 1], self._sessions[seq - 1]
        return Draw(seq - 1, None if value == MISSING else value, instant(time), session)

    def _remember(self, seq: int, arrival: Arrival) -> None:
        value = MISSING if arrival.value is None else arrival.value
        self._values.append(value)
        self._times.append(stamp(arrival.time))
        self._sessions.append(arrival.session)
        label = "-" if arrival.session is None else json.dumps(arrival.session)
        self._digest.update(canonical_line(value, self._times[-1], label))
        if arrival.id is not None:
            self._ids[arrival.id] = seq

    def _write(self, data: bytes) -> None:
        if self._handle < 0:
            raise DiskFault(f"{self.path}: the store is closed; open it again")
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]
            os.fsync(self._handle)
        except OSError as error:
            self._undo()
            raise DiskFault(
                f"{self.path}: cannot append ({error.strerror}); nothing was stored: free space and deliver again"
            ) from None
        self._size += len(data)

    def _undo(self) -> None:
        """Cut what a failed batch left, since the next one would be numbered over it; else take no more."""
        try:
            os.ftruncate(self._handle, self._size)
        except OSError:
            self.close()


def _plain(lines: list[bytes], first: int) -> tuple[list[dict[str, Any]], list[int]] | None:
    """Return records and times of lines that are all as `_line` writes them, without a session; None where one is not."""
    try:
        found: list[dict[str, Any]] = json.loads(b"[" + b",".join(lines) + b"]")
        sound = len(found) == len(lines) and all(
            one.keys() == KEYS
            and one["seq"] == seq
            and one["session"] is None
            and (one["id"] is None or _label(one["id"]))
            and (one["value"] is None or (type(one["value"]) is int and 0 <= one["value"] <= LARGEST))
            for seq, one in enumerate(found, first)
        )
        read = datetime.fromisoformat
        times = [NO_TIME if one["time"] is None else stamp(read(one["time"])) for one in found]
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
        return None
    return (found, times) if sound else None


def _label(text: object) -> bool:
    """Say whether a text is a label: without blanks around it, not empty and not the sign of a missing one."""
    return isinstance(text, str) and text.strip() == text and text not in ("", "-")


def _arrival(draw: Arrival | Draw) -> Arrival:
    """Return the draw as an arrival, checked."""
    arrival = draw if isinstance(draw, Arrival) else Arrival(draw.value, draw.time, draw.session)
    value = arrival.value
    if value is not None and (
        not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST
    ):
        raise BadInput(
            f"draw {value!r}: a draw is an integer from 0 to {LARGEST}, or None where it is missing"
        )
    for what, text in (("session", arrival.session), ("id", arrival.id)):
        # a label that importers would read differently must not get in: the digest would change on the way
        if text is not None and not _label(text):
            raise BadInput(
                f"draw {value!r}: {what} {text!r} is not a label; give a text without blanks around it, or None"
            )
    return arrival


def _line(seq: int, arrival: Arrival) -> str:
    time = instant(stamp(arrival.time))
    record = {
        "seq": seq, "value": arrival.value, "time": None if time is None else time.isoformat(),
        "session": arrival.session, "id": arrival.id,
    }  # fmt: skip
    return json.dumps(record) + "\n"


def _content(arrival: Arrival) -> tuple[int | None, int, str | None]:
    return arrival.value, stamp(arrival.time), arrival.session
