"""A journal opened for as long as a piece of work lasts; what keeps it shut becomes the engine's one-line error."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from engine.errors import EnvironmentFault
from state.errors import StateError, StateUnusable
from state.files import disk_errors
from state.journal import Journal


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[Journal]:
    """Open the journal of `directory` for writing and close it at the end; raise EnvironmentFault if it cannot be opened.

    What this process and its children write from then on is their user's alone, whatever umask it was started with, and the
    directory is closed to others.
    """
    os.umask(0o077)
    try:
        if directory.is_dir():
            closed_to_others(directory)
        journal = Journal.open(directory)
    except StateError as error:
        raise EnvironmentFault(str(error)) from error
    try:
        yield journal
    finally:
        journal.close()


def closed_to_others(directory: Path) -> None:
    """Take a directory of ours away from group and others; StateUnusable where it belongs to somebody else."""
    with disk_errors(directory, "closing it to others"):
        info = directory.stat()
        if info.st_uid == os.geteuid() and stat.S_IMODE(info.st_mode) & 0o077:
            directory.chmod(0o700)
    if info.st_uid not in (os.geteuid(), 0):
        raise StateUnusable(
            f"{directory}: belongs to user {info.st_uid}, who could change what is in it; use a directory of your own"
        )
