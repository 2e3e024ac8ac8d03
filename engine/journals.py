"""A journal opened for as long as a piece of work lasts; what keeps it shut becomes the engine's one-line error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from engine.errors import EnvironmentFault
from state.errors import StateError
from state.journal import Journal


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[Journal]:
    """Open the journal of `directory` for writing and close it at the end; raise EnvironmentFault if it cannot be opened."""
    try:
        journal = Journal.open(directory)
    except StateError as error:
        raise EnvironmentFault(str(error)) from error
    try:
        yield journal
    finally:
        journal.close()
