"""What was tried on which data, and how it ended: the same data under the same space is not searched twice unasked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from engine.watcher.evaluation import Record

TRIED = "fingerprint.recorded"
KEPT = 20_000
"""Fingerprints held; what was tried before so many others counts as untried, and is at worst searched again."""


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
    def newest(self, kinds: Sequence[str], limit: int) -> Sequence[Any]: ...


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
            for tried in (
                Tried.model_validate(event.data) for event in reversed(journal.newest([TRIED], KEPT))
            )
        }

    def find(self, mark: str) -> Tried | None:
        """Return the last attempt with this fingerprint, or None."""
        return self._tried.get(mark)

    def record(self, tried: Tried) -> None:
        """Put one attempt on the record."""
        self._journal.append(TRIED, tried.model_dump(mode="json"))
        self._tried.pop(tried.fingerprint, None)
        self._tried[tried.fingerprint] = tried
        while len(self._tried) > KEPT:
            del self._tried[next(iter(self._tried))]

    def newest(self) -> list[Tried]:
        """Return every fingerprint with its last outcome, newest first."""
        return list(reversed(self._tried.values()))

    def on(self, data: str) -> list[Tried]:
        """Return what was tried on these data, newest first."""
        return [tried for tried in self.newest() if tried.data == data]

    def __len__(self) -> int:
        return len(self._tried)


class Family(Protocol):
    """What suggestions need of a registered family."""

    @property
    def id(self) -> str:
        """Return the family's id."""

    @property
    def mappings(self) -> tuple[str, ...]:
        """Return its native mappings."""

    @property
    def weight(self) -> float:
        """Return how common it is."""


class Searched(Protocol):
    """What one search says it did; the fields of `analysis/1` that suggestions read."""

    @property
    def excluded(self) -> Sequence[Any]:
        """Return what was searched to its end, with family, mapping and origins."""

    @property
    def not_tested(self) -> Sequence[Any]:
        """Return what was asked and not searched, with family, mapping and reason."""


class Suggestion(Record):
    """One family and mapping that the present data were not, or not wholly, searched for."""

    family: str
    mapping: str
    weight: float
    why: str


def untried(searches: Sequence[Searched], families: Sequence[Family]) -> list[Suggestion]:
    """Suggest what is untried, the most common families first: never asked, asked and not reached, searched in part."""
    found = [
        Suggestion(family=family.id, mapping=mapping, weight=family.weight, why=why)
        for family in families
        for mapping in family.mappings
        if (why := _untried(searches, family.id, mapping)) is not None
    ]
    return sorted(found, key=lambda one: (-one.weight, one.family, one.mapping))


def _untried(searches: Sequence[Searched], family: str, mapping: str) -> str | None:
    """Return what is still open about one pair; None where some search went through all that it asked."""
    excluded = [one for search in searches for one in search.excluded if _is(one, family, mapping)]
    left = [one for search in searches for one in search.not_tested if _is(one, family, mapping)]
    if excluded and not left:
        return None
    if excluded:
        return f"searched in part ({len(excluded)} rectangles); {left[0].reason}"
    return f"not reached: {left[0].reason}" if left else "never searched on these data"


def _is(one: Any, family: str, mapping: str) -> bool:
    return bool(one.family == family and one.mapping in (mapping, "", "*"))
