"""A journal that somebody changed: its file byte by byte, its events, a cell's key in it, the mirrors and logs beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from engine.compute.attempts import AttemptLog
from engine.playback import Playback
from engine.protocol import Event as WireEvent
from engine.recording import record
from engine.replay import Past
from engine.search.recorded import cell_of
from state.chain import GENESIS
from state.journal import JOURNAL_NAME, Journal
from state.lock import LOCK_NAME, holder
from state.mirrors import _seq_of
from state.storage import as_event, check_run, inspect
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target
from tui.logs import _parsed


@cache
def template() -> bytes:
    """Return the file of a small journal: events, a request, a halt, a chunk."""
    folder = scratch.folder() / "template"
    shutil.rmtree(folder, ignore_errors=True)
    with Journal.open(folder) as journal:
        journal.append("note", {"text": "first"})
        journal.halt_set("now", "why", "who")
        journal.halt_clear("who", "go on")
        journal.bill(
            "lcg48/java|mod|0:999|0:99|0:0|0:0|20/20@0|", 100, {"family": "lcg48/java", "mapping": "mod"}
        )
        journal.chunk_done("sweep", 0, "d", {"seconds": 1.0}, b"result")
        journal.cursors.set("live", 3)
    return (folder / JOURNAL_NAME).read_bytes()


def patched(data: bytes) -> object:
    """Change places of the file (three bytes of place, one of length, the new bytes; again and again), then read all of it."""
    return whole(edited(template(), data))


def edited(content: bytes, data: bytes) -> bytes:
    file, at = bytearray(content), 0
    while at + 4 <= len(data):
        place, size = int.from_bytes(data[at : at + 3], "big") % len(file), data[at + 3]
        new = data[at + 4 : at + 4 + size]
        file[place : place + len(new)] = new
        at += 4 + size
    return bytes(file[: len(content)])


def whole(data: bytes) -> object:
    folder = scratch.folder() / "journal"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (folder / JOURNAL_NAME).write_bytes(data)
    inspect(folder / JOURNAL_NAME)
    with Journal.read_only(folder) as journal:
        seen = journal.verify()
        journal.halt_state(), journal.chunks("sweep"), journal.billed(), journal.cursors.get("live")
        journal.story("sweep"), journal.coverage.rows(), journal.requests.newest(5)
        Past(journal).room(seen)
    return seen


@cache
def recorded() -> tuple[dict[str, Any], bytes]:
    """Return a recording's first line, and the packed journal behind it."""
    template()
    folder = scratch.folder()
    record(folder / "template", folder / "slice.rec")
    line, _, packed = (folder / "slice.rec").read_bytes().partition(b"\n")
    return json.loads(line), packed


def recording(data: bytes) -> object:
    """Look at a recording whose journal was changed in places; its first line is right for what follows."""
    header, packed = recorded()
    packed = zlib.compress(edited(zlib.decompress(packed), data), 1)
    told = {**header, "sha256": hashlib.sha256(packed).hexdigest(), "bytes": len(packed)}
    return played(json.dumps(told).encode() + b"\n" + packed)


def first_line(data: bytes) -> object:
    """Look at a recording of which somebody wrote the first line."""
    return played(data + b"\n" + recorded()[1])


def played(content: bytes) -> object:
    folder = scratch.folder() / "played"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shown = Playback(scratch.file("slice.rec", content), folder)
    try:
        return shown.snapshot().model_dump(), [event.seq for event in shown.events()]
    finally:
        shown.close()


def row(data: bytes) -> object:
    """Read an event as SQLite hands it over, and check it against the chain."""
    kind, _, text = data.decode("utf-8", "replace").partition("\n")
    event = as_event(
        (1, "2026-01-01T00:00:00.000000Z", kind, text, "h", GENESIS, "b", 0.0), Path("journal.db")
    )
    WireEvent(seq=event.seq, at=event.at, kind=event.kind, data=event.data).model_dump_json()
    return check_run(Path("journal.db"), [event], GENESIS, 0)


def cell(data: bytes) -> object:
    family, _, tail = data.decode("utf-8", "replace").partition("\n")
    made = cell_of(family, "mod", tail)
    return made.key


def attempts(data: bytes) -> object:
    return [one.key for one in AttemptLog(scratch.file("attempts.jsonl", data)).newest(9)]


def lock(data: bytes) -> object:
    scratch.file(LOCK_NAME, data)
    return holder(scratch.folder())


def log(data: bytes) -> Any:
    return [
        (entry.level, entry.source) for line in data.split(b"\n") if (entry := _parsed(line, "engine.log"))
    ]


LINE = json.dumps(
    {"at": "2026-01-01T00:00:00.000Z", "level": "info", "source": "mimicry.room", "text": "up", "trace": ""}
).encode()
ATTEMPT = (
    b'{"at":"2026-01-01T00:00:00Z","key":"k","kind":"sieve","number":1,"worker":"w","outcome":"died","code":-9,"seconds":1.0,'
    b'"error":"","words":"","kernel":""}\n'
)
TARGET = Target(
    "journal",
    "the journal's file, its events and keys, mirrors, attempts, lock and logs",
    (
        Reader("patched file", patched, (b"\x00\x00\x1c\x02ab", b"\x00\x10\x00\x08aaaaaaaa", b"")),
        Reader("event", row, (b'note\n{"text": "first"}', b"note\n[]")),
        Reader("cell", cell, (b"lcg48/java\n0:999|0:65535|0:15|0:7|20/20@0|", b"x\n0:9|2026-01-01T00:00..2026-01-02T00:00/s|0:0|1:9 reseed|3/4@1|a|gf2")),
        Reader("mirror's last line", _seq_of, (b'{"seq": 7}', b'{"seq": "x"}'), ()),
        Reader("attempts", attempts, (ATTEMPT,), ()),
        Reader("lock", lock, (b'{"pid": 7, "boot": "b", "since": "s"}',), ()),
        Reader("log", log, (LINE,), ()),
        Reader("recording", recording, (b"\x00\x00\x1c\x02ab", b"")),
        Reader("recording's first line", first_line, (json.dumps(recorded()[0]).encode(), b'{"schema": "recording/2"}')),
    ),
)  # fmt: skip
