"""The daemon's log: one JSON object a line, UTC, rotated; `logs/watcher_agent.log` under the state directory."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import EnvironmentFault

FILE = Path("logs") / "watcher_agent.log"
BYTES, KEPT = 5 << 20, 5


class Lines(logging.Formatter):
    """Formats a record as one JSON line; a traceback becomes one field."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = (
            datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
        fields = {
            "at": at,
            "level": record.levelname.lower(),
            "source": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields)


@contextlib.contextmanager
def to_file(state: Path) -> Iterator[None]:
    """Send the program's own log records, and warnings of libraries, to the file while the block lasts."""
    path = state / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=BYTES, backupCount=KEPT, encoding="utf-8"
        )
    except OSError as error:
        raise EnvironmentFault(
            f"{path}: cannot write the log ({error.strerror}); check rights and space"
        ) from error
    handler.setFormatter(Lines())
    handler.addFilter(
        lambda record: record.levelno >= logging.WARNING or record.name.startswith(("mimicry", "engine"))
    )
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
