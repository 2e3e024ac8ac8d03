"""Where draws come from: a file, a directory, a URL, a command. One look at a time; what it finds is durable before it counts.

A source never decides what a draw is worth; it hands arrivals to the one store, which keeps each of them once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.history.source_command import CommandSource
from engine.history.source_files import DirectorySource, FileSource
from engine.history.source_shape import Source
from engine.history.source_url import Cursors, UrlSource

if TYPE_CHECKING:
    from engine.config import HistorySettings


def source_of(settings: HistorySettings, state: Path, cursors: Cursors) -> Source | None:
    """Return the source that the settings name, or None."""
    if settings.file is not None:
        return FileSource(settings.file, settings)
    if settings.directory is not None:
        return DirectorySource(settings.directory, settings)
    if settings.url is not None:
        return UrlSource(settings.url, settings, state, cursors)
    return CommandSource(settings.command, settings, state) if settings.command else None
