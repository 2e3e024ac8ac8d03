"""The request inbox: JSON files that any tool drops into `$STATE/watcher_requests/` become requests, each exactly once.

A file is taken when it parses and has not changed for a second. Taking is a rename into `claimed/` under a name that
carries the idempotency key, then a journal row with that key: a crash at any point is finished by the next scan.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pwd
import re
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from engine.dispatch.queue import Queue, parse_request
from engine.errors import BadInput
from state.chain import Event
from state.files import disk_errors, make_folder, sync_directory, write_atomic
from state.journal import Journal
from state.requests import RequestRow

FOLDER = "watcher_requests"
QUIET_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
SIZE_LIMIT = 1 << 20
RESULT_SCHEMA = "request_result/1"
ORIGIN = "inbox"
TAKEN = "inbox.taken"
"""The event of a file that became a request: whose file it was."""
_NAME_KEPT = 150
_CLAIMED = re.compile(r"([0-9a-f]{32})-(.+)", re.DOTALL)


@dataclass
class Scan:
    """What one look at the inbox did: ids of requests queued, rejected and archived."""

    queued: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Seen:
    """A file's signature and when it was first seen so (monotonic seconds)."""

    signature: tuple[int, int, int]
    since: float


class Inbox:
    """Scans one state directory's inbox; one instance per journal."""

    def __init__(
        self, state: Path, journal: Journal, queue: Queue, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder = state / FOLDER
        self.claimed, self.archive = self.folder / "claimed", self.folder / "archive"
        self._journal, self._requests, self._queue, self._clock = journal, journal.requests, queue, clock
        self._seen: dict[str, _Seen] = {}
        self._scanning = threading.Lock()
        for folder in (self.claimed, self.archive):
            with disk_errors(folder, "creating the inbox"):
                make_folder(folder)

    async def watch(
        self, *, interval: float = QUIET_SECONDS, told: Callable[[Scan], None] = lambda scan: None
    ) -> NoReturn:
        """Scan for ever, off the loop; `told` hears of each scan that did something."""
        while True:
            scan = await asyncio.to_thread(self.scan)
            if scan != Scan():
                told(scan)
            await asyncio.sleep(interval)

    def scan(self) -> Scan:
        """Take what is complete, reject what cannot become a request, archive what is finished."""
        with self._scanning:
            return self._scan()

    def _scan(self) -> Scan:
        scan = Scan()
        candidates = self._candidates()
        self._seen = {path.name: self._seen[path.name] for path in candidates if path.name in self._seen}
        for path in candidates:
            if self._ready(path):
                self._claim(path)
        for path in sorted(self.claimed.iterdir(), key=_age):
            self._take(path, scan)
        return scan

    def _candidates(self) -> list[Path]:
        with disk_errors(self.folder, "reading the inbox"):
            found = [
                path
                for path in self.folder.glob("*.json")
                if not path.name.startswith(".") and not path.is_dir()
            ]
        return sorted(found, key=_age)

    # -- from the inbox to claimed/ ---------------------------------------------------------------------------------------

    def _ready(self, path: Path) -> bool:
        """Tell whether a file is complete, or will never be."""
        try:
            info = path.lstat()
        except FileNotFoundError:
            return False  # its writer took it back
        if not stat.S_ISREG(info.st_mode) or info.st_size > SIZE_LIMIT:
            return True
        signature, now = (info.st_ino, info.st_size, info.st_mtime_ns), self._clock()
        seen = self._seen.get(path.name)
        if seen is None or seen.signature != signature:
            seen = self._seen[path.name] = _Seen(signature, now)
        quiet = now - seen.since
        return quiet >= PATIENCE_SECONDS or (quiet >= QUIET_SECONDS and _parses(path))

    def _claim(self, path: Path) -> None:
        """Rename into claimed/ under a key made of name, time and content: the same file again is the same request."""
        with disk_errors(path, "claiming the request"):
            # by bytes, not characters: a name may have 255 of them, and this one gets longer
            kept = os.fsdecode(os.fsencode(path.name)[-_NAME_KEPT:])
            target = self.claimed / f"{_key(path)}-{kept}"
            try:
                path.rename(target)
            except FileNotFoundError:
                return
            sync_directory(self.claimed)
        self._seen.pop(path.name, None)

    # -- from claimed/ to a row, from a row to archive/ -------------------------------------------------------------------

    def _take(self, path: Path, scan: Scan) -> None:
        named = _CLAIMED.fullmatch(path.name)
        if named is None:
            return  # not put here by a claim
        key, name = f"inbox:{named[1]}", named[2]
        row = self._requests.by_key(key)
        if row is None:
            row = self._enter(path, key, name)
            self._journal.append(TAKEN, {"request": row.id, "file": _shown(name), **_owner(path)})
            (scan.rejected if row.state == "rejected" else scan.queued).append(row.id)
        if row.terminal:
            self._archive(path, name, row)
            scan.archived.append(row.id)

    def _enter(self, path: Path, key: str, name: str) -> RequestRow:
        try:
            request = parse_request(_load(path))
        except BadInput as error:
            told = _shown(name)
            return self._queue.refuse("invalid", {"file": told}, f"{told}: {error}", origin=ORIGIN, key=key)
        return self._queue.submit(request, origin=ORIGIN, key=key)

    def _archive(self, path: Path, name: str, row: RequestRow) -> None:
        """Write the result beside the archived file; first the result, so that an archived file always has one."""
        target = self.archive / f"{row.id}-{name}"
        record: dict[str, Any] = {
            "schema": RESULT_SCHEMA,
            "request": row.id,
            "type": row.kind,
            "state": row.state,
            "why": row.why,
        }
        record |= {
            "result": row.result,
            "run": row.run,
            "decision": self._last_decision(row),
            "at": row.at,
            "finished": row.changed,
            "seconds": self._seconds(row),
            "seq": row.seq,
        }
        write_atomic(
            target.with_suffix(".result.json"), (json.dumps(record, indent=1) + "\n").encode("ascii")
        )
        with disk_errors(path, "archiving the request"):
            path.rename(target)
            sync_directory(self.archive)

    def _last_decision(self, row: RequestRow) -> str | None:
        """Return the last decision about a request, as `explain` takes it."""
        found = [event.data["decision"] for event in self._story(row, ("decision",))]
        return str(found[-1]) if found else None

    def _seconds(self, row: RequestRow) -> float | None:
        """Return how long a request was worked on, from its last claim to its end; None if it never was."""
        moves = self._story(row, ("request.claimed", f"request.{row.state}"))
        begun = [event for event in moves if event.kind == "request.claimed"]
        if not begun or begun[-1].boot != moves[-1].boot:
            return None
        return round(moves[-1].mono - begun[-1].mono, 3)

    def _story(self, row: RequestRow, kinds: tuple[str, ...]) -> list[Event]:
        return [event for event in self._journal.story(row.id, role="request") if event.kind in kinds]


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.lstat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name


def _parses(path: Path) -> bool:
    try:
        _load(path)
    except BadInput:
        return False
    return True


def _load(path: Path) -> object:
    """Return a file's JSON; BadInput says why it has none. Links, pipes and devices are not opened."""
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode):
            raise BadInput("is not a regular file (a link, a pipe or a device)")
        if info.st_size > SIZE_LIMIT:
            raise BadInput(f"has {info.st_size} bytes, a request may have {SIZE_LIMIT}")
        data: object = json.loads(_read(path).decode("utf-8"), parse_constant=_no_constant)
        json.dumps(data, ensure_ascii=False).encode(
            "utf-8"
        )  # half a character (a lone surrogate) has no bytes
        return data
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is not JSON: {error}") from error


def _read(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(SIZE_LIMIT + 1)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _owner(path: Path) -> dict[str, Any]:
    """Return who owns a file, which is the nearest to who asked."""
    try:
        uid = path.lstat().st_uid
    except OSError:
        return {"uid": None, "by": "unknown"}
    try:
        return {"uid": uid, "by": f"{pwd.getpwuid(uid).pw_name} (file)"}
    except KeyError:
        return {"uid": uid, "by": f"uid {uid} (file)"}


def _shown(name: str) -> str:
    """Return a file's name as text that can be stored and shown: on disk it may be any bytes."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _key(path: Path) -> str:
    """Return 32 hex digits over name, modification time and content."""
    own = hashlib.sha256(os.fsencode(path.name))
    own.update(f"\0{path.lstat().st_mtime_ns}\0".encode())
    try:
        own.update(_read(path))
    except OSError:
        own.update(b"unreadable")  # it will be rejected; name and time tell it apart
    return own.hexdigest()[:32]
