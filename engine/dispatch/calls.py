"""What the record knows of calls to the advisor: which decision rests on one, and how advice and decisions went together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.dispatch.verbs import call_of
from engine.errors import UsageError
from engine.llm.again import NAME
from engine.llm.record import CALL_EVENT
from engine.watcher.agreement import agreement, counted

if TYPE_CHECKING:
    from state.journal import Journal

DECISIONS = 1000
"""The newest decisions that are counted."""
CALLS = 5000
"""The newest calls among which one is looked for."""


class Calls:
    """Reads one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def agreement(self) -> dict[str, int]:
        """Return how the newest decisions stand to the advice on them: agreed, followed, stricter, silent."""
        return counted(agreement(*row) for row in self._journal.decisions.spoken(limit=DECISIONS))

    def call(self, name: str) -> dict[str, Any]:
        """Return a call of the record, the request that it was about, and the decision that rests on it, if one does."""
        found = next(
            (event for event in self._journal.newest([CALL_EVENT], CALLS) if event.data["id"] == name),
            None,
        )
        if found is None:
            told = f"none of the newest {CALLS}" if NAME.fullmatch(name) else "no name of a call"
            raise UsageError(f"call {name!r}: {told}; `mimicry llm calls` lists them")
        about = str(found.data["about"])
        return {
            "call": found.data,
            "request": about or None,
            "decision": self._resting(name, about, found.seq),
        }

    def _resting(self, name: str, about: str, seq: int) -> int | None:
        """Return the first decision on a call's request after it, where no later call stands between the two."""
        after = (row.id for row in self._journal.decisions.caused_by(about) if row.seq > seq)
        number = next(after, None)
        return number if number is not None and call_of(self._journal, number) == name else None
