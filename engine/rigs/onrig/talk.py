"""Runs on a rig beside the guard: its lines to and from the engine, over a stdin and stdout that never block. Standard library only."""

from __future__ import annotations

import json
import os
import time
from typing import Any

OUT_LIMIT = 4 << 20


class Talk:
    """What the engine says and hears. `gone` says why there is nobody to talk to any more."""

    def __init__(self) -> None:
        self.outbox, self.rest, self.gone = b"", b"", ""
        self.heard = time.monotonic()

    def say(self, **event: Any) -> None:
        """Tell the engine; workers' lines are dropped while it takes nothing, for they are the only ones without a bound."""
        if len(self.outbox) < OUT_LIMIT or event["event"] != "line":
            self.outbox += json.dumps(event).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Write what it takes now."""
        try:
            while self.outbox:
                self.outbox = self.outbox[os.write(1, self.outbox) :]
        except BlockingIOError:
            return
        except OSError:
            self.gone = self.gone or "nobody listens"

    def listen(self) -> list[bytes]:
        """Return the lines that it has said meanwhile."""
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.gone = self.gone or "the engine went"
            return []
        self.heard = time.monotonic()
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines
