"""Keeps one draw source running: looks, hands arrivals to the store, backs off where asking costs somebody, shows how it stands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from engine.board import SourceAt
from engine.errors import MimicryError
from engine.history.source_shape import Source, SourceFault
from engine.status import ALERT, utc

if TYPE_CHECKING:
    from engine.history.store import Arrival, DrawStore

LONGEST_PAUSE = 900.0
logger = logging.getLogger("mimicry.source")


class Intake(Protocol):
    """The one door for draws; `engine.feedback.intake.Intake`."""

    @property
    def store(self) -> DrawStore:
        """Return the store, opening it the first time."""

    def append(self, arrivals: Sequence[Arrival], source: str) -> list[int]:
        """Store draws durably, then tell that they came."""


class Ledger(Protocol):
    """The part of the journal that a source needs."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""


class SourceKeeper:
    """Looks at one source for ever."""

    def __init__(self, source: Source, intake: Intake, journal: Ledger, poll: float) -> None:
        """Nothing is asked before `watch`."""
        self._source, self._intake, self._journal, self._poll = source, intake, journal, poll
        self.at = SourceAt(source.name, source.kind)

    async def watch(self) -> NoReturn:
        """Look, pause, and look again."""
        while True:
            await self.look()
            await asyncio.sleep(self.at.pause)

    async def look(self) -> int:
        """Look once; return how many draws came. What goes wrong is shown, told once, and tried again later."""
        self.at.looked = utc()
        try:
            arrivals = await self._source.fetch(lambda: self._intake.store)
            came = await asyncio.to_thread(self._keep, arrivals)
        except MimicryError as error:
            self._failed(str(error), error.wait if isinstance(error, SourceFault) else 0.0)
            return 0
        self.at.state, self.at.error, self.at.failures, self.at.pause = "ok", None, 0, self._poll
        if came:
            self.at.draws, self.at.came = self.at.draws + came, utc()
        return came

    def _keep(self, arrivals: Sequence[Arrival]) -> int:
        """Store what came, and only then let the source forget it."""
        came = 0
        if arrivals:
            before = self._intake.store.last
            self._intake.append(arrivals, f"{self._source.kind} {self._source.name}"[:200])
            came = self._intake.store.last - before
        self._source.taken(lambda: self._intake.store)
        return came

    def _failed(self, error: str, wait: float) -> None:
        self.at.failures += 1
        doubled = self._poll * 2.0 ** min(self.at.failures, 20) if self._source.backs_off else self._poll
        self.at.pause = max(wait, min(doubled, max(self._poll, LONGEST_PAUSE)))
        if error != self.at.error:
            logger.warning("%s %s: %s", self._source.kind, self._source.name, error)
            text = f"source {self._source.kind} {self._source.name}: {error}"
            self._journal.append(ALERT, {"level": "warn", "text": text[:400]})
        self.at.state, self.at.error = "degraded", error


def degraded(at: SourceAt | None) -> list[str]:
    """Return one line while the source is not well."""
    return [at.line()] if at is not None and at.error is not None else []
