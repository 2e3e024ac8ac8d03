"""One reading of one rig: its host and its cards, parsed strictly from the probe's answer. Text from a rig is never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from engine.errors import BadInput

PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
ANSWER_LIMIT = 256 << 10
_TEXT_LIMIT = 80


@dataclass(frozen=True)
class Card:
    """One GPU. A number that the card does not tell is None; temperatures in °C, power in W, clocks in MHz, memory in bytes."""

    pci: str
    vendor: str
    name: str | None = None
    driver: str | None = None
    source: str | None = None
    """What told it: sysfs, amdsmi, NVML, nvidia-smi."""
    edge: float | None = None
    hotspot: float | None = None
    memory_temp: float | None = None
    power: float | None = None
    clock: float | None = None
    memory_clock: float | None = None
    vram_used: float | None = None
    vram_total: float | None = None
    busy: float | None = None
    link_gen: float | None = None
    link_width: float | None = None
    fan: float | None = None
    """AMD: turns a minute; NVIDIA: per cent."""
    throttle: bool | None = None
    ecc_ue: float | None = None
    ecc_ce: float | None = None
    fault: str | None = None
    """The last Xid, reset or ring timeout that the kernel's log names for it."""
    asleep: bool = False
    lost: bool = False
    """It stands on the bus, but its driver does not answer for it."""

    @property
    def hot(self) -> float | None:
        """Return the hottest spot that is known."""
        known = [value for value in (self.hotspot, self.edge) if value is not None]
        return max(known, default=None)


@dataclass(frozen=True)
class HostReading:
    """The machine itself; sizes in bytes, load over one minute, `clock` in seconds since 1970."""

    hostname: str
    cores: int
    clock: float
    python: tuple[int, ...]
    ram_total: float | None = None
    ram_free: float | None = None
    load: float | None = None
    uptime: float | None = None
    disk_free: float | None = None
    disk_total: float | None = None
    shm_free: float | None = None
    shm_total: float | None = None


@dataclass(frozen=True)
class Reading:
    """What one poll found."""

    host: HostReading
    cards: tuple[Card, ...]
    errors: tuple[str, ...] = ()
    kernel_log: bool = False
    """Whether the kernel's log may be read there."""

    def card(self, pci: str) -> Card | None:
        """Return the card at an address."""
        return next((card for card in self.cards if card.pci == pci), None)


def parse_reading(text: str) -> Reading:
    """Return the reading of one answer; BadInput for anything that is not exactly in form."""
    try:
        raw = json.loads(text[:ANSWER_LIMIT])
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"probe of a rig: not one JSON line ({error}); check that its login scripts print nothing"
        ) from error
    if raw == {"busy": True}:
        raise BadInput("probe of a rig: an earlier reading still hangs there; look for a hung driver (dmesg)")
    try:
        if set(raw) != {"host", "gpus", "errors", "kernel_log"}:
            raise ValueError(f"fields {sorted(raw)}")
        cards = tuple(_card(card) for card in raw["gpus"])
        if len({card.pci for card in cards}) != len(cards):
            raise ValueError("two cards at one address")
        errors = tuple(_words(error) for error in raw["errors"])
        return Reading(_host(raw["host"]), cards, errors, bool(raw["kernel_log"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"probe of a rig: out of form: {str(error)[:200]}; deploy the same version") from error


def _card(raw: Mapping[str, Any]) -> Card:
    if not PCI.fullmatch(raw["pci"]):
        raise ValueError(f"PCI address {raw['pci']!r}")
    return Card(**_values(Card, raw))


def _host(raw: Mapping[str, Any]) -> HostReading:
    python = tuple(raw["python"])
    if not all(isinstance(part, int) for part in python):
        raise ValueError(f"python {python!r}")
    values = _values(HostReading, {key: value for key, value in raw.items() if key != "python"})
    return HostReading(**values, python=python)


def _values(kind: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a record; ValueError for an unknown name or a value of the wrong type."""
    types = {field.name: str(field.type) for field in fields(kind)}
    return {name: _value(name, types[name], value) for name, value in raw.items()}


def _value(name: str, kind: str, value: Any) -> Any:
    if value is None and "None" in kind:
        return None
    if kind.startswith("str"):
        return _words(value)
    if kind.startswith("bool"):
        if isinstance(value, bool):
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18:
        return int(value) if kind == "int" else float(value)
    raise ValueError(f"{name} is {value!r}")


def _words(value: Any) -> str:
    """Return text without control characters, cut."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return "".join(c if c.isprintable() else "?" for c in value)[:_TEXT_LIMIT]
