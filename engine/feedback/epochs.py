"""Epochs: the stretch of draws that one generator is believed to have made. A noticed change of generator opens the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from state.chain import Event

OPENED = "epoch.opened"


class Epoch(BaseModel):
    """The present epoch: its number from 1, its first draw, and why it began."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = 1
    since: int = 0
    reason: str = "the first draw"

    def alpha(self, alpha: float) -> float:
        """Return the error rate that a search of this epoch may spend.

        The first epoch has all of `alpha`. Looking again after every noticed change is many looks: the later epochs
        share one more `alpha`, 1/2 + 1/6 + 1/12 + …, so a room errs with 2 alpha at most, however often it changes.
        """
        return alpha if self.number == 1 else alpha / (self.number * (self.number - 1))


class Ledger(Protocol):
    """The part of the journal that epochs need."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def last(self, kinds: Sequence[str]) -> Event | None:
        """Return the newest event of these kinds."""


class Epochs:
    """Reads the present epoch from the journal and opens the next one there."""

    def __init__(self, journal: Ledger) -> None:
        """Take up the last epoch."""
        self._journal = journal
        last = journal.last([OPENED])
        self.now = Epoch() if last is None else Epoch.model_validate(last.data["epoch"])

    def next(self, since: int, reason: str) -> Epoch:
        """Return the epoch that a change at draw `since` opens."""
        return Epoch(number=self.now.number + 1, since=since, reason=reason)

    def open(self, epoch: Epoch) -> None:
        """Put the epoch on record; call `settle` once its transaction stands."""
        self._journal.append(OPENED, {"epoch": epoch.model_dump(mode="json")})

    def settle(self, epoch: Epoch) -> None:
        """Let the epoch count."""
        self.now = epoch
