"""What the socket's commands do to alerts: acknowledge, mute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.verb_arguments import only

if TYPE_CHECKING:
    from engine.alerts.book import Book
    from engine.protocol import Command
    from engine.server import Handler


def alert_verbs(book: Book) -> Mapping[str, Handler]:
    """Return the handlers by verb."""

    async def ack(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, id=None, reason="")
        entry = book.ack(asked["id"], by, str(asked["reason"] or ""))
        return {"id": entry.id, "text": entry.text, "by": by}

    async def mute(command: Command, by: str) -> dict[str, Any]:
        asked = only(command, id=None, minutes=60, reason="")
        until = book.mute(asked["id"], asked["minutes"], by, str(asked["reason"] or ""), datetime.now(UTC))
        return {"id": asked["id"], "until": until.isoformat(timespec="seconds"), "by": by}

    return {"ack": ack, "mute": mute}
