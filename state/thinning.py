"""Old records of every draw give their content to an archive and keep their hash: the chain stays whole, the file stops growing.

What a record of these kinds says stands in a projection too (pools, judgements, cursors), or in the draws themselves. A thinned
record keeps number, time, kind and both hashes; its content lies in `archive/records-FIRST-LAST.jsonl.gz`, under the sha-256
that a record of the thinning names, and gives the same hash when it is recomputed. Without a record of its thinning an emptied
one is a changed one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from state import storage
from state.chain import BULK, THINNED_TEXT, Event, event_hash, mismatch
from state.errors import ChainBroken
from state.files import disk_errors, make_folder, write_atomic
from state.store import Store

THINNED = "journal.thinned"
FOLDER = "archive"
BATCH, KEPT = 2000, 1000
"""Records of one archive and transaction, and the newest of each kind that keep their content whatever their age."""


class Chain(Store, Protocol):
    """The journal as thinning sees it."""

    path: Path

    def events(
        self, *, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[Event]:
        """Yield events, oldest first."""

    def last(self, kinds: Sequence[str]) -> Event | None:
        """Return the newest event of these kinds."""


@dataclass(frozen=True)
class Archived:
    """What was thinned: records, archives, and the archives that are not there any more."""

    records: int
    archives: int
    missing: tuple[str, ...]


def thin(journal: Chain, before: str, *, batches: int = 20) -> int:
    """Archive the content of bulk records from before a time (ISO 8601, UTC); return how many, at most `batches` at once."""
    done = 0
    for _ in range(batches):
        found = list(_next(journal, before))
        if not found:
            break
        _archive(journal, found)
        done += len(found)
    return done


def _next(journal: Chain, before: str) -> Iterator[Event]:
    """Yield the oldest bulk records that have their content, from before a time, oldest first, one batch."""
    last = journal.last([THINNED])
    after = 0 if last is None else int(last.data["last"])
    with journal.reading() as db:
        ends = [
            row[0]
            for kind in BULK
            if (
                row := db.execute(
                    "SELECT seq FROM events WHERE kind = ? ORDER BY seq DESC LIMIT 1 OFFSET ?", (kind, KEPT)
                ).fetchone()
            )
        ]
    # One end for all kinds, so that what lies before it is thinned wholly and the next batch goes on behind it.
    end = min(ends, default=0)
    for event in journal.events(after=after, kinds=BULK, limit=BATCH):
        if event.seq > end or event.at >= before:
            return
        yield event


def _archive(journal: Chain, events: list[Event]) -> None:
    first, last = events[0].seq, events[-1].seq
    path = journal.path.parent / FOLDER / f"records-{first}-{last}.jsonl.gz"
    for event in events:
        if (wrong := mismatch(event, event.prev, event.seq)) is not None:
            raise ChainBroken(journal.path, wrong, event.seq)
    content = gzip.compress("".join(_line(event) for event in events).encode("ascii"), 6, mtime=0)
    with disk_errors(path, "archiving records"):
        make_folder(path.parent, mode=0o700)
    write_atomic(path, content)
    told = {
        "first": first,
        "last": last,
        "records": len(events),
        "kinds": list(BULK),
        "archive": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    with journal.transaction() as tx:
        tx.event(THINNED, told)
        _rewrite(tx.db, first, last, {event.seq for event in events})


def _rewrite(db: sqlite3.Connection, first: int, last: int, without: set[int]) -> None:
    """Write a stretch of records anew, some without content: smaller rows in their old pages would free none of them."""
    rows = db.execute("SELECT * FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last)).fetchall()
    names = [column[1] for column in db.execute("PRAGMA table_info(events)")]
    seq, data = names.index("seq"), names.index("data")
    db.execute("DELETE FROM events WHERE seq BETWEEN ? AND ?", (first, last))
    anew = ((*row[:data], THINNED_TEXT, *row[data + 1 :]) if row[seq] in without else row for row in rows)
    db.executemany(f"INSERT INTO events VALUES ({', '.join('?' * len(names))})", anew)


def _line(event: Event) -> str:
    record = {
        "seq": event.seq,
        "at": event.at,
        "boot": event.boot,
        "mono": event.mono,
        "kind": event.kind,
        "data": event.data,
        "prev": event.prev,
        "hash": event.hash,
    }
    return json.dumps(record) + "\n"


def check(journal: Chain, emptied: int) -> Archived:
    """Compare `emptied` records with what was put on record, and read every archive; ChainBroken where one does not fit."""
    told = list(journal.events(kinds=[THINNED]))
    stated = sum(int(event.data["records"]) for event in told)
    if emptied != stated:
        raise ChainBroken(
            journal.path, f"{emptied} records have no content, {stated} were archived: some were emptied", 0
        )
    missing = []
    for event in told:
        path = journal.path.parent / FOLDER / str(event.data["archive"])
        if not path.is_file():
            missing.append(path.name)
            continue
        _check_archive(journal, path, event)
    return Archived(stated, len(told), tuple(missing))


def _check_archive(journal: Chain, path: Path, told: Event) -> None:
    with disk_errors(path, "reading"):
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != told.data["sha256"]:
        raise ChainBroken(path, "its sha-256 is not the one on record: the archive was changed", told.seq)
    with journal.reading() as db:
        query = "SELECT seq, hash FROM events WHERE seq BETWEEN ? AND ?"
        hashes = dict(db.execute(query, (told.data["first"], told.data["last"])).fetchall())
    for record in _records(path, content):
        own = event_hash(
            record["prev"],
            record["seq"],
            record["at"],
            record["boot"],
            record["mono"],
            record["kind"],
            record["data"],
        )
        if own != record["hash"] or hashes.get(record["seq"]) != own:
            raise ChainBroken(path, "its content does not give the hash in the journal", record["seq"])


def _records(path: Path, content: bytes) -> Iterable[dict[str, Any]]:
    try:
        return [json.loads(line) for line in gzip.decompress(content).splitlines()]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ChainBroken(path, f"it is no archive of records ({error})", 0) from error


def emptied(journal: Chain) -> int:
    """Return how many records have no content."""
    marks = ", ".join("?" * len(BULK))
    query = f"SELECT count(*) FROM events WHERE kind IN ({marks}) AND data = ?"
    with storage.translated(journal.path, "reading"), journal.reading() as db:
        return int(db.execute(query, (*BULK, THINNED_TEXT)).fetchone()[0])
