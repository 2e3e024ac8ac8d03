"""`mimicry dump`: what a bug report needs in one .tar.gz: state, settings, versions, logs, extracts, integrity, stacks; secrets masked.

It works with and without a running engine, and on a broken state: a part that cannot be made is named in the manifest.
Draws, artifacts, model files and private keys are not in it; rows of the journal are, so judged draws are.
"""

from __future__ import annotations

import io
import json
import os
import platform
import sqlite3
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.client import build, call
from engine.config import FILE_NAME, load
from engine.errors import EnvironmentFault, MimicryError
from engine.logs import shortened
from engine.secrets import cleaned, secrets_of
from engine.stacks import text as stacks_text
from engine.version import VERSION
from state import storage
from state.errors import StateError
from state.journal import JOURNAL_NAME, Journal

SCHEMA = "dump/1"
LOG_BYTES, LOG_FILES = 512 << 10, 20
ROWS, CELL = 200, 4096
EVENTS = 1000
FILES = 5000
FAULTS = (OSError, sqlite3.Error, MimicryError, StateError, ValueError)
"""What may be wrong with the state that is looked at; anything else is a fault of this program and is raised."""


@dataclass
class Job:
    """One dump on its way; `full` recomputes the whole hash chain."""

    state: Path
    config: Path | None = None
    full: bool = False
    faults: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        """Return the journal's file."""
        return self.state / JOURNAL_NAME


def write(job: Job, target: Path) -> dict[str, Any]:
    """Write the bundle to `target` (mode 0600, whole or not at all) and return its manifest."""
    job.secrets = _secrets(job)
    name = target.name.removesuffix(".tar.gz")
    parts: dict[str, str] = {}
    for part, make in PARTS.items():
        try:
            made = make(job)
        except FAULTS as error:
            job.faults[part] = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            continue
        parts.update({part: made} if isinstance(made, str) else made)
    parts = {part: cleaned(text, job.secrets) for part, text in parts.items()}
    manifest = {
        "schema": SCHEMA, "at": _utc(time.time()), "version": VERSION, "host": platform.node(), "state": str(job.state),
        "parts": {part: len(text.encode()) for part, text in parts.items()},
        "faults": {part: cleaned(why, job.secrets) for part, why in job.faults.items()},
    }  # fmt: skip
    _pack(target, name, {"manifest.json": _json(manifest), **parts})
    return manifest


def _pack(target: Path, name: str, parts: Mapping[str, str]) -> None:
    fresh = target.with_name(f"{target.name}.part")
    try:
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as archive:
            for part, text in parts.items():
                data = text.encode("utf-8", "replace")
                info = tarfile.TarInfo(f"{name}/{part}")
                info.size, info.mode, info.mtime = len(data), 0o600, int(time.time())
                archive.addfile(info, io.BytesIO(data))
        fresh.replace(target)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise EnvironmentFault(
            f"dump {target}: cannot write ({error.strerror}); give another file: mimicry dump FILE"
        ) from error


# -- the parts --------------------------------------------------------------------------------------------------------


def _status(job: Job) -> str:
    return _json(_asked(job, "snapshot"))


def _stacks(job: Job) -> dict[str, str]:
    found = _asked(job, "stacks")
    return {"stacks.json": _json(found), "stacks.txt": stacks_text(found) + "\n"}


def _asked(job: Job, verb: str) -> dict[str, Any]:
    reply = call(job.state, verb)
    if not reply.ok:
        raise MimicryError(reply.error or f"{verb}: refused")
    return reply.data


def _versions(job: Job) -> str:
    from importlib.metadata import distributions

    from hip_cuda_kernels import host

    found = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
    return _json(
        {
            "mimicry": VERSION, "build": build(), "python": sys.version, "platform": platform.platform(),
            "sqlite": sqlite3.sqlite_version, "kernels": host.isa(), "cores": len(os.sched_getaffinity(0)),
            "packages": dict(sorted(found.items(), key=lambda pair: pair[0].lower())),
        }
    )  # fmt: skip


def _settings(job: Job) -> str:
    rows = [
        {"key": key, "value": value, "from": origin} for key, value, origin in load(_toml(job)).described()
    ]
    return _json({"settings": rows})


def _room(job: Job) -> str:
    path = _toml(job)
    return path.read_text(encoding="utf-8", errors="replace") if path else "# no room.toml: defaults\n"


