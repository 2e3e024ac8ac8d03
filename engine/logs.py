"""The daemon's log: one JSON object a line, UTC, with the ids that tie lines together, rotated; `logs/watcher_agent.log`.

Whoever begins a piece of work binds its ids (`with bound(request="r-7"):`). Tasks and threads begun inside inherit them,
so that each line of that work carries them, whoever wrote it: `grep '"request": "r-7"' watcher_agent.log`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import EnvironmentFault
from engine.secrets import cleaned

FILE = Path("logs") / "watcher_agent.log"
BYTES, KEPT = 5 << 20, 5
TEXT_LIMIT, TRACE_LIMIT = 16 << 10, 64 << 10
"""Characters of one line's text and of its traceback; the middle of a longer one is left out, and that is said."""
IDS = ("request", "run", "step", "decision", "chunk", "call", "command")
"""What lines are tied together by, from the widest work to the narrowest."""

_ids: ContextVar[Mapping[str, str]] = ContextVar("correlation", default={})  # noqa: B039 - never changed in place


@contextlib.contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Tie every line that is logged inside, in tasks and threads begun inside too, to these ids (of `IDS`)."""
    if unknown := ids.keys() - set(IDS):
        raise ValueError(f"correlation id {min(unknown)!r} is unknown; known are {', '.join(IDS)}")
    token = _ids.set({**_ids.get(), **{name: str(value) for name, value in ids.items()}})
    try:
        yield
    finally:
        _ids.reset(token)


def correlation() -> dict[str, str]:
    """Return the ids that are bound here, widest work first."""
    ids = _ids.get()
    return {name: ids[name] for name in IDS if name in ids}


class Lines(logging.Formatter):
    """Formats a record as one JSON line; a traceback becomes one field. No line holds a secret."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; called where the record was logged, so the ids are those of that work."""
        at = (
            datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
        fields = {
            "at": at,
            "level": record.levelname.lower(),
            "source": record.name,
            "text": cleaned(shortened(record.getMessage(), TEXT_LIMIT), self._secrets),
            **correlation(),
        }
        if record.exc_info:
            trace = shortened(self.formatException(record.exc_info), TRACE_LIMIT)
            fields["trace"] = cleaned(trace, self._secrets)
        return json.dumps(fields)


def shortened(text: str, limit: int) -> str:
    """Return a text of at most about `limit` characters: its two ends, and how much lay between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


class LogFile(logging.handlers.RotatingFileHandler):
    """The rotated file; `fault` says why lines are lost, for as long as they are."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=BYTES, backupCount=KEPT, encoding="utf-8")
        self.fault, self.lost = "", 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; the first one that gets through again ends the fault."""
        before = self.lost
        super().emit(record)
        if self.lost == before:
            self.fault = ""

    def handleError(self, record: logging.LogRecord) -> None:
        """Note that a line is lost: the work must not fail for want of its log."""
        import sys

        error = sys.exc_info()[1]
        self.lost += 1
        self.fault = f"log: {getattr(error, 'strerror', None) or error}; {self.lost} lines lost"

    def degraded(self) -> list[str]:
        """Return what is wrong with the log."""
        return [self.fault] if self.fault else []


@contextlib.contextmanager
def to_file(state: Path, secrets: Sequence[str] = ()) -> Iterator[LogFile]:
    """Send the program's own log records, and warnings of libraries, to the file while the block lasts; `secrets` are masked."""
    path = state / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = LogFile(path)
    except OSError as error:
        raise EnvironmentFault(
            f"{path}: cannot write the log ({error.strerror}); check rights and space"
        ) from error
    handler.setFormatter(Lines(secrets))
    handler.addFilter(
        lambda record: record.levelno >= logging.WARNING or record.name.startswith(("mimicry", "engine"))
    )
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
