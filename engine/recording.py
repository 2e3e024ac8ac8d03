"""A recording: a slice of the journal in one file with its version and digest, from which the room can be looked at again.

One line of JSON, then the compressed journal of the slice. From before the slice only the events are kept that say how the
room stood when it begins; every event keeps its own hash, so that each can be checked against its content.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadInput, EnvironmentFault, UsageError
from engine.link import build
from engine.replay import KINDS, Past, moment
from engine.status import host_name, utc
from state.journal import JOURNAL_NAME, Journal

SCHEMA, VERSION = "recording/1", 1
HEADER_LIMIT, BLOCK = 65_536, 1 << 20
MOST = 2 << 30
"""Bytes that a journal may unpack to."""
LEAD = 1800.0
"""Seconds of readings before the slice that its first plots show."""
AFTER = ("decisions", "requests", "runs", "pools", "judgements", "parameter_changes", "approvals", "halt", "coverage", "links")  # fmt: skip
"""Tables whose rows carry the event that made them."""
DROPPED = ("chunks", "bill")
"""Results and the bill: they are of no panel, and large."""


class Moment(BaseModel):
    """One end of a slice."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    seq: int = Field(ge=0)
    at: str


class Header(BaseModel):
    """What a recording says of itself in its first line."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)
    schema_: str = Field(default=SCHEMA, alias="schema")
    build: str
    host: str
    made: str
    test_mode: bool = False
    first: Moment
    last: Moment
    head: str
    events: int
    before: int
    bytes: int
    sha256: str


def record(
    state: Path, target: Path, *, since: str | None = None, until: str | None = None, test_mode: bool = False
) -> Header:
    """Write the slice between two times (UTC; absent = the ends of the journal) to `target`, whole or not at all."""
    target = target.resolve()  # a link stays, what it names is replaced
    if target.exists() and not target.is_file():
        raise EnvironmentFault(f"recording {target}: is there and no file; give another --out")
    try:
        with Journal.read_only(state) as journal, TemporaryDirectory(prefix="recording-") as folder:
            first, last = _ends(journal, since, until)
            copy = Path(folder) / JOURNAL_NAME
            journal.copy_to(copy)
            events, before = _cut(copy, first, last)
            payload, size, digest = Path(folder) / "payload", 0, hashlib.sha256()
            with payload.open("wb") as file:
                for block in _packed(copy):
                    file.write(block)
                    digest.update(block)
                    size += len(block)
            header = Header(
                build=build(), host=host_name(), made=utc(), test_mode=test_mode, first=first, last=last,
                head=_head(copy), events=events, before=before, bytes=size, sha256=digest.hexdigest(),
            )  # fmt: skip
            _check_events(journal.path, Path(folder), header)  # or the recording could never be shown
            _write(target, header, payload)
    except OSError as error:
        raise EnvironmentFault(f"recording {target}: {error.strerror}") from None
    return header


def _ends(journal: Journal, since: str | None, until: str | None) -> tuple[Moment, Moment]:
    past = Past(journal)
    try:
        lo = 1 if since is None else past.seek(None, -1, _before(since)) + 1
        hi = journal.seq if until is None else past.seek(None, -1, until)
    except UsageError as error:
        raise UsageError(f"record: {str(error).removeprefix('past: ')}") from None
    if since is not None and until is not None and moment(since) > moment(until):
        raise UsageError(f"record: --since {since} comes after --until {until}")
    if not 1 <= lo <= hi:
        asked = " ".join(f"--{word} {time}" for word, time in (("since", since), ("until", until)) if time)
        begin, end = (next(journal.events(after=seq - 1, limit=1)).at for seq in (1, journal.seq))
        raise UsageError(f"record: no event within {asked}; the journal holds {begin} to {end}")
    first, last = (next(journal.events(after=seq - 1, limit=1)) for seq in (lo, hi))
    return Moment(seq=first.seq, at=first.at), Moment(seq=last.seq, at=last.at)


def _before(time: str) -> str:
    """Return a time just before another; what is no time is left for the journal to refuse."""
    try:
        return (datetime.fromisoformat(time) - timedelta(milliseconds=1)).isoformat()
    except ValueError:
        return time


def _cut(copy: Path, first: Moment, last: Moment) -> tuple[int, int]:
    """Drop from a copy what the slice does not need; return the events inside it and those kept from before."""
    begins, ends = (datetime.fromisoformat(each.at).timestamp() for each in (first, last))
    kept, values = [], []
    for kind in KINDS:
        kept.append("kind >= ? AND kind < ?" if kind.endswith(".") else "kind = ?")
        values += [kind, f"{kind[:-1]}/"] if kind.endswith(".") else [kind]
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("DELETE FROM events WHERE seq > ?", (last.seq,))
        db.execute(f"DELETE FROM events WHERE seq < ? AND NOT ({' OR '.join(kept)})", (first.seq, *values))
        for table in AFTER:
            db.execute(f"DELETE FROM {table} WHERE seq > ?", (last.seq,))
        for table in DROPPED:
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM links WHERE seq NOT IN (SELECT seq FROM events)")
        db.execute("DELETE FROM samples WHERE at < ? OR at > ?", (begins - LEAD, ends))
        db.execute("UPDATE tip SET seq = ?, hash = (SELECT hash FROM events WHERE seq = ?)", (last.seq,) * 2)
        db.execute("COMMIT")
        (inside,) = db.execute("SELECT count(*) FROM events WHERE seq >= ?", (first.seq,)).fetchone()
        (whole,) = db.execute("SELECT count(*) FROM events").fetchone()
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("VACUUM")
    return int(inside), int(whole) - int(inside)


def _head(copy: Path) -> str:
    with closing(sqlite3.connect(copy)) as db:
        return str(db.execute("SELECT hash FROM tip").fetchone()[0])


def _packed(file: Path) -> Iterator[bytes]:
    packer = zlib.compressobj(6)
    with file.open("rb") as source:
        while block := source.read(BLOCK):
            yield packer.compress(block)
    yield packer.flush()


def _write(target: Path, header: Header, payload: Path) -> None:
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file, payload.open("rb") as source:
            file.write(header.model_dump_json().encode() + b"\n")
            while block := source.read(BLOCK):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


# ── reading ──────────────────────────────────────────────────────────────────


def header_of(file: Path) -> Header:
    """Return what a recording says of itself; BadInput names what is wrong and which side to upgrade."""
    with _read(file) as source:
        return _header(file, source.readline(HEADER_LIMIT))


def unpack(file: Path, folder: Path, *, check: Callable[[int], None] | None = None) -> Header:
    """Put the slice's journal into `folder`; BadInput where its digest or one of its events is not what was recorded."""
    with _read(file) as source:
        header = _header(file, source.readline(HEADER_LIMIT))
        digest, unpacker, written = hashlib.sha256(), zlib.decompressobj(), 0
        with (folder / JOURNAL_NAME).open("wb") as target:
            while block := source.read(BLOCK):
                digest.update(block)
                for plain in _plain(file, unpacker, block):
                    written += target.write(plain)
                    if written > MOST:
                        raise BadInput(
                            f"{file}: unpacks to more than {MOST >> 30} GiB; record a shorter slice"
                        )
    if digest.hexdigest() != header.sha256:
        raise BadInput(
            f"{file}: damaged: sha-256 {digest.hexdigest()[:12]}, recorded was {header.sha256[:12]}; copy it again"
        )
    _check_events(file, folder, header)
    return header


