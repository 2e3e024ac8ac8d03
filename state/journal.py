"""The journal: one SQLite file, one writer, one hash-chained row per state change; the single truth of a state directory.

Threads: every method may be called from any thread; writes are serialised, reads never wait for a writer.
Durability: when a method that writes returns, the change is on disk; when it raises, nothing of it is.
It never decides anything and never imports the engine.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from state import storage, thinning
from state.approvals import Approvals
from state.chain import BULK, GENESIS, THINNED_DATA, Event, canonical, event_hash
from state.clock import StepWatch, boot_id, monotonic, utc_now
from state.coverage import Coverage
from state.decisions import Decisions
from state.errors import JournalCorrupt, NoJournal, ReadOnlyJournal, StateError
from state.files import disk_errors, make_folder
from state.halts import HaltRow, Halts
from state.ledgers import Bill, ChunkRow, Chunks
from state.lock import StateLock
from state.migrations import copy, create, migrate, must_be_current
from state.predictions import Predictions
from state.requests import RequestRow, Requests
from state.runs import Runs
from state.samples import Samples
from state.settings import Cursors, Parameters

JOURNAL_NAME = "journal.db"
LINK_KEYS = ("request", "decision", "approval", "run", "sweep", "cause")
_PAGE = 500
_NAMES = """
WITH RECURSIVE name(kind) AS (
  SELECT min(kind) FROM events WHERE kind >= ?
  UNION ALL SELECT (SELECT min(kind) FROM events WHERE kind > name.kind) FROM name WHERE name.kind < ?
) SELECT kind FROM name WHERE kind < ?
"""
logger = logging.getLogger("mimicry.journal")


class Transaction:
    """One open transaction: `db` for projections, `event` for the records that justify them."""

    def __init__(self, db: sqlite3.Connection, seq: int, head: str) -> None:
        self.db, self.seq, self.head = db, seq, head
        self.broken = False

    def event(self, kind: str, data: Mapping[str, Any]) -> int:
        """Chain one event and return its sequence number."""
        seq, at, boot, mono = self.seq + 1, utc_now(), boot_id(), monotonic()
        own = event_hash(self.head, seq, at, boot, mono, kind, data)
        row = (seq, at, boot, mono, kind, canonical(data), self.head, own)
        self.db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self.db.execute("UPDATE tip SET seq = ?, hash = ?", (seq, own))
        links = {(str(data[key]), seq, key) for key in LINK_KEYS if data.get(key) is not None}
        self.db.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", links)
        self.seq, self.head = seq, own
        return seq


class Journal:
    """One open journal; get it with `open` (owner, writes) or `read_only` (anybody, reads)."""

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection | None,
        reader: sqlite3.Connection,
        lock: StateLock | None,
    ) -> None:
        self.path = path
        self.session = uuid4().hex
        self._writer, self._reader, self._lock = writer, reader, lock
        self._write_lock, self._read_lock = threading.RLock(), threading.RLock()
        self._current: Transaction | None = None
        self._owner: int | None = None
        self._closed = False
        self._watch = StepWatch()
        self._listeners: list[Callable[[int], None]] = []
        self._seq, self._head = self._tip()
        self.requests, self.decisions, self.predictions = Requests(self), Decisions(self), Predictions(self)
        self.parameters, self.cursors, self.runs = Parameters(self), Cursors(self), Runs(self)
        self.samples, self.coverage = Samples(self), Coverage(self)
        self.approvals = Approvals(self)
        self._halts, self._chunks, self._bill = Halts(self), Chunks(self), Bill(self)

    @classmethod
    def open(cls, directory: Path, *, name: str = JOURNAL_NAME) -> Journal:
        """Take the directory's lock, check and migrate the journal (or create it), and open it for writing."""
        with disk_errors(directory, "creating the state directory"):
            make_folder(directory, mode=0o700)
        lock = StateLock(directory)
        try:
            return cls._open_locked(directory / name, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open_locked(cls, path: Path, lock: StateLock) -> Journal:
        try:
            version = storage.inspect(path)
        except NoJournal:
            create(path)
            version = storage.inspect(path)
        kept = migrate(path, version)
        with storage.translated(path, "opening the journal"):
            writer = storage.connect(path)
            storage.prepare_writer(writer)
            journal = cls(path, writer, storage.connect(path, mode="ro"), lock)
        journal.append(
            "journal.opened",
            {"pid": os.getpid(), "session": journal.session, "migrated_after": kept and kept.name},
        )
        return journal

    @classmethod
    def read_only(cls, directory: Path, *, name: str = JOURNAL_NAME) -> Journal:
        """Open for reading, without the lock, beside a running daemon or after one."""
        path = directory / name
        must_be_current(path, storage.version(path))
        with storage.translated(path, "opening the journal"):
            reader = storage.connect(path, mode="ro")
            return cls(path, None, reader, None)

    @property
    def seq(self) -> int:
        """Return the last event's sequence number."""
        return self._seq if self._writer else self._tip()[0]

    @property
    def head(self) -> str:
        """Return the last event's hash: the chain's head."""
        return self._head if self._writer else self._tip()[1]

    def _tip(self) -> tuple[int, str]:
        with self.reading() as db:
            seq, head = db.execute("SELECT seq, hash FROM tip").fetchone() or (0, GENESIS)
        if not isinstance(seq, int):
            raise JournalCorrupt(self.path, "the record of the chain's tip has no number")
        return seq, str(head)

    # -- reading and writing ------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for short reads; inside this thread's own transaction it sees what that has written."""
        if self._current is not None and self._owner == threading.get_ident():
            yield self._current.db
            return
        with self._read_lock, storage.translated(self.path, "reading"):
            self._must_be_open()
            yield self._reader

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Lend one transaction: all of it is durable at the end, or none; a nested call joins the outer one."""
        with self._write_lock:
            if self._current is not None:
                with self._joined(self._current) as tx:
                    yield tx
                return
            before = self._seq
            with storage.translated(self.path, "writing"), self._begun() as tx:
                yield tx
        if self._seq != before:
            self._tell()

    @contextmanager
    def _joined(self, tx: Transaction) -> Iterator[Transaction]:
        try:
            yield tx
        except BaseException:
            tx.broken = True
            raise

    @contextmanager
    def _begun(self) -> Iterator[Transaction]:
        self._must_be_open()
        if self._writer is None:
            raise ReadOnlyJournal(f"{self.path}: opened read-only; ask the daemon, or open it as its owner")
        db = self._writer
        db.execute("BEGIN IMMEDIATE")
        tx = self._current = Transaction(db, self._seq, self._head)
        self._owner = threading.get_ident()
        try:
            jump = self._watch.step()
            if jump is not None:
                tx.event("clock.step", {"seconds": jump})
            yield tx
            if tx.broken:
                raise StateError(f"{self.path}: a part of this transaction failed; none of it was written")
            db.execute("COMMIT")
            self._seq, self._head = tx.seq, tx.head
        finally:
            self._current = self._owner = None
            if db.in_transaction:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")

    def _must_be_open(self) -> None:
        if self._closed:
            raise StateError(f"{self.path}: the journal is closed; work that outlives the room is a bug")

    def append(
        self, kind: str, data: Mapping[str, Any], *, also: Callable[[sqlite3.Connection], None] | None = None
    ) -> int:
        """Record one state change, and what `also` projects from it, in one transaction; return its sequence number."""
        with self.transaction() as tx:
            seq = tx.event(kind, data)
            if also is not None:
                also(tx.db)
        return seq

    def listen(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Call `callback(seq)` after each commit, in the writing thread; it must be quick. Returns how to stop."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def _tell(self) -> None:
        for callback in tuple(self._listeners):
            try:
                callback(self._seq)
            except (
                RuntimeError
            ):  # its loop is gone; the record is durable and must not look like a failed write
                logger.exception("journal listener failed")

    # -- events -------------------------------------------------------------------------------------------------------

    def events(
        self, *, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[Event]:
        """Yield events with seq > `after`, oldest first; `kinds` takes exact names or prefixes ending in a dot."""
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(_PAGE, left)
            found = self._found(kinds, "seq > ?", after, "ASC", page)
            yield from found
            if len(found) < page:
                return
            after, left = found[-1].seq, None if left is None else left - page

    def last(self, kinds: Sequence[str]) -> Event | None:
        """Return the newest event of these kinds (names or prefixes as in `events`), or None."""
        found = self.newest(kinds, 1)
        return found[0] if found else None

    def newest(
        self, kinds: Sequence[str], limit: int, *, upto: int | None = None, skip: int = 0
    ) -> list[Event]:
        """Return at most `limit` events of these kinds (as in `events`) with seq up to `upto`, newest first, behind `skip`."""
        return self._found(kinds, "seq <= ?", self.seq if upto is None else upto, "DESC", limit, skip)

    def count(self, kinds: Sequence[str], *, upto: int | None = None) -> int:
        """Return how many events of these kinds there are up to `upto`; read from the index alone."""
        names = self._kinds(kinds)
        wanted = ", ".join("?" * len(names))
        query = f"SELECT count(*) FROM events INDEXED BY events_kind WHERE kind IN ({wanted}) AND seq <= ?"
        with self.reading() as db:
            return int(db.execute(query, (*names, self.seq if upto is None else upto)).fetchone()[0])

    def _found(
        self, kinds: Sequence[str] | None, bound: str, seq: int, order: str, limit: int, skip: int = 0
    ) -> list[Event]:
        """Return the first events within a bound and behind `skip`, in an order; each kind is looked up in its own stretch of the index.

        One query over several kinds would have SQLite walk the whole journal in order, or sort all of their events.
        """
        head, tail = f"SELECT {storage.EVENT_COLUMNS} FROM events WHERE", f"ORDER BY seq {order} LIMIT ?"
        if kinds is None:
            return self.query_events(f"{head} {bound} {tail} OFFSET ?", (seq, limit, skip))
        names = self._kinds(kinds)
        part = (
            f"SELECT * FROM (SELECT seq FROM events INDEXED BY events_kind WHERE kind = ? AND {bound} {tail})"
        )
        if not names:
            return []
        values = [value for name in names for value in (name, seq, limit + skip)]
        wanted = " UNION ALL ".join([part] * len(names))
        return self.query_events(f"{head} seq IN ({wanted}) {tail} OFFSET ?", (*values, limit, skip))

    def _kinds(self, kinds: Sequence[str]) -> list[str]:
        """Return the names that `kinds` stand for: a prefix is followed through the index from one name to the next."""
        found = {kind: None for kind in kinds if not kind.endswith(".")}
        for prefix in kinds:
            if prefix.endswith("."):
                with self.reading() as db:
                    rows = db.execute(_NAMES, (prefix, end := prefix[:-1] + "/", end)).fetchall()
                found |= {str(name): None for (name,) in rows if name is not None}
        return list(found)

    def query_events(self, query: str, values: Sequence[object]) -> list[Event]:
        """Return the events that a query over EVENT_COLUMNS finds."""
        with self.reading() as db:
            rows = db.execute(query, tuple(values)).fetchall()
        return [storage.as_event(row, self.path) for row in rows]

    def story(self, subject: str, *, role: str | None = None, limit: int = 1000) -> list[Event]:
        """Return the events that name a subject (request `r-7`, decision `d-12`, run, sweep), oldest first."""
        condition, values = ("", ()) if role is None else (" AND role = ?", (role,))
        columns = ", ".join(f"e.{column.strip()}" for column in storage.EVENT_COLUMNS.split(","))
        query = f"SELECT DISTINCT {columns} FROM links JOIN events e USING (seq) WHERE subject = ?{condition} ORDER BY seq LIMIT ?"
        return self.query_events(query, (subject, *values, limit))

    def verify(self) -> int:
        """Recompute the whole chain, archives included, and return the number of events; raise ChainBroken naming the first bad one."""
        with self.reading() as db:
            storage.quick_check(db, self.path)
            tip = storage.check_tip(db, self.path)
        prev, seq, without = GENESIS, 0, 0
        for event in self.events():
            prev, seq = storage.check_run(self.path, [event], prev, seq)
            without += event.kind in BULK and event.data == THINNED_DATA
            if seq == tip:
                break
        thinning.check(self, without)
        return seq

    def archived(self) -> thinning.Archived:
        """Return how much of the record lies in archives; reads and checks each of them."""
        return thinning.check(self, thinning.emptied(self))

    # -- projections named in the contract --------------------------------------------------------------------------

    def bill(self, key: str, hypotheses: int, detail: Mapping[str, Any]) -> bool:
        """Charge `hypotheses` once per key; return False when that key was charged already."""
        return self._bill.charge(key, hypotheses, detail)

    def billed(self, prefix: str = "") -> int:
        """Return the hypotheses charged so far, over all keys or those that start with `prefix`."""
        return self._bill.total(prefix)

    def chunk_open(self, sweep: str, index: int, spec: Mapping[str, Any]) -> None:
        """Record what a chunk will search; the same chunk may be opened again only with the same spec."""
        self._chunks.open(sweep, {index: spec})

    def chunks_open(self, sweep: str, specs: Mapping[int, Mapping[str, Any]]) -> None:
        """Record what many chunks will search, as one event."""
        self._chunks.open(sweep, specs)

    def chunk_done(self, sweep: str, index: int, digest: str, meta: Mapping[str, Any], result: bytes) -> bool:
        """Store a chunk's result once; return whether this one was accepted."""
        return self._chunks.done(sweep, index, digest, meta, result)

    def chunks(self, sweep: str) -> dict[int, ChunkRow]:
        """Return the finished chunks of a sweep by index."""
        return self._chunks.finished(sweep)

    def chunks_left(self, sweep: str) -> dict[int, dict[str, Any]]:
        """Return the specs of the chunks that were opened and are not finished."""
        return self._chunks.left(sweep)

    def halt_set(self, kind: str, reason: str, by: str) -> HaltRow:
        """Write the one halt row."""
        return self._halts.put(kind, reason, by)

    def halt_reached(self) -> HaltRow | None:
        """Mark that everything stands still; the first mark counts."""
        return self._halts.reach()

    def halt_clear(self, by: str, reason: str = "") -> bool:
        """Remove the halt row; return whether there was one."""
        return self._halts.clear(by, reason)

    def halt_state(self) -> HaltRow | None:
        """Return the halt in force, or None."""
        return self._halts.get()

    def requests_recover(self, *, max_attempts: int = 3) -> list[RequestRow]:
        """Return claims of processes that are gone to the queue; see `Requests.recover`."""
        return self.requests.recover(max_attempts=max_attempts)

    # -- the file -----------------------------------------------------------------------------------------------------

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log in bytes."""
        return storage.wal_bytes(self.path)

    def copy_to(self, target: Path) -> None:
        """Write a consistent, durable copy of the journal to `target` while it is in use."""
        with self._read_lock:
            self._must_be_open()
            copy(self._reader, target)

    def close(self) -> None:
        """Flush telemetry, close the file and free the lock; closing twice is harmless."""
        with self._write_lock, self._read_lock:
            if self._closed:
                return
            try:
                if self._writer is not None:
                    self.samples.flush()
            finally:
                self._closed = True
                self._reader.close()
                if self._writer is not None:
                    self._writer.close()
                if self._lock is not None:
                    self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
