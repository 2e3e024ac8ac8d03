"""SQLite at arm's length: how a journal file is opened, checked before anything is written, and how its errors read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from state.chain import GENESIS, Event, mismatch
from state.errors import (
    ChainBroken,
    DiskFull,
    JournalCorrupt,
    NoJournal,
    ReadOnlyJournal,
    StateError,
    StateUnusable,
)

QUICK_CHECK_BYTES = 64 << 20
TAIL_EVENTS = 256
WAL_KEPT_BYTES = 8 << 20
BUSY_SECONDS = 5.0
CACHE_KIB = 512
"""Pages that a connection keeps for itself: the system's cache holds the file, and 2 MB of each, SQLite's own measure, fill over hours."""
_DAMAGED_TEXTS = ("Could not decode to UTF-8", "unsupported file format")
"""Damage that Python's binding and SQLite tell without a code of their own."""
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
EVENT_COLUMNS = "seq, at, kind, data, hash, prev, boot, mono"


def connect(path: Path, *, mode: str = "rw") -> sqlite3.Connection:
    """Open one connection in autocommit (transactions are explicit); mode is ro, rw or rwc."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_SECONDS,
    )
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return db


def prepare_writer(db: sqlite3.Connection) -> None:
    """Set what the one writer promises: WAL, and every commit on disk before it returns."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn SQLite's errors into one line that names the file; programming errors stay what they are."""
    try:
        yield
    except UnicodeDecodeError as error:  # of a message of SQLite's own that quotes damaged bytes
        raise JournalCorrupt(path, f"text that is no UTF-8 ({error.reason})") from error
    except json.JSONDecodeError as error:  # of a cell, read where it is fetched
        raise JournalCorrupt(path, f"a cell that is no JSON ({error})") from error
    except sqlite3.Error as error:
        told = _told(error, path, doing)
        if told is None:
            raise
        raise told from error


def _told(error: sqlite3.Error, path: Path, doing: str) -> StateError | None:
    full = getattr(error, "sqlite_errorcode", None)
    code = None if full is None else full & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(path, doing)
    if code in _DAMAGE or full == sqlite3.SQLITE_IOERR_SHORT_READ or str(error).startswith(_DAMAGED_TEXTS):
        return JournalCorrupt(path, ascii(str(error))[1:-1])
    if code == sqlite3.SQLITE_READONLY:
        return ReadOnlyJournal(f"{path}: cannot write while {doing}: {error}; check the file's permissions")
    if code == sqlite3.SQLITE_BUSY:
        return StateUnusable(
            f"{path}: another program keeps the file locked while {doing}; close it and try again"
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
        return StateUnusable(f"{path}: {doing} failed: {error}; check the disk, the path and its permissions")
    return None


def must_exist(path: Path) -> None:
    """Raise unless a plausible journal file is there; an empty file is a truncated one, never a new one."""
    if path.is_file():
        if path.stat().st_size == 0:
            raise JournalCorrupt(path, "the file is empty (truncated)")
        return
    if path.exists() or path.is_symlink():
        raise StateUnusable(f"{path}: is not a regular file; move it away")
    if path.with_name(path.name + "-wal").exists():
        raise JournalCorrupt(path, "the file is gone but its write-ahead log is there")
    raise NoJournal(f"{path}: there is no journal; start the daemon or give the right --state DIR")


def version(path: Path) -> int:
    """Return the schema version of an existing journal."""
    must_exist(path)
    with translated(path, "opening the journal"), closing(connect(path, mode="ro")) as db:
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found < 1:
        raise JournalCorrupt(path, "it is an SQLite file, but not a journal of mimicry")
    return found


def inspect(path: Path) -> int:
    """Check an existing journal through a read-only connection and return its schema version; write nothing."""
    found = version(path)
    with translated(path, "checking the journal"), closing(connect(path, mode="ro")) as db:
        if path.stat().st_size <= QUICK_CHECK_BYTES:
            quick_check(db, path)
        check_tail(db, path)
    return found


def quick_check(db: sqlite3.Connection, path: Path) -> None:
    """Let SQLite look for damaged pages; seconds per gigabyte."""
    found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise JournalCorrupt(path, " ".join(found.split()))


def check_tail(db: sqlite3.Connection, path: Path, count: int = TAIL_EVENTS) -> None:
    """Verify the chain's tip and the last `count` events."""
    check_tip(db, path)
    rows = db.execute(
        f"SELECT {EVENT_COLUMNS} FROM events ORDER BY seq DESC LIMIT ?", (count + 1,)
    ).fetchall()
    events = [as_event(row, path) for row in reversed(rows)]
    if len(events) <= count:
        check_run(path, events, GENESIS, 0)
    else:
        check_run(path, events[1:], events[0].hash, events[0].seq)


def check_run(path: Path, events: list[Event], prev: str, seq: int) -> tuple[str, int]:
    """Verify consecutive events after (`prev`, `seq`); return the new end or raise ChainBroken naming the event."""
    for event in events:
        wrong = mismatch(event, prev, seq + 1)
        if wrong is not None:
            raise ChainBroken(path, wrong, seq + 1)
        prev, seq = event.hash, event.seq
    return prev, seq


def check_tip(db: sqlite3.Connection, path: Path) -> int:
    """Verify, in one read, that the recorded tip is the last event; return its sequence number."""
    query = "SELECT tip.seq, tip.hash, e.seq, e.hash FROM tip LEFT JOIN (SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1) e"
    row = db.execute(query).fetchone()
    if row is None:
        raise ChainBroken(path, "the record of the chain's tip is gone")
    tip, last = (row[0], row[1]), (row[2] or 0, row[3] or GENESIS)
    if tip != last:
        raise ChainBroken(
            path,
            f"the recorded tip is event {tip[0]}, but the last event is {last[0]}: events were removed",
            last[0],
        )
    return int(tip[0])


def as_event(row: tuple[int, str, str, str, str, str, str, float], path: Path) -> Event:
    """Build the event of one row; raise ChainBroken when a cell has another type or its data is not a JSON object."""
    seq, at, kind, text, own, prev, boot, mono = row
    if not all(isinstance(one, str) for one in row[1:7]) or not isinstance(mono, (int, float)):
        raise ChainBroken(path, "a cell of it has another type", seq if isinstance(seq, int) else None)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ChainBroken(path, f"its data is not JSON ({error})", seq) from error
    if not isinstance(data, dict):
        raise ChainBroken(path, "its data is not a JSON object", seq)
    return Event(seq=seq, at=at, kind=kind, data=data, hash=own, prev=prev, boot=boot, mono=mono)


def wal_bytes(path: Path) -> int:
    """Return the size of the write-ahead log in bytes."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0
