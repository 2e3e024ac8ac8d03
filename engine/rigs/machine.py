"""What is known of one rig: its last reading and its age, its cards' states, what is raised, what is set aside. No I/O."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from engine.protocol import Host, Light
from engine.rigs.quarantine import Aside, Quarantine
from engine.rigs.reading import Card, Reading
from engine.rigs.rules import CARD_RULES, HOST_RULES, HOUR, Change, Watch

if TYPE_CHECKING:
    from engine.config import RigSettings

LinkState = Literal["connecting", "up", "down"]
LATE = 60.0
"""Seconds after which a reading is too old to call a card well."""
BUSY_ENOUGH = 50.0
"""Per cent of use above which a PCIe link is judged: idle cards slow theirs down to save power."""

VENDORS = {"cuda": "nvidia", "rocm": "amd"}
BARE = "no GPU on its bus: `mimicry doctor` says what to do"


class WorkerView(Protocol):
    """What is shown of a worker."""

    @property
    def state(self) -> str:
        """Return its state."""

    @property
    def note(self) -> str:
        """Return why it is not ready."""

    @property
    def pid(self) -> int | None:
        """Return its pid on the rig."""

    def look_again(self) -> None:
        """Try it again where it was refused: somebody has seen to it."""


@dataclass
class Seat:
    """One card of the rig: its number, its address, what its link can do, which old fault the kernel's log named already."""

    slot: int
    pci: str
    best_link: float = 0.0
    old_fault: str | None = None


