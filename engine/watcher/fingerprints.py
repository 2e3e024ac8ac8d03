"""What was tried on which data, and how it ended: the same data under the same space is not searched twice unasked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from engine.watcher.evaluation import Record

TRIED = "fingerprint.recorded"


class Tried(Record):
    """One attempt: its fingerprint, what it was made of, and the outcome."""

    fingerprint: str
    data: str
    families: tuple[str, ...]
    mappings: tuple[str, ...]
    parameters: dict[str, Any]
    outcome: str
    run: str


class Ledger(Protocol):
    """The part of the journal that the registry needs."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int: ...
    def events(self, *, after: int = 0, kinds: Any = None, limit: Any = None) -> Any: ...


def fingerprint(
    data: str, families: Sequence[str], mappings: Sequence[str], parameters: Mapping[str, Any]
) -> str:
    """Return the sha-256 of what determines a search; the order of families and mappings does not count."""
    body = {
        "data": data,
        "families": sorted(set(families)),
        "mappings": sorted(set(mappings)),
        "parameters": dict(parameters),
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Fingerprints:
    """The registry over the journal; the latest outcome of a fingerprint counts."""

    def __init__(self, journal: Ledger) -> None:
        self._journal = journal
        self._tried = {
            tried.fingerprint: tried
            for tried in (Tried.model_validate(event.data) for event in journal.events(kinds=(TRIED,)))
        }

    def find(self, mark: str) -> Tried | None:
        """Return the last attempt with this fingerprint, or None."""
        return self._tried.get(mark)

    def record(self, tried: Tried) -> None:
        """Put one attempt on the record."""
        self._journal.append(TRIED, tried.model_dump(mode="json"))
        self._tried[tried.fingerprint] = tried

    def __len__(self) -> int:
        return len(self._tried)
