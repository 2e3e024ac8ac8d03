"""This machine's own cards, where room.toml names it as a rig: the engine's workers leave one that is set aside for the CPU, and come back to it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.compute import here
from engine.errors import MimicryError
from engine.rigs.fleet import Fleet
from engine.rigs.machine import Machine, Seat
from engine.rigs.payload import visibility

if TYPE_CHECKING:
    from engine.compute.cluster import Compute
    from engine.compute.place import WorkerInfo
    from engine.config import RigSettings

logger = logging.getLogger(__name__)

LOOK = 0.5
ATTEMPTS = 100
"""Newest tries that are looked through for deaths."""
FATAL = ("died", "hung")


def own_cards(fleet: Fleet) -> tuple[here.Cards | None, list[Own]]:
    """Return the cards of this machine as room.toml describes them, None where it does not, and who sees to each such rig."""
    shown: list[dict[str, str]] = []
    own: list[Own] = []
    mine = [machine for machine in fleet.machines if not machine.settings.remote]
    for machine in mine:
        own.append(Own(machine, fleet, len(shown)))
        shown += _shown(machine.settings)
    slots = min((machine.settings.stagger for machine in mine), default=1)
    delay = max((machine.settings.stagger_delay_s for machine in mine), default=0.0)
    return (here.Cards(tuple(shown), slots, delay) if mine else None), own


def _shown(settings: RigSettings) -> list[dict[str, str]]:
    """Return the variables that show a process one card each, and what else the rig's workers are to have."""
    cuda = settings.backend == "cuda"
    if settings.gpus == "auto":
        found = [env for env in here.gpus() if ("CUDA_VISIBLE_DEVICES" in env) == cuda]
    else:
        known = here.nvidia() if cuda else []
        numbers = (known.index(pci) if pci in known else slot for slot, pci in enumerate(settings.gpus))
        found = [visibility(settings.backend, number) for number in numbers]
    return [{**env, **settings.env} for env in found]


@dataclass(frozen=True)
class Seen:
    """A worker of this machine as its card's row shows it."""

    state: str
    note: str
    pid: int | None

    def look_again(self) -> None:
        """Do nothing: the engine judges its own workers."""


class Own:
    """Sees to the cards of one rig that is this machine itself, for as long as an engine is up. Lives on the engine's loop."""

    def __init__(self, machine: Machine, fleet: Fleet, first: int) -> None:
        """`first` is the number of the worker that owns the first card."""
        self._machine, self._fleet, self._first = machine, fleet, first
        self._task: asyncio.Task[None] | None = None
        self._told = ""
        """When the newest death that was counted ended."""

    def join(self, compute: Compute) -> None:
        """Begin to see to the workers of an engine that has come up."""
        self._told = max((one.at for one in compute.attempts(ATTEMPTS)), default="")
        self._fleet.faults.pop(self._machine.name, None)
        self._task = asyncio.create_task(self._tend(compute), name=f"cards of {self._machine.name}")
        self._task.add_done_callback(self._over)

    def leave(self) -> None:
        """Forget the engine, which ends its workers itself."""
        self._machine.workers = {}
        if self._task is not None:
            self._task.cancel()

    async def _tend(self, compute: Compute) -> None:
        while True:
            try:
                await self.look(compute)
            except (
                MimicryError,
                OSError,
            ) as error:  # a process that did not start or end now; it is tried again
                logger.warning("the cards of %s: %s", self._machine.name, error)
            await asyncio.sleep(LOOK)

    def _over(self, task: asyncio.Task[None]) -> None:
        """Show an end that nobody asked for: it is a fault of ours, and a card that is set aside would work on."""
        if not task.cancelled() and (error := task.exception()) is not None:
            name = self._machine.name
            logger.error("the cards of %s", name, exc_info=error)
            self._fleet.faults[name] = (
                f"rig {name}: nobody sees to its cards: {error!r}; see the log, start the engine anew"
            )

    async def look(self, compute: Compute) -> None:
        """See to every card once."""
        infos = {info.name: info for info in compute.workers()}
        seats = {here.name_of(self._first + seat.slot): seat for seat in tuple(self._machine.seats)}
        found = {seat.slot: infos[name] for name, seat in seats.items() if name in infos}
        self._machine.workers = {
            slot: Seen("ready" if one.alive else "starting", one.note or one.degraded, one.pid)
            for slot, one in found.items()
        }
        self._count_deaths(
            compute, {name: seat for name, seat in seats.items() if name in infos and infos[name].gpu}
        )
        for seat in seats.values():
            if seat.slot in found:
                await self._see_to(compute, seat, found[seat.slot])

    async def _see_to(self, compute: Compute, seat: Seat, info: WorkerInfo) -> None:
        """Move a worker off its card or back to it: at once where the card is quarantined, else after its piece of work."""
        held = self._machine.held(seat.pci)
        if info.gpu == (held is None):
            if info.held:
                compute.hold(info.name, held=False)
        elif info.busy and not (held is not None and held[0]):
            compute.hold(info.name)
        else:
            logger.info(
                "%s: %s", info.name, f"leaves its card: {held[1]}" if held else "comes back to its card"
            )
            await compute.use_card(info.name, held is None)
            compute.hold(info.name, held=False)

    def _count_deaths(self, compute: Compute, seats: dict[str, Seat]) -> None:
        """Count the deaths since the last look against their cards."""
        news = [one for one in compute.attempts(ATTEMPTS) if one.at > self._told]
        self._told = max((one.at for one in news), default=self._told)
        for one in news:
            if one.outcome in FATAL and one.worker in seats:
                self._fleet.died(self._machine, seats[one.worker].pci)
