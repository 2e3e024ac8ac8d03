"""What the rigs' tests share: a crew of small workers, made-up cards, short terms, waiting."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sshd import Server

from engine.config import RigSettings
from engine.rigs.attempt import Attempt
from engine.rigs.guardlink import Terms
from engine.rigs.life import Life
from engine.rigs.machine import Machine
from engine.rigs.payload import Berth, Ending, Payload, Place, Voice
from engine.rigs.rules import Change
from engine.rigs.worker import RigWorker
from state.journal import Journal


class Stage:
    """One rig's life under test and all that it told."""

    life: Life
    journal: Journal

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.changes: list[Change] = []

    @property
    def machine(self) -> Machine:
        return self.life.machine

    @property
    def worker(self) -> RigWorker:
        return self.life.workers[0]

    def ready(self) -> list[RigWorker]:
        return [worker for worker in self.life.workers.values() if worker.state == "ready"]

    async def all_ready(self, count: int) -> None:
        await until(lambda: len(self.ready()) == count)

    @property
    def guard(self) -> psutil.Process:
        assert self.life.link is not None
        return psutil.Process(self.life.link.pid)


@dataclass
class SmallCrew:
    """Starts `small_worker.py` at every place and writes down what it hears; `work` changes what workers do."""

    log: Path
    work: dict[str, Any] = field(default_factory=dict)
    gated: bool = False
    offered: list[str] = field(default_factory=list)
    lines: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    voices: dict[str, Voice] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    berths: list[str] = field(default_factory=list)

    paced = False

    def offer(self, place: Place) -> None:
        self.offered.append(place.name)

    async def payload(self, place: Place, voice: Voice) -> Payload:
        self.voices[place.name] = voice
        script = Path(__file__).with_name("small_worker.py").read_bytes()
        return Payload(
            argv=(sys.executable, "-I", "{run}/small_worker.py"),
            files={"small_worker.py": script, "key.pem": b"secret of " + place.name.encode()},
            first={"log": str(self.log), **self.work},
            gated=self.gated,
            halts=True,
        )

    def refusal(self, place: Place, report: Mapping[str, Any]) -> str | None:
        return None if report["passed"] else "family lcg48/java gives wrong words"

    def admission(self, place: Place) -> Mapping[str, Any]:
        return {"begin": True}

    def said(self, place: Place, line: Mapping[str, Any]) -> None:
        self.lines.append((place.name, line))

    def wanted(self) -> frozenset[str]:
        return frozenset()

    def reached(self, berth: Berth) -> None:
        self.berths.append(berth.name)

    def lost(self, berth: Berth) -> None:
        self.berths = [name for name in self.berths if name != berth.name]

    def drain(self, place: Place, voice: Voice) -> None:
        voice.tell({"drain": True})

    def started(self, place: Place, pid: int) -> None:
        self.pids[place.name] = pid

    def gone(self, place: Place, ending: Ending) -> None:
        self.ended.append((place.name, ending.cause))

    def heard(self, event: str) -> list[Mapping[str, Any]]:
        return [line for _, line in self.lines if line.get("event") == event]


def made_settings(server: Server, staging: Path, cards: int = 1, **others: Any) -> RigSettings:
    """Return the settings that room.toml would give for a test's sshd."""
    host = " ".join((server.folder / "host.pub").read_text().split()[:2])
    given = {
        "name": "rig-a", "host": server.address.host, "port": server.address.port, "user": server.address.user,
        "key": server.address.key, "host_keys": (host,), "python": sys.executable, "staging": str(staging),
        "gpus": tuple(f"0000:{3 + slot:02x}:00.0" for slot in range(cards)), "stagger_delay_s": 0.0,
        "ram_reserve_mb": 0, "worker_ram_mb": 0, **others,
    }  # fmt: skip
    return RigSettings.model_validate(given)


def quick(settings: RigSettings, staging: Path, **others: Any) -> Terms:
    """Return terms with the short times of a test."""
    given = {
        "python": settings.python, "staging": str(staging), "slots": settings.stagger, "delay": settings.stagger_delay_s,
        "lease": 3.0, "silence": 2.0, "start_limit": 20.0, **others,
    }  # fmt: skip
    return Terms(**given)


def make_cards(root: Path, count: int) -> Path:
    """Make a sysfs with so many RX 6600 under `root`; a fake for hardware that is not here."""
    for slot in range(count):
        card = root / "bus/pci/devices" / f"0000:{3 + slot:02x}:00.0"
        (card / "hwmon/hwmon0").mkdir(parents=True)
        values = {
            "vendor": "0x1002", "class": "0x030000", "product_name": "Radeon RX 6600", "mem_info_vram_used": 5 << 30,
            "mem_info_vram_total": 8 << 30, "gpu_busy_percent": 94, "current_link_speed": "8.0 GT/s PCIe",
            "current_link_width": 1, "ras/umc_err_count": "ue: 0\nce: 3", "hwmon/hwmon0/temp1_label": "edge",
            "hwmon/hwmon0/temp1_input": 66000, "hwmon/hwmon0/temp2_label": "junction", "hwmon/hwmon0/temp2_input": 81000,
            "hwmon/hwmon0/power1_average": 98_000_000, "hwmon/hwmon0/freq1_input": 2_490_000_000,
            "hwmon/hwmon0/fan1_input": 1900, "power/runtime_status": "active",
        }  # fmt: skip
        for name, value in values.items():
            (card / name).parent.mkdir(exist_ok=True)
            (card / name).write_text(f"{value}\n")
        metrics = bytearray(120)
        metrics[0:4] = (120).to_bytes(2, "little") + bytes([1, 3])
        (card / "gpu_metrics").write_bytes(metrics)
    return root


async def until(found: Callable[[], Any], seconds: float = 30.0, look: float = 0.02) -> Any:
    """Wait until `found()` is true and return it; an AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(look)
    return value
