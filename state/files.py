"""Files that are there whole or not at all: temp file in the same directory, fsync, rename, fsync of the directory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from state.errors import DiskFull, StateUnusable

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_numbers = count(1)


@contextmanager
def disk_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn OSError into DiskFull or StateUnusable that names the path and what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DiskFull(path, doing) from error
        raise StateUnusable(
            f"{path}: {doing} failed: {error.strerror or error}; check the path and its permissions"
        ) from error


def sync_directory(directory: Path) -> None:
    """Make renames inside the directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(directory: Path, *, mode: int = 0o777) -> None:
    """Make a folder and those above it, each durable: a file in a folder whose own name is not synced may vanish with it."""
    if directory.is_dir():
        return
    if directory.parent != directory:
        make_folder(directory.parent)
    directory.mkdir(mode=mode, exist_ok=True)
    sync_directory(directory.parent)


def write_temporary(path: Path, fill: Callable[[BinaryIO], None], *, mode: int | None = None) -> Path:
    """Write a synced temporary file beside `path` and return it; leave nothing when it fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{next(_numbers)}.tmp")
    with disk_errors(path, "writing"):
        try:
            with temporary.open("xb") as handle:
                if mode is not None:
                    os.fchmod(handle.fileno(), mode)
                fill(handle)
                handle.flush()
                os.fsync(handle.fileno())
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    return temporary


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path` durably."""
    with disk_errors(path, "renaming into place"):
        temporary.replace(path)
        sync_directory(path.parent)


def write_atomic(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replace `path` by `content`, whole or not at all; `mode` where the umask is not to decide."""
    temporary = write_temporary(path, lambda handle: _write_all(handle, content), mode=mode)
    try:
        put_in_place(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def sweep_temporaries(directory: Path) -> list[Path]:
    """Remove temporary files whose writer is gone; return what was removed."""
    removed = []
    for path in directory.glob(".*.tmp"):
        pid = path.name.split(".")[-3:-2]
        if pid and pid[0].isdigit() and not Path(f"/proc/{pid[0]}").exists():
            with suppress(FileNotFoundError):
                path.unlink()
                removed.append(path)
    return removed


def _write_all(handle: BinaryIO, content: bytes) -> None:
    handle.write(content)