def _toml(job: Job) -> Path | None:
    own = job.state / FILE_NAME
    return job.config or (own if own.exists() else None)


def _secrets(job: Job) -> list[str]:
    """Return the secrets; those of a file that cannot be read as settings are looked for line by line."""
    try:
        told = [(key, value) for key, value, _ in load(_toml(job)).described()]
    except FAULTS:
        told = _lines(_toml(job))
    return secrets_of(told, os.environ)


def _lines(path: Path | None) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path else ""
    except OSError:
        return []
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return [(key.strip(), value.strip().strip("\"'")) for key, _, value in pairs]


def _logs(job: Job) -> dict[str, str]:
    folder = job.state / "logs"
    files = sorted(
        (path for path in folder.iterdir() if path.is_file() and not path.is_symlink()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    return {f"logs/{path.name}": _tail(path) for path in files[:LOG_FILES]}


def _tail(path: Path) -> str:
    with path.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - LOG_BYTES))
        data = log.read()
    if size > LOG_BYTES:
        data = data[data.find(b"\n") + 1 :]
    return data.decode("utf-8", "replace")


def _files(job: Job) -> str:
    """List the state directory: sizes and times, no content."""
    lines = []
    for folder, _, names in os.walk(job.state):
        for name in sorted(names):
            path = Path(folder) / name
            info = path.lstat()
            lines.append(f"{info.st_size:>14} {_utc(info.st_mtime)} {path.relative_to(job.state)}")
            if len(lines) >= FILES:
                return "\n".join([*lines, f"… and more: the first {FILES} are listed", ""])
    return "\n".join([*lines, ""])


def _tables(job: Job) -> dict[str, str]:
    """Extract the newest rows of every table; raw, so that a journal of any version is read."""
    storage.must_exist(job.journal)
    found: dict[str, str] = {}
    with closing(storage.connect(job.journal, mode="ro")) as db:
        names = [
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        found["journal/schema.json"] = _json(
            {"version": db.execute("PRAGMA user_version").fetchone()[0], "tables": names}
        )
        for name in names:
            if name.startswith("sqlite_") or name == "events":
                continue
            try:
                found[f"journal/{name}.jsonl"] = _extract(db, name, ROWS)
            except sqlite3.Error as error:
                job.faults[f"journal/{name}.jsonl"] = str(error)
        found["journal/events.jsonl"] = _extract(db, "events", EVENTS)
    return found


def _extract(db: sqlite3.Connection, table: str, most: int) -> str:
    """Return the newest rows, oldest first, one JSON object a line; bytes as their number, long texts by their ends."""
    order = "rowid" if _has_rowid(db, table) else "1"
    cursor = db.execute(f'SELECT * FROM "{table}" ORDER BY {order} DESC LIMIT ?', (most,))
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, map(_cell, row), strict=True)) for row in cursor]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in reversed(rows))


def _has_rowid(db: sqlite3.Connection, table: str) -> bool:
    sql = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    return "WITHOUT ROWID" not in sql.upper()


def _cell(value: object) -> object:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return shortened(value, CELL) if isinstance(value, str) else value


def _integrity(job: Job) -> str:
    """Check pages and the chain's tail; with `full` every record. What is wrong is the result, not a failure of the dump."""
    begun = time.monotonic()
    told: dict[str, Any] = {"checked": "whole chain" if job.full else "tail of the chain"}
    try:
        told["schema"] = storage.inspect(job.journal)
        if job.full:
            with Journal.read_only(job.state) as journal:
                told["records"] = journal.verify()
        told["ok"] = True
    except StateError as error:
        told |= {"ok": False, "fault": str(error)}
    return _json(told | {"seconds": round(time.monotonic() - begun, 3)})


def _doctor(job: Job) -> str:
    from engine.doctor import examine

    return _json({"findings": [asdict(one) for one in examine(job.state)]})


PARTS: Mapping[str, Callable[[Job], str | dict[str, str]]] = {
    "status.json": _status,
    "stacks": _stacks,
    "versions.json": _versions,
    "room.toml": _room,
    "settings.json": _settings,
    "doctor.json": _doctor,
    "integrity.json": _integrity,
    "journal": _tables,
    "files.txt": _files,
    "logs": _logs,
}


def default_name(now: datetime | None = None) -> str:
    """Return the file's name where none was given."""
    return f"mimicry-dump-{(now or datetime.now(UTC)).strftime('%Y%m%dT%H%M%SZ')}.tar.gz"


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
