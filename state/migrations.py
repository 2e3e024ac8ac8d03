"""Schema versions: numbered files, forward only, under the lock, after a copy of the journal."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from state.errors import SchemaTooNew, StateError
from state.files import disk_errors, sync_directory
from state.storage import connect, prepare_writer, translated

SCHEMA = Path(__file__).parent / "schema"
_NUMBERED = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


def versions(schema: Path = SCHEMA) -> dict[int, Path]:
    """Return the migrations by number; the numbers run from 1 without a hole."""
    numbered = sorted(
        (int(match[1]), path) for path in schema.iterdir() if (match := _NUMBERED.fullmatch(path.name))
    )
    if [number for number, _ in numbered] != list(range(1, len(numbered) + 1)):
        raise StateError(
            f"{schema}: migrations must be numbered 0001, 0002, … without a hole, each number once; "
            f"found {[path.name for _, path in numbered]}"
        )
    return dict(numbered)


def create(path: Path, schema: Path = SCHEMA) -> None:
    """Make a new journal aside and rename it into place, so that a crash leaves a whole one or none."""
    fresh = path.with_name(f"{path.name}.new")
    for leftover in (fresh, fresh.with_name(f"{fresh.name}-wal"), fresh.with_name(f"{fresh.name}-shm")):
        leftover.unlink(missing_ok=True)
    with translated(path, "creating the journal"), closing(connect(fresh, mode="rwc")) as db:
        prepare_writer(db)
        _apply(db, versions(schema), 0)
    with disk_errors(path, "creating the journal"):
        fresh.chmod(0o600)
        fresh.replace(path)
        sync_directory(path.parent)


def migrate(path: Path, version: int, schema: Path = SCHEMA) -> Path | None:
    """Bring the journal from `version` to the newest; return the copy made first, or None when it was current."""
    known = versions(schema)
    newest = _not_newer(path, version, max(known))
    if version == newest:
        return None
    kept = path.with_name(f"{path.name}.before-{newest:04d}")
    with translated(path, "migrating the journal"), closing(connect(path)) as db:
        copy(db, kept)
        prepare_writer(db)
        _apply(db, known, version)
    return kept


def must_be_current(path: Path, version: int, schema: Path = SCHEMA) -> None:
    """Raise unless the journal has exactly the schema that this program reads."""
    newest = _not_newer(path, version, max(versions(schema)))
    if version < newest:
        raise StateError(
            f"{path}: schema {version} is older than this program's {newest}; start the daemon once: it migrates"
        )


def _not_newer(path: Path, version: int, newest: int) -> int:
    if version > newest:
        raise SchemaTooNew(
            f"{path}: schema {version} is newer than this program's {newest}; upgrade mimicry; nothing was changed"
        )
    return newest


def copy(db: sqlite3.Connection, target: Path) -> None:
    """Write a consistent copy of an open journal to `target`, durably, replacing an older copy."""
    fresh = target.with_name(f"{target.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with translated(target, "copying the journal"), closing(connect(fresh, mode="rwc")) as other:
            db.backup(other)
        with disk_errors(target, "copying the journal"):
            fresh.chmod(0o600)
            with fresh.open("rb+") as handle:
                os.fsync(handle.fileno())
            fresh.replace(target)
            sync_directory(target.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _apply(db: sqlite3.Connection, known: dict[int, Path], version: int) -> None:
    for number, path in known.items():
        if number <= version:
            continue
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements(path.read_text(encoding="utf-8")):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def statements(script: str) -> Iterator[str]:
    """Split a script into statements without leaving the surrounding transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if any(line.strip() and not line.strip().startswith("--") for line in pending.splitlines()):
        raise StateError(f"migration ends inside a statement: {pending.strip()[:80]}")
