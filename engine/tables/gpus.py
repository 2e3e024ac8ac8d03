"""The GPUs as a table: state, use, temperatures, link, what the kernel said, deaths, and the age of the reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.rigs import SET_ASIDE
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    return [] if desk.fleet is None else desk.fleet.gpu_rows()[:most]


GPUS = Table(
    "gpus",
    "GPUs",
    (
        Column("gpu", "GPU"),
        Column("host", "HOST"),
        Column("pci", "PCI"),
        Column("name", "MODEL"),
        Column("state", "STATE", "state", help="of its worker, else of the card"),
        Column("util", "UTIL", "number", "%"),
        Column("vram", "VRAM", "number", "GiB"),
        Column("temp", "EDGE", "number", "°C"),
        Column("hot", "HOT", "number", "°C", help="the hottest spot that is known"),
        Column("power", "POWER", "number", "W"),
        Column("clock", "CLOCK", "number", "MHz"),
        Column("fan", "FAN", "number", help="AMD: turns a minute; NVIDIA: per cent"),
        Column("link", "LINK", help="PCIe generation x lanes"),
        Column("throttle", "THROTTLED", "state"),
        Column("ecc", "ECC", "number", help="uncorrectable memory errors"),
        Column("fault", "FAULT", help="Xid, reset or timeout in the kernel's log"),
        Column("pid", "PID", "number", help="its worker on the rig"),
        Column("flaps", "FLAPS", "number", help="workers that died on it within the hour"),
        Column("age", "AGE", "number", "s", help="age of the reading"),
        Column("why", "WHY"),
    ),
    _rows,
    acts=SET_ASIDE,
    empty="no GPU; a rig of room.toml shows its cards with its first reading",
    key="gpu",
)