def _plain(file: Path, unpacker: Any, block: bytes) -> Iterator[bytes]:
    """Yield what a block unpacks to, a piece at a time: a block of zeros may hold a thousand times its size."""
    while block:
        try:
            plain = unpacker.decompress(block, BLOCK)
        except zlib.error as error:
            raise BadInput(f"{file}: damaged ({error}); its digest does not hold either") from None
        yield plain
        block = unpacker.unconsumed_tail


def _check_events(file: Path, folder: Path, header: Header) -> None:
    """Recompute every event's hash, and the chain where the events follow each other."""
    from state.chain import GENESIS, mismatch

    with Journal.read_only(folder) as journal:
        before, seq = GENESIS, 0
        for event in journal.events():
            prev = before if event.seq == seq + 1 else event.prev
            if (wrong := mismatch(event, prev, event.seq)) is not None:
                raise BadInput(f"{file}: event {event.seq}: {wrong}")
            before, seq = event.hash, event.seq
        if (seq, before) != (header.last.seq, header.head):
            raise BadInput(f"{file}: ends with event {seq}, its first line says {header.last.seq}")


@contextmanager
def _read(file: Path) -> Iterator[Any]:
    try:
        source = file.open("rb")
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from None
    with source:
        yield source


def _header(file: Path, line: bytes) -> Header:
    try:
        told = json.loads(line)
        schema = str(told["schema"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{file}: not a recording; `mimicry record --out FILE` makes one") from None
    name, _, version = schema.partition("/")
    if name != "recording" or not re.fullmatch("[0-9]{1,9}", version):
        raise BadInput(f"{file}: is a {schema!r}, not a recording")
    if int(version) != VERSION:
        side = "upgrade this program" if int(version) > VERSION else "record it again with this program"
        raise BadInput(f"{file}: recording version {version}, this program reads {VERSION}: {side}")
    try:
        return Header.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(
            f"{file}: first line: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
        ) from None
