"""What the socket answers about a soak: the status of the one whose daemon this is, None for a room that is in no soak."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.verb_arguments import only

if TYPE_CHECKING:
    from engine.protocol import Command
    from engine.server import Handler

ROOM, STATUS = "room", "status.json"
"""As `engine.soak.ground` names them; this module is imported by every room and stays light."""


def soak_verbs(state: Path) -> Mapping[str, Handler]:
    """Return the handlers by verb."""

    async def soak(command: Command, by: str) -> dict[str, Any]:
        only(command)
        return {"schema": "soak/1", "soak": status(state)}

    return {"soak": soak}


def status(state: Path) -> dict[str, Any] | None:
    """Return what the soak's runner last wrote about itself, None where there is none or it cannot be read."""
    file = state.parent / STATUS
    if state.name != ROOM or not file.is_file():
        return None
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and told.get("schema") == "soak_status/1" else None
