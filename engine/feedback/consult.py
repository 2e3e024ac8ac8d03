"""After a trigger: ask the advisor what it would change, put every ruling on record, carry out what acceptance accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import BadInput
from engine.feedback.proposals import Past, Proposal, Ruling, judge

if TYPE_CHECKING:
    from engine.parameters import Change, Registry, Value, Who

JUDGED = "proposal.judged"
BY: Who = "code"


class Proposer(Protocol):
    """Whoever may propose: one typed proposal, or None for silence. It never raises for silence."""

    async def propose(self, about: Mapping[str, Any]) -> Proposal | None:
        """Return what should change after a trigger, given health, trigger and parameters."""


class Ledger(Protocol):
    """The part of the journal that rulings need."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def events(self, *, after: int = 0, kinds: Sequence[str] | None = None, limit: int | None = None) -> Any:
        """Yield events."""


class Parameters(Protocol):
    """The room's parameters; `engine.parameters.Parameters`."""

    @property
    def registry(self) -> Registry:
        """Return what is registered."""

    def values(self, prefix: str = "") -> dict[str, Value]:
        """Return current values."""

    def change(self, name: str, value: Value, *, by: Who, why: str, cause: str | None = None) -> Change:
        """Change one value on the record."""


async def consult(
    proposer: Proposer, about: Mapping[str, Any], journal: Ledger, parameters: Parameters, draw: int
) -> list[Ruling]:
    """Ask, judge, record, and change what was accepted; nothing where nobody proposes."""
    try:
        proposal = await proposer.propose({**about, "parameters": parameters.values()})
    except BadInput:
        return []  # an answer out of its grammar is dropped where it was read, and told there
    return [] if proposal is None else settle(proposal, journal, parameters, draw)


def settle(proposal: Proposal, journal: Ledger, parameters: Parameters, draw: int) -> list[Ruling]:
    """Judge one proposal, put it on record, and carry out the accepted changes."""
    rulings = judge(proposal, parameters.registry, parameters.values(), past(journal), draw)
    told = [ruling.model_dump(mode="json") for ruling in rulings]
    seq = journal.append(
        JUDGED, {"draw": draw, "proposal": proposal.model_dump(mode="json"), "rulings": told}
    )
    for ruling in rulings:
        if ruling.outcome == "accept":
            why = f"proposed by {proposal.source}, accepted: {proposal.reason}"[:400]
            parameters.change(ruling.name, ruling.after, by=BY, why=why, cause=str(seq))
    return rulings


def past(journal: Ledger) -> list[Past]:
    """Return the changes that were accepted so far."""
    return [
        Past(ruling["name"], ruling["before"], ruling["after"], event.data["draw"])
        for event in journal.events(kinds=(JUDGED,))
        for ruling in event.data["rulings"]
        if ruling["outcome"] == "accept"
    ]
