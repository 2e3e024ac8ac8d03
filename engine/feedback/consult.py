"""After a trigger: ask the advisor what it would change, put every ruling on record, carry out what acceptance accepts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from engine.feedback.proposals import WHITELIST, Past, Proposal, Ruling, judge
from engine.feedback.triggers import Fired
from engine.llm.advice import NoAdvice
from engine.llm.questions import CHAPTER13_PROPOSAL
from engine.watcher.review import ALARM, review

if TYPE_CHECKING:
    from engine.llm.advisor import Advisor
    from engine.parameters import Change, Registry, Value, Who

JUDGED, APPROVED = "proposal.judged", "proposal.approved"
PROPOSAL = "proposal"
LOOKED_BACK = 1000
"""Proposals that a ruling looks back on; its rules reach back 200 draws."""
WAITING = 16
"""Triggers that may wait to be asked about; one more and the oldest is not asked about, which is said."""
BY: Who = "code"
Ask = Callable[[Proposal, Sequence[Ruling], int, int], None]
"""Put to a person what acceptance leaves to one: the proposal, its rulings, the draw, the record of the judgement."""


class Ledger(Protocol):
    """The part of the journal that rulings need."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Make what is recorded inside one: all of it, or nothing."""

    def newest(self, kinds: Sequence[str], limit: int) -> Sequence[Any]:
        """Return the newest events of these kinds, newest first."""


class Parameters(Protocol):
    """The room's parameters; `engine.parameters.Parameters`."""

    @property
    def registry(self) -> Registry:
        """Return what is registered."""

    def values(self, prefix: str = "") -> dict[str, Value]:
        """Return current values."""

    def change(self, name: str, value: Value, *, by: Who, why: str, cause: str | None = None) -> Change:
        """Change one value on the record."""


class Consultant:
    """Asks about one trigger after the other, apart from the loop: draws never wait for an answer."""

    def __init__(self, advisor: Advisor, journal: Ledger, parameters: Parameters, person: Ask,
        known: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:  # fmt: skip
        """Ask nothing yet; `person` takes what acceptance leaves to a person, `known()` is what the room knows beside a trigger."""
        self._advisor, self._journal, self._parameters = advisor, journal, parameters
        self._person, self._known = person, known
        self._told: asyncio.Queue[tuple[Fired, int, Mapping[str, Any]]] = asyncio.Queue(WAITING)
        self.passed_over = 0

    def tell(self, fired: Fired, draw: int, health: Mapping[str, Any]) -> None:
        """Have a trigger that fired at a draw asked about; where too many wait, the oldest is passed over."""
        if self._told.full():
            self._told.get_nowait()
            self.passed_over += 1
        self._told.put_nowait((fired, draw, health))

    def degraded(self) -> list[str]:
        """Return what was not asked about."""
        return [f"consultant: {self.passed_over} triggers were not asked about"] if self.passed_over else []

    async def serve(self) -> None:
        """Ask for ever: a service of the room."""
        while True:
            fired, draw, health = await self._told.get()
            await self.consult(fired, draw, health)

    async def consult(self, fired: Fired, draw: int, health: Mapping[str, Any]) -> list[Ruling]:
        """Ask, judge, record, and change what was accepted; nothing where nobody proposes."""
        known = await asyncio.to_thread(self._known)
        parts = {**known, **parts_of(fired, health, self._parameters.values())}
        reply = await self._advisor.ask(CHAPTER13_PROPOSAL, parts, by="chapter 13")
        await review(
            self._advisor, self._journal, ALARM, parts, about=f"{fired.trigger}:{draw}", by="chapter 13"
        )
        said = reply.advice
        if isinstance(said, NoAdvice) or reply.source == "none" or not said.changes:
            return []
        changes = {change.parameter: change.value for change in said.changes}
        proposal = Proposal(source=reply.source, changes=changes, confidence=said.confidence, risk=said.risk,
                            reason=said.reasoning[:500])  # fmt: skip
        return await asyncio.to_thread(settle, proposal, self._journal, self._parameters, draw, self._person)


def parts_of(fired: Fired, health: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """Return what the question is asked over: aggregates only, and the parameters that may be proposed."""
    return {
        "health": {name: value for name, value in health.items() if value is not None},
        "trigger": fired.model_dump(mode="json", exclude_none=True),
        "parameters": {name: value for name, value in values.items() if name in WHITELIST},
    }


def settle(
    proposal: Proposal, journal: Ledger, parameters: Parameters, draw: int, person: Ask
) -> list[Ruling]:
    """Judge one proposal and put it on record; carry out what is accepted, put to a person what is left to one: all of it, or nothing."""
    rulings = judge(proposal, parameters.registry, parameters.values(), past(journal), draw)
    left = [ruling for ruling in rulings if ruling.outcome == "ask"]
    with journal.transaction():
        seq = journal.append(JUDGED, _told(draw, proposal, rulings))
        if left:
            person(proposal, left, draw, seq)
        for ruling in rulings:
            if ruling.outcome == "accept":
                why = f"proposed by {proposal.source}, accepted: {proposal.reason}"[:400]
                parameters.change(ruling.name, ruling.after, by=BY, why=why, cause=str(seq))
    return rulings


def _told(draw: int, proposal: Proposal, rulings: Sequence[Ruling]) -> dict[str, Any]:
    return {
        "draw": draw,
        "proposal": proposal.model_dump(mode="json"),
        "rulings": [ruling.model_dump(mode="json") for ruling in rulings],
    }


def past(journal: Ledger) -> list[Past]:
    """Return the changes that were accepted so far, by the rules or by a person."""
    return [
        Past(ruling["name"], ruling["before"], ruling["after"], event.data["draw"])
        for event in reversed(journal.newest([JUDGED, APPROVED], LOOKED_BACK))
        for ruling in event.data["rulings"]
        if ruling["outcome"] == "accept"
    ]
