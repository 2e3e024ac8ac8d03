"""Recurring work: a request for each firing of an entry in room.toml, each firing once; what was missed becomes one.

Firings go by UTC. How far an entry got is a cursor in the journal, written with the request in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from engine.dispatch.cron import Cron
from engine.dispatch.forms import AnyRequest, parse_request
from engine.errors import BadInput, MimicryError, UsageError

if TYPE_CHECKING:
    from engine.config import ScheduleSettings
    from engine.dispatch.queue import Queue
    from state.journal import Journal
    from state.requests import RequestRow

LOOK_SECONDS = 5.0
FIRED, COALESCED = "schedule.fired", "schedule.coalesced"
Clock = Callable[[], datetime]


def utc_clock() -> datetime:
    """Return the wall time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Entry:
    """One recurring request, parsed."""

    name: str
    cron: Cron
    request: AnyRequest

    @property
    def origin(self) -> str:
        """Return the origin of its requests."""
        return f"schedule {self.name}"

    @property
    def cursor(self) -> str:
        """Return the name of its cursor."""
        return f"schedule.{self.name}"

    def key(self, firing: datetime) -> str:
        """Return the idempotency key of one firing."""
        return f"schedule:{self.name}:{stamp(firing)}"


def parse_schedule(settings: Sequence[ScheduleSettings]) -> tuple[Entry, ...]:
    """Return the entries; BadInput names the entry and what is wrong with it."""
    entries: dict[str, Entry] = {}
    for one in settings:
        try:
            if one.name in entries:
                raise UsageError("another entry has this name")
            entries[one.name] = Entry(one.name, Cron.parse(one.cron), parse_request(_unfrozen(one.request)))
        except MimicryError as error:
            raise BadInput(f"room.toml: schedule {one.name!r}: {error}") from error
    return tuple(entries.values())


class Scheduler:
    """Fires the entries of one room."""

    def __init__(
        self,
        journal: Journal,
        queue: Queue,
        entries: Sequence[Entry],
        *,
        told: Callable[[], None] = lambda: None,
        clock: Clock = utc_clock,
    ) -> None:
        """`told()` hears of each new request."""
        self._journal, self._queue, self.entries = journal, queue, tuple(entries)
        self._told, self._clock = told, clock

    async def watch(self) -> NoReturn:
        """Look for ever; a firing comes at most some seconds after its minute has begun."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> list[str]:
        """Fire what is due; return the new requests."""
        made = [row.id for entry in self.entries if (row := self._fire(entry)) is not None]
        if made:
            self._told()
        return made

    def _fire(self, entry: Entry) -> RequestRow | None:
        """Fire one entry if a firing lies between its cursor and now. A clock set back waits until it has caught up."""
        now = self._clock()
        last = self._journal.cursors.get(entry.cursor)
        if last is None:
            self._journal.cursors.set(entry.cursor, stamp(now))
            return None
        due = entry.cron.before(now)
        done = datetime.fromisoformat(last)
        if due is None or due <= done:
            return None
        missed = entry.cron.between(done, due) - 1
        with self._journal.transaction() as tx:
            self._journal.cursors.set(entry.cursor, stamp(due))
            data = {"name": entry.name, "firing": stamp(due), "missed": missed}
            before = self._journal.requests.of_origin(entry.origin)
            if before is not None and not before.terminal:
                why = f"{before.id} of an earlier firing is still {before.state}"
                tx.event(COALESCED, {**data, "request": before.id, "why": why})
                return None
            row = self._submit(entry, due, missed)
            tx.event(FIRED, {**data, "request": row.id, "why": row.why})
        return row

    def _submit(self, entry: Entry, due: datetime, missed: int) -> RequestRow:
        told = f"due {stamp(due)}" + (f", {missed} missed firings coalesced into it" if missed else "")
        reason = f"{entry.request.reason}; {told}" if entry.request.reason else told
        asked = entry.request.model_copy(update={"reason": reason[:500], "origin": None})
        return self._queue.submit(asked, origin=entry.origin, key=entry.key(due))


def stamp(at: datetime) -> str:
    """Return a moment as text, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _unfrozen(request: dict[str, object]) -> dict[str, object]:
    """Return the request with lists where TOML gave tuples."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in request.items()}
