"""The draws as an immutable snapshot: values, times, sessions, and a digest that names exactly this history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadInput
from engine.history.samples import Sample

MISSING = -1
NO_TIME = -(2**63)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CANONICAL = b"mimicry history 1\n"
BATCH = 1 << 16

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw; `value` None is a known missing one, `index` its position in the whole history, from 0."""

    index: int
    value: int | None
    time: datetime | None = None
    session: str | None = None


@dataclass(frozen=True, eq=False)
class History:
    """Draws oldest first, as columns; a missing value is -1, a missing time NO_TIME, no session code -1.

    `times` are microseconds since 1970 UTC; `places` say where each draw stood in the source (`place` = "line").
    """

    values: Ints
    times: Ints
    codes: Ints
    labels: tuple[str, ...] = ()
    source: str = ""
    indices: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    places: Ints | None = None
    place: str = "draw"
    known_digest: str | None = None
    sample: Sample | None = None
    """What the rows of numbers were whose ranks the values are."""

    def __post_init__(self) -> None:
        """Number the draws if nobody did, and make the columns read-only."""
        if len(self.indices) != len(self.values):
            object.__setattr__(self, "indices", np.arange(len(self.values), dtype=np.int64))
        for column in (self.values, self.times, self.codes, self.indices, self.places):
            if column is not None:
                column.setflags(write=False)

    @classmethod
    def of(
        cls,
        values: Iterable[int | None],
        times: Sequence[datetime | None] | None = None,
        sessions: Sequence[str | None] | None = None,
        *,
        source: str = "memory",
    ) -> History:
        """Build a history from plain values (None = missing), oldest first."""
        column = np.array([MISSING if value is None else value for value in values], dtype=np.int64)
        stamps = [None] * len(column) if times is None else times
        codes, labels = encode([None] * len(column) if sessions is None else sessions)
        return cls(
            column, np.array([stamp(time) for time in stamps], dtype=np.int64), codes, labels, source=source
        )

    def __len__(self) -> int:
        """Return the number of draws, missing ones included."""
        return len(self.values)

    @cached_property
    def draws(self) -> tuple[Draw, ...]:
        """Return the draws as objects; for many millions of draws use the columns."""
        columns = (self.indices.tolist(), self.values.tolist(), self.times.tolist(), self.codes.tolist())
        return tuple(
            Draw(index, None if value == MISSING else value, instant(time), self.label(code))
            for index, value, time, code in zip(*columns, strict=True)
        )

    def records(self) -> Iterator[str]:
        """Yield the draws as JSON lines with value, time and session, a batch of them at a time."""
        for rows in self._batches():
            yield "".join(self._record(*row) for row in rows)

    def _batches(self) -> Iterator[Iterable[tuple[int, int, int]]]:
        """Yield value, time and code of the draws as plain integers, so many at a time that memory stays bounded."""
        for first in range(0, len(self), BATCH):
            part = slice(first, first + BATCH)
            yield zip(
                self.values[part].tolist(), self.times[part].tolist(), self.codes[part].tolist(), strict=True
            )

    def _record(self, value: int, time: int, code: int) -> str:
        when = instant(time)
        row = {
            "value": None if value == MISSING else value,
            "time": None if when is None else when.isoformat(),
            "session": self.label(code),
        }
        return json.dumps(row) + "\n"

    @property
    def sessions(self) -> tuple[str, ...]:
        """Return the session labels in order of first appearance."""
        return self.labels

    @cached_property
    def digest(self) -> str:
        """Return the sha-256 (hex) of the canonical (value, time, session) lines."""
        if self.known_digest is not None:
            return self.known_digest
        names = [json.dumps(label) for label in self.labels] + ["-"]
        state = hashlib.sha256(CANONICAL)
        for rows in self._batches():
            state.update(b"".join(canonical_line(value, time, names[code]) for value, time, code in rows))
        return state.hexdigest()

    def session(self, label: str) -> History:
        """Return the draws of one session; raise BadInput naming the sessions there are."""
        if label not in self.labels:
            known = ", ".join(self.labels) or "none"
            raise BadInput(f"{self.source}: no session {label!r}; sessions are: {known}")
        return self._take(np.flatnonzero(self.codes == self.labels.index(label)))

    def turn(self, number: int, streams: int) -> History:
        """Return the draws of stream `number` (from 1) if `streams` unlabelled ones take turns."""
        return self._take(np.arange(number - 1, len(self), streams, dtype=np.int64))

    def head(self, count: int) -> History:
        """Return the oldest `count` draws."""
        return self._take(np.arange(min(max(count, 0), len(self)), dtype=np.int64))

    def tail(self, first: int) -> History:
        """Return the draws from number `first` (from 0) on; all of them, as they are, from 0."""
        return self if first <= 0 else self._take(np.arange(min(first, len(self)), len(self), dtype=np.int64))

    def reversed(self) -> History:
        """Return the draws, the newest first."""
        return self._take(np.arange(len(self) - 1, -1, -1, dtype=np.int64))

    def where(self, position: int) -> str:
        """Return where a draw stood in its source, such as `line 12`."""
        number = self.indices[position] + 1 if self.places is None else self.places[position]
        return f"{self.place} {number}"

    def label(self, code: int) -> str | None:
        """Return the session label of a code, None for no session."""
        return None if code < 0 else self.labels[code]

    def _take(self, rows: NDArray[np.intp]) -> History:
        codes, labels = encode([self.label(code) for code in self.codes[rows].tolist()])
        places = None if self.places is None else self.places[rows]
        return History(
            self.values[rows],
            self.times[rows],
            codes,
            labels,
            self.source,
            self.indices[rows],
            places,
            self.place,
            sample=self.sample,
        )


def encode(sessions: Iterable[str | None]) -> tuple[Ints, tuple[str, ...]]:
    """Return session codes and the labels in order of first appearance."""
    known: dict[str, int] = {}
    codes = [-1 if label is None else known.setdefault(label, len(known)) for label in sessions]
    return np.array(codes, dtype=np.int64), tuple(known)


def canonical_line(value: int, time: int, label: str) -> bytes:
    """Return one line of the canonical form; `label` is JSON already, `-` for none."""
    return f"{'-' if value == MISSING else value}\t{'-' if time == NO_TIME else time}\t{label}\n".encode()


def stamp(time: datetime | None) -> int:
    """Return microseconds since 1970 UTC; a time without zone is UTC."""
    if time is None:
        return NO_TIME
    aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return (aware - EPOCH) // timedelta(microseconds=1)


def instant(time: int) -> datetime | None:
    """Return the UTC time of a stamp."""
    return None if time == NO_TIME else EPOCH + timedelta(microseconds=time)
