"""A simulated fleet: the 26 GPUs of our example with invented readings and faults on request. Named so wherever it is shown.

No GPU, no rig, no SSH stands behind it: only the numbers are made up; rules, quarantine, alerts and tables are the real ones.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.config import RigSettings
from engine.errors import UsageError
from engine.rigs.fleet import Fleet, Keeper
from engine.rigs.machine import Machine
from engine.rigs.reading import Card, HostReading, Reading
from engine.rigs.rules import Change

if TYPE_CHECKING:
    from state.journal import Journal

GIB = 1 << 30
PERIOD = 5.0
"""Seconds between two invented readings; a real rig is asked every 15 s."""
FAULTS = ("hot", "lost", "gone", "ecc", "throttle", "down", "heal")
SHAPE: tuple[tuple[str, str, int, int], ...] = (
    # name, backend, GPUs, GiB of host RAM
    ("sim-zeus", "cuda", 2, 64),
    ("sim-rig-6600", "rocm", 12, 8),
    ("sim-rig-6600b", "rocm", 12, 8),
)
LOOSE = ("sim-rig-6600b", 5)
"""The card with the chronic loose connection: PCIe generation 1."""


class SimulatedRig:
    """Invents one rig's readings; `faults` maps a card's number to what is wrong with it, -1 is the rig itself."""

    def __init__(
        self, machine: Machine, gpus: int, ram: int, told: Callable[[Sequence[Change]], None]
    ) -> None:
        """Invent from a seed that the name gives."""
        self.machine, self.faults = machine, dict[int, str]()
        machine.where = "simulated"
        self._ram, self._told, self._begun = ram, told, time.monotonic()
        self._random = random.Random(machine.name)
        self._pci = [_pci(machine.name, slot) for slot in range(gpus)]
        self._bias = [self._random.uniform(-4, 4) for _ in range(gpus)]

    async def run(self) -> None:
        """Give a reading every few seconds, for ever."""
        await asyncio.sleep(self._random.uniform(0, 0.5))
        while True:
            self.look()
            await asyncio.sleep(PERIOD)

    def look(self) -> None:
        """Give one reading, or none while the rig is down."""
        machine = self.machine
        if self.faults.get(-1) == "down":
            machine.drops += machine.link == "up"
            machine.link, machine.error = "down", f"rig {machine.name}: simulated: no answer"
            self._told(machine.silent())
            return
        machine.link, machine.error = "up", ""
        self._told(machine.take(self.reading()))

    def reading(self) -> Reading:
        """Invent a reading of this moment."""
        used = 0.35 + 0.05 * math.sin(time.monotonic() / 60)
        host = HostReading(
            self.machine.name, 4, time.time(), (3, 11, 2), self._ram * GIB, self._ram * GIB * (1 - used),
            0.6 + self._random.random(), time.monotonic() - self._begun, 90.0 * GIB, 120.0 * GIB,
            self._ram * GIB * 0.4, self._ram * GIB * 0.5,
        )  # fmt: skip
        cards = [
            self._card(slot, pci) for slot, pci in enumerate(self._pci) if self.faults.get(slot) != "gone"
        ]
        return Reading(host, tuple(cards), (), True)

    def _card(self, slot: int, pci: str) -> Card:
        fault, rng = self.faults.get(slot), self._random
        if fault == "lost":
            return Card(pci, self._vendor, lost=True)
        edge = 62 + self._bias[slot] + 3 * math.sin(time.monotonic() / 45 + slot) + rng.uniform(-0.5, 0.5)
        edge += 35 if fault == "hot" else 0
        cuda = self.machine.settings.backend == "cuda"
        return Card(
            pci, self._vendor, "RTX 3080 Ti (simulated)" if cuda else "RX 6600 (simulated)", "simulated",
            edge=edge, hotspot=None if cuda else edge + 14, memory_temp=None if cuda else edge + 6,
            power=(290 if cuda else 98) + rng.uniform(-3, 3), clock=(1710 if cuda else 2490) + rng.uniform(-15, 15),
            vram_used=(7.9 if cuda else 5.2) * GIB, vram_total=(12 if cuda else 8) * GIB, busy=94 + rng.uniform(-3, 3),
            link_gen=1.0 if (self.machine.name, slot) == LOOSE else 3.0, link_width=16.0 if cuda else 1.0,
            fan=55.0 if cuda else 1900.0, throttle=fault == "throttle", ecc_ue=2.0 if fault == "ecc" else 0.0,
        )  # fmt: skip

    @property
    def _vendor(self) -> str:
        return "nvidia" if self.machine.settings.backend == "cuda" else "amd"

    def halt(self, generation: int) -> None:
        """Do nothing: nothing runs here."""


class SimulatedFleet(Fleet):
    """The simulated rigs under the real fleet's rules."""

    simulated = True

    def __init__(self, journal: Journal) -> None:
        """Invent the fleet."""
        self._rigs: dict[str, SimulatedRig] = {}
        super().__init__([_settings(name, backend) for name, backend, _, _ in SHAPE], journal)

    def _keeper(self, settings: RigSettings) -> Keeper:
        _, _, gpus, ram = next(shape for shape in SHAPE if shape[0] == settings.name)
        rig = SimulatedRig(Machine(settings, self.quarantine), gpus, ram, self.told)
        self._rigs[settings.name] = rig
        return rig

    def degraded(self) -> list[str]:
        """Say first that all of this is invented."""
        return ["fleet: SIMULATED, no rig and no GPU stands behind it", *super().degraded()]

    def inject(self, target: str, fault: str) -> dict[str, Any]:
        """Let a card (`RIG/PCI`) or a rig fail, or heal it."""
        if fault not in FAULTS:
            raise UsageError(f"rig fault: no fault {fault!r}; {', '.join(FAULTS)}")
        key = self.key(target)
        name, _, pci = key.partition("/")
        rig = self._rigs[name]
        seats = {seat.pci: seat.slot for seat in rig.machine.seats}
        if fault != "heal" and bool(pci) == (fault == "down"):
            raise UsageError(f"rig fault: {fault} is a fault of a {'card' if fault != 'down' else 'rig'}")
        slot = seats[pci] if pci else -1
        rig.faults.pop(slot, None)
        if fault != "heal":
            rig.faults[slot] = fault
        rig.look()
        return {"target": key, "fault": fault, "simulated": True}


def _settings(name: str, backend: str) -> RigSettings:
    return RigSettings.model_validate({"name": name, "host": "local", "backend": backend})


def _pci(rig: str, slot: int) -> str:
    """Return an address; the loose card's is the one of the real rig."""
    return (
        "0000:0f:00.0"
        if (rig, slot) == LOOSE
        else f"0000:{3 + 2 * slot if slot < 6 else 4 + 2 * slot:02x}:00.0"
    )
