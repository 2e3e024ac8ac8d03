"""All rigs of one room: keeps each of them up on its own, and answers for them: lines, rows, alerts, who is set aside, the halt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import UsageError
from engine.rigs.attempt import Attempt
from engine.rigs.life import Life
from engine.rigs.machine import Machine, Seat
from engine.rigs.payload import Crew
from engine.rigs.quarantine import Quarantine
from engine.rigs.reading import PCI
from engine.rigs.rules import Change
from engine.rigs.staging import Stage
from engine.stacks import name_loop
from engine.status import ALERT
from state.errors import StateError

if TYPE_CHECKING:
    from engine.config import RigSettings
    from engine.protocol import Host
    from state.journal import Journal

logger = logging.getLogger(__name__)
CLEARED, ATTEMPT = "alert.cleared", "rig.attempt"
RULE = "rule"
LOOK = 1.0
AGAIN = 20.0
"""Seconds after which rigs that have not ended are told again, more than each needs to leave: `asyncio.wait_for`, in which asyncssh connects,
swallows a cancellation that comes in the moment of its success.
"""
DUE = 1000
"""Records kept for later while the journal takes none; the oldest give way."""
RECALLED = 4000
"""Newest alert records read at the start; one that has stood for longer is raised again."""


class Keeper(Protocol):
    """What keeps one rig: over SSH, on this machine, or simulated."""

    machine: Machine

    async def run(self) -> None:
        """Keep it up for ever."""

    def halt(self, generation: int) -> None:
        """Stop what runs there."""


class Fleet:
    """The rigs of one room. One rig's trouble never reaches another. What is shown may be read, and asked for, from any thread."""

    simulated = False

    def __init__(
        self,
        rigs: Sequence[RigSettings],
        journal: Journal,
        *,
        refused: Sequence[str] = (),
        crew: Crew | None = None,
    ) -> None:
        """Take the rigs that room.toml names; `refused` are lines about those that it names wrongly."""
        self._journal, self._refused, self._crew = journal, tuple(refused), crew
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._stage = Stage()
        self.faults: dict[str, str] = {}
        """A line on what ended that should not have, by rig."""
        self._due: deque[Callable[[], object]] = deque(maxlen=DUE)
        self.quarantine = Quarantine(journal)
        self.keepers: list[Keeper] = [self._keeper(settings) for settings in rigs]
        self._recall()

    def _recall(self) -> None:
        """Know the alerts that stood when the engine ended, so that they are cleared and not raised again."""
        standing: set[str] = set()
        for event in reversed(self._journal.newest([ALERT, CLEARED], RECALLED)):
            change = standing.add if event.kind == ALERT else standing.discard
            change(str(event.data.get("key", "")))
        for key in standing:
            rule, _, subject = key.partition(":")
            for machine in self.machines:
                if subject.partition("/")[0] == machine.name:
                    machine.recall(rule, subject)

    def _keeper(self, settings: RigSettings) -> Keeper:
        machine = Machine(settings, self.quarantine)
        # This machine's own GPUs are the compute engine's already: its rig is observed only.
        crew = self._crew if settings.remote else None
        return Life(machine, crew=crew, told=self.told, ended=self._ended, stage=self._stage)

    @property
    def machines(self) -> list[Machine]:
        """Return what is known of each rig."""
        return [keeper.machine for keeper in self.keepers]

    async def run(self) -> None:
        """Keep every rig up until cancelled, on a thread and loop of its own: a stalled engine must end no lease and delay no halt."""
        ended: Future[None] = Future()
        self._stopping = False
        thread = threading.Thread(target=self._thread, args=(ended,), name="fleet", daemon=True)
        thread.start()
        try:
            await asyncio.wrap_future(ended)
        finally:
            self._stopping = True
            self._call(self._cancel)
            await asyncio.to_thread(thread.join, AGAIN)
            while thread.is_alive():
                self._call(_cancel_all)
                await asyncio.to_thread(thread.join, AGAIN)

    def _thread(self, ended: Future[None]) -> None:
        try:
            asyncio.run(self._live())
        except asyncio.CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - it is raised again where `run` waits
            with contextlib.suppress(InvalidStateError):
                ended.set_exception(error)

    def _call(self, function: Callable[..., object], *args: object) -> None:
        """Call on the fleet's loop, from any thread; nothing happens while there is none."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(function, *args)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _live(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._stage.renew()
        name_loop("fleet")
        if self._stopping:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._expiry())
            for keeper in self.keepers:
                group.create_task(keeper.run(), name=f"rig {keeper.machine.name}")

    async def _expiry(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            if self._catch_up():
                self._record(self.quarantine.expired)

    # -- what happens -------------------------------------------------------------------------------------------------

    def _record(self, act: Callable[[], object]) -> None:
        """Put something on record; while the journal takes nothing, as on a full disk, it waits: that must end no rig."""
        self._due.append(act)
        self._catch_up()

    def _catch_up(self) -> bool:
        """Put on record what waits; tell whether nothing does."""
        while self._due:
            try:
                self._due[0]()
            except StateError as error:
                logger.warning("%d records of the fleet wait: %s", len(self._due), error)
                return False
            self._due.popleft()
        return True

    def told(self, changes: Sequence[Change]) -> None:
        """Put alerts on the record, and set aside the cards that a rule says so."""
        for change in changes:
            told = {
                "key": change.key,
                "text": change.text,
                "value": change.value,
                "limit": change.rule.raise_at,
            }
            if change.raised:
                self._record(partial(self._journal.append, ALERT, {**told, "level": change.rule.level}))
            else:
                self._record(partial(self._journal.append, CLEARED, told))
            if change.raised and change.rule.quarantine_s is not None and "/" in change.subject:
                why = change.text.removeprefix(f"{change.subject} ")
                by = f"{RULE} {change.rule.name}"
                self._record(partial(self.quarantine.put, change.subject, why, by, change.rule.quarantine_s))

    def _ended(self, attempt: Attempt) -> None:
        self._record(partial(self._journal.append, ATTEMPT, attempt.record()))

    def died(self, machine: Machine, pci: str) -> None:
        """Count a worker's death against a card; from any thread."""
        self._call(lambda: self.told(machine.died(pci)))

    def halt(self, generation: int) -> None:
        """Tell every worker of every rig to stop now; from any thread."""
        for keeper in self.keepers:
            self._call(keeper.halt, generation)

    # -- by hand ------------------------------------------------------------------------------------------------------

    def set_aside(
        self, target: str, reason: str, by: str, *, seconds: float | None, drained: bool
    ) -> dict[str, Any]:
        """Quarantine or drain a rig or a card."""
        key = self.key(target)
        self.quarantine.put(key, reason, by, seconds, drained=drained)
        aside = self.quarantine.of(key)
        return {
            "target": key,
            "state": "drained" if drained else "quarantined",
            "until": aside.until if aside else None,
        }

    def include(self, target: str, reason: str, by: str) -> dict[str, Any]:
        """Let a rig or a card work again."""
        key = self.key(target)
        again = self.look_again(key)
        return {"target": key, "included": self.quarantine.include(key, by, reason) or again}

    def look_again(self, key: str) -> bool:
        """Let refused workers of a rig or a card try again; tell whether there are any."""
        rig, _, pci = key.partition("/")
        refused = [
            worker
            for machine in self.machines
            if machine.name == rig
            for seat in tuple(machine.seats)
            if pci in ("", seat.pci)
            and (worker := machine.workers.get(seat.slot))
            and worker.state == "refused"
        ]
        for worker in refused:
            self._call(worker.look_again)
        return bool(refused)

    def key(self, target: str) -> str:
        """Return the key of `RIG`, `RIG/SLOT` or `RIG/PCI` (also without its domain); UsageError names the nearest."""
        rig, slash, card = target.partition("/")
        machine = next((machine for machine in self.machines if machine.name == rig), None)
        if machine is None:
            names = [machine.name for machine in self.machines]
            raise UsageError(f"no rig {rig!r}; {_nearest(rig, names)}")
        return machine.key(_seat(machine, card).pci) if slash else rig

    # -- what is shown ------------------------------------------------------------------------------------------------

    def hosts(self) -> list[Host]:
        """Return the rigs for the snapshot."""
        return [machine.host() for machine in self.machines]

    def degraded(self) -> list[str]:
        """Return one line per rig that is not up, was left out, or is not seen to."""
        lines = [line for machine in self.machines for line in machine.degraded()]
        return [*self._refused, *lines, *self.faults.values()]

    def rig_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the table `rigs`."""
        return [machine.row() for machine in self.machines]

    def gpu_rows(self) -> list[dict[str, Any]]:
        """Return the rows of the table `gpus`."""
        return [machine.card_row(seat) for machine in self.machines for seat in machine.seats]


def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


def _seat(machine: Machine, card: str) -> Seat:
    for seat in machine.seats:
        if card.lower() in (seat.pci, seat.pci.partition(":")[2], str(seat.slot)):
            return seat
    for pci in (card.lower(), f"0000:{card.lower()}"):
        if not machine.seats and PCI.fullmatch(pci):
            return Seat(-1, pci)  # a rig that was not read yet; its address is taken at its word
    known = [seat.pci for seat in machine.seats]
    raise UsageError(f"rig {machine.name}: no GPU {card!r}; {_nearest(card, known)}")


def _nearest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.0)
    return f"nearest: {', '.join(near)}" if near else "none is known yet"