class Machine:
    """One rig as viewers and rules see it."""

    def __init__(
        self, settings: RigSettings, quarantine: Quarantine, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Know nothing yet but the settings."""
        self.settings, self.quarantine = settings, quarantine
        self.where = f"{settings.user}@{settings.host}:{settings.port}" if settings.remote else "here"
        self.link: LinkState = "connecting"
        self.error = ""
        self.reading: Reading | None = None
        self.seats: list[Seat] = (
            [] if settings.gpus == "auto" else [Seat(slot, pci) for slot, pci in enumerate(settings.gpus)]
        )
        self.workers: Mapping[int, WorkerView] = {}
        self.deaths: dict[str, deque[float]] = {}
        self.drops = 0
        """How often the link was lost."""
        self.calls: Callable[[], int] = lambda: 0
        self._clock = clock
        self._read_at = self._begun = clock()
        self._cards, self._hosts = Watch(CARD_RULES), Watch(HOST_RULES)

    @property
    def name(self) -> str:
        """Return the rig's name."""
        return self.settings.name

    def key(self, pci: str) -> str:
        """Return how quarantine names a card."""
        return f"{self.name}/{pci}"

    @property
    def age(self) -> float:
        """Return the seconds since the last reading, infinite before the first."""
        return math.inf if self.reading is None else self._clock() - self._read_at

    @property
    def waited(self) -> float:
        """Return the seconds since the last reading, or without any reading yet."""
        return self._clock() - (self._read_at if self.reading else self._begun)

    # -- readings and rules -------------------------------------------------------------------------------------------

    def take(self, reading: Reading) -> list[Change]:
        """Take in a reading; return the alerts that it raises and clears."""
        first = self.reading is None
        self.reading, self._read_at = reading, self._clock()
        if not self.seats:
            self.seats = [Seat(slot, card.pci) for slot, card in enumerate(reading.cards)]
        changes = []
        for seat in self.seats:
            card = reading.card(seat.pci)
            if first and card is not None:
                seat.old_fault = card.fault
            changes += self._cards.judge(self.key(seat.pci), self._card_metrics(seat, card), self._clock())
        return changes + self._hosts.judge(self.name, self._host_metrics(reading), self._clock())

    def recall(self, rule: str, subject: str) -> None:
        """Know that an alert of this rig or of one of its cards stands."""
        (self._cards if "/" in subject else self._hosts).recall(rule, subject)

    def silent(self) -> list[Change]:
        """Judge that there is still no reading; return the alerts that this raises."""
        return self._hosts.judge(self.name, {"age": self.waited}, self._clock())

    def died(self, pci: str) -> list[Change]:
        """Count a worker's death against its card; return the alerts that this raises."""
        self.deaths.setdefault(pci, deque(maxlen=100)).append(self._clock())
        return self._cards.judge(self.key(pci), {"flaps": self.flaps(pci)}, self._clock())

    def flaps(self, pci: str) -> int:
        """Return how many workers died on a card within the hour."""
        return sum(self._clock() - at < HOUR for at in tuple(self.deaths.get(pci, ())))

    def _card_metrics(self, seat: Seat, card: Card | None) -> dict[str, float | None]:
        if card is None:
            return {"gone": 1.0}
        link = (card.link_gen or 0) * (card.link_width or 0)
        seat.best_link = max(seat.best_link, link)
        judged = link and card.busy is not None and card.busy > BUSY_ENOUGH
        full = card.vram_used is not None and card.vram_total
        return {
            "gone": 0.0, "lost": float(card.lost), "hotspot": card.hotspot, "edge": card.edge,
            "memory_temp": card.memory_temp, "throttle": None if card.throttle is None else float(card.throttle),
            "vram_share": card.vram_used / card.vram_total if full and card.vram_used and card.vram_total else None,
            "ecc_ue": card.ecc_ue, "fault": float(card.fault not in (None, seat.old_fault)),
            "link_share": link / seat.best_link if judged else None, "flaps": self.flaps(seat.pci),
        }  # fmt: skip

    def _host_metrics(self, reading: Reading) -> dict[str, float | None]:
        host, reserve = reading.host, self.settings.ram_reserve_mb << 20
        return {
            "ram_spare": None if host.ram_free is None else host.ram_free - reserve,
            "load_core": None if host.load is None else host.load / max(1, host.cores),
            "disk_free": host.disk_free, "clock_off": abs(host.clock - time.time()), "age": 0.0,
        }  # fmt: skip

    # -- who may work -------------------------------------------------------------------------------------------------

    def aside(self, pci: str) -> Aside | None:
        """Return why a card takes no work: set aside itself, or its whole rig."""
        return self.quarantine.of(self.name) or self.quarantine.of(self.key(pci))

    def held(self, pci: str) -> tuple[bool, str] | None:
        """Return whether at once and why a card's worker may not run; None if it may."""
        aside = self.aside(pci)
        if aside is not None:
            return not aside.drained, aside.words(time.time())
        return None

    def number(self, pci: str) -> int | None:
        """Return the number that the runtime gives a card now, None where it does not answer: one that falls off the bus moves those behind it."""
        reading, settings = self.reading, self.settings
        if reading is None:
            return None
        vendor = VENDORS[settings.backend]
        answers = sorted(card.pci for card in reading.cards if card.vendor == vendor and not card.lost)
        if settings.backend == "rocm" and settings.gpus != "auto":
            answers = [listed for listed in settings.gpus if listed in answers]
        return answers.index(pci) if pci in answers else None

    def short_of_ram(self, need: int) -> str | None:
        """Return why a worker that needs so many bytes may not start now; None if it may."""
        host = self.reading.host if self.reading else None
        if host is None or host.ram_free is None:
            return None
        spare = host.ram_free - (self.settings.ram_reserve_mb << 20) - need
        return (
            None if spare >= 0 else f"waits for RAM: {-spare / (1 << 20):.0f} MiB short of need and reserve"
        )

    # -- what is shown ------------------------------------------------------------------------------------------------

    def light(self, seat: Seat) -> Light:
        """Return one card's light."""
        card = self.reading.card(seat.pci) if self.reading else None
        if self.aside(seat.pci) is not None:
            return "held"
        if self.link == "down" or self.age > LATE:
            return "stale"
        raised = self._cards.raised(self.key(seat.pci))
        if card is None or card.lost or any(rule.level == "fail" for rule in raised):
            return "fail"
        worker = self.workers.get(seat.slot)
        if worker is not None and worker.state == "refused":
            return "fail"
        if raised or (worker is not None and worker.state == "ready" and worker.note):
            return "warn"
        return "ok" if (card.busy or 0) > 5 or (worker is not None and worker.state == "ready") else "idle"

    def host(self) -> Host:
        """Return the rig's line for the snapshot."""
        cards = self.reading.cards if self.reading else ()
        busy = [card.busy for card in cards if card.busy is not None]
        hot = [card.hot for card in cards if card.hot is not None]
        return Host(
            name=self.name,
            devices=[self.light(seat) for seat in self.seats],
            kind="gpu",
            util=sum(busy) / len(busy) / 100 if busy else None,
            hot=max(hot, default=None),
            age=min(self.waited, 1e6),
        )

    def degraded(self) -> list[str]:
        """Return one line for what is wrong with this rig, none if it is well."""
        if self.link != "up":
            return [
                self.error if self.error.startswith("rig ") else f"rig {self.name}: {self.error or self.link}"
            ]
        return [f"rig {self.name}: {BARE}"] if self.bare else []

    @property
    def bare(self) -> bool:
        """Tell whether it was read and has no card at all: `gpus = "auto"` expects none by name."""
        return self.reading is not None and not self.seats

    def why(self, seat: Seat) -> str:
        """Return why a card is not simply well."""
        aside, worker = self.aside(seat.pci), self.workers.get(seat.slot)
        said = [aside.words(time.time())] if aside else []
        said += [rule.name for rule in self._cards.raised(self.key(seat.pci))]
        said += [worker.note] if worker is not None and worker.note and not aside else []
        return "; ".join(said)

    def raised(self) -> Sequence[str]:
        """Return the names of the rules that stand raised for the host itself."""
        return [rule.name for rule in self._hosts.raised(self.name)]

    def row(self) -> dict[str, Any]:
        """Return the rig's row for the table `rigs`."""
        host = self.reading.host if self.reading else None
        lights = [self.light(seat) for seat in self.seats]
        aside = self.quarantine.of(self.name)
        state = "drained" if aside and aside.drained else "quarantined" if aside else self.link
        return {
            "rig": self.name, "state": state, "backend": self.settings.backend,
            "at": self.where, "gpus": len(self.seats), "well": sum(light in ("ok", "idle") for light in lights),
            "ready": sum(worker.state == "ready" for worker in tuple(self.workers.values())) if self.workers else None,
            "held": sum(light == "held" for light in lights),
            "ram_free": _gib(host.ram_free) if host else None, "load": host.load if host else None,
            "disk_free": _gib(host.disk_free) if host else None,
            "shm_free": _gib(host.shm_free) if host else None, "calls": self.calls(), "drops": self.drops, "age": _age(self.age),
            "why": aside.words(time.time()) if aside else self.error or ", ".join([*self.raised(), *([BARE] if self.bare else [])]) or None,
        }  # fmt: skip

    def card_row(self, seat: Seat) -> dict[str, Any]:
        """Return one card's row for the table `gpus`."""
        card = (self.reading.card(seat.pci) if self.reading else None) or Card(seat.pci, "")
        worker = self.workers.get(seat.slot)
        state = worker.state if worker is not None and not self.aside(seat.pci) else self.light(seat)
        turns = card.vendor == VENDORS["rocm"]
        return {
            "gpu": f"{self.name}/{seat.slot}", "host": self.name, "pci": seat.pci, "name": card.name, "state": state,
            "util": card.busy, "vram": _gib(card.vram_used), "temp": card.edge, "hot": card.hot, "power": card.power,
            "clock": _whole(card.clock), "fan": None if turns else _whole(card.fan), "rpm": _whole(card.fan) if turns else None,
            "link": f"{card.link_gen:.0f}x{card.link_width:.0f}" if card.link_gen and card.link_width else None,
            "throttle": card.throttle, "ecc": card.ecc_ue, "fault": card.fault, "pid": worker.pid if worker else None,
            "flaps": self.flaps(seat.pci), "age": _age(self.age), "why": self.why(seat) or None,
        }  # fmt: skip


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _gib(size: float | None) -> float | None:
    return None if size is None else round(size / (1 << 30), 2)


def _age(seconds: float) -> float | None:
    return None if math.isinf(seconds) else round(seconds, 1)
