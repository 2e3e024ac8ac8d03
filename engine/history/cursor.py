"""A durable place in the draws: one small file that is replaced whole, so that a crash leaves the old or the new."""

from __future__ import annotations

import json
import re
from pathlib import Path

from engine.errors import DiskFault, EnvironmentFault, UsageError
from state.errors import StateError
from state.files import disk_errors, make_folder, write_atomic
from state.versions import refusal

SCHEMA = "cursor/1"

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


class Cursor:
    """The last draw that a reader finished; it moves forward only, after the reader's own work is durable."""

    def __init__(self, directory: Path, name: str) -> None:
        if not NAME.fullmatch(name):
            raise UsageError(
                f"cursor {name!r}: a name is lower-case letters, digits, `_.-`, at most 64 characters"
            )
        self.path = directory / f"{name}.json"
        self.name, self.position = name, self._load()

    def advance(self, seq: int) -> None:
        """Set the position to `seq` durably; raise UsageError if that goes back."""
        if seq < self.position:
            raise UsageError(
                f"cursor {self.name!r}: {seq} lies before {self.position}; a cursor only goes forward"
            )
        write_json(self.path, {"schema": SCHEMA, "name": self.name, "seq": seq})
        self.position = seq

    def _load(self) -> int:
        try:
            record = json.loads(self.path.read_text())
            seq = record["seq"]
        except FileNotFoundError:
            return 0
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise EnvironmentFault(
                f"{self.path}: not a cursor ({error}); restore it or delete it to start at 0"
            ) from None
        if (
            why := refusal(record.get("schema", SCHEMA), SCHEMA, older="delete it to start at 0")
        ) is not None:
            raise EnvironmentFault(f"{self.path}: {why}")
        if not isinstance(seq, int) or seq < 0:
            raise EnvironmentFault(
                f"{self.path}: seq {seq!r} is not a position; restore it or delete it to start at 0"
            )
        return seq


def write_json(path: Path, record: object, mode: int = 0o600) -> None:
    """Write a JSON file atomically and durably; DiskFault where that cannot be."""
    try:
        with disk_errors(path, "creating the folder"):
            make_folder(path.parent)
        write_atomic(path, (json.dumps(record) + "\n").encode(), mode=mode)
    except StateError as error:
        raise DiskFault(str(error)) from None
