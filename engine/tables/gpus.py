"""The GPUs as a table: state, use, temperatures, link, what the kernel said, deaths, and the age of the reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.status import SCALE, UNIT
from engine.tables.rigs import SET_ASIDE
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    if desk.fleet is None:
        return []
    paces = {one.name: one.rate for one in desk.bench.workers() or ()}
    return [{**row, "rate": _rate(row, paces)} for row in desk.fleet.gpu_rows()[:most]]


def _rate(row: Row, paces: Mapping[str, float | None]) -> float | None:
    """Return the rate of a card's worker; a rig's workers are named after their cards."""
    host, _, slot = str(row["gpu"]).rpartition("/")
    pace = paces.get(f"{host}/gpu{slot}")
    return None if pace is None else round(pace * SCALE, 3)


GPUS = Table(
    "gpus",
    "GPUs",
    (
        Column("gpu", "GPU"),
        Column("host", "HOST"),
        Column("pci", "PCI"),
        Column("name", "MODEL"),
        Column("state", "STATE", "state", help="of its worker, else of the card"),
        Column(
            "rate",
            "RATE",
            "number",
            UNIT,
            "of its worker over the newest pieces; a machine's own workers stand in `workers`",
        ),
        Column("util", "UTIL", "number", "%"),
        Column("vram", "VRAM", "number", "GiB"),
        Column("temp", "EDGE", "number", "°C"),
        Column("hot", "HOT", "number", "°C", help="the hottest spot that is known"),
        Column("power", "POWER", "number", "W"),
        Column("clock", "CLOCK", "number", "MHz"),
        Column("fan", "FAN", "number", "%", help="of its full speed, as NVIDIA tells it"),
        Column("rpm", "FAN", "number", "rpm", help="turns a minute, as AMD tells it"),
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
