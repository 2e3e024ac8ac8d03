"""Which room.toml a verb reads without a daemon: the one that was given, else the state directory's own, else none."""

from __future__ import annotations

from engine.commands.verb import Arguments
from engine.config import FILE_NAME, Settings, load


def room_settings(arguments: Arguments) -> Settings:
    """Return the room's settings."""
    own = arguments.state / FILE_NAME
    given = getattr(arguments, "config", None)
    return load(given or (own if own.exists() else None))
