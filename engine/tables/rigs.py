"""The rigs as a table: reached or not, how many GPUs are well, RAM, load, what is set aside and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Act, Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    return [] if desk.fleet is None else desk.fleet.rig_rows()[:most]


SET_ASIDE = (  # what may be done to a rig or one of its cards; the row's key is the target
    Act("D", "rig", "drain", arg="target", fixed={"action": "drain"}),
    Act("X", "rig", "quarantine", arg="target", fixed={"action": "quarantine"}),
    Act("U", "rig", "include again", arg="target", fixed={"action": "include"}),
)

RIGS = Table(
    "rigs",
    "Rigs",
    (
        Column("rig", "RIG"),
        Column("state", "STATE", "state", help="up, connecting, down, drained, quarantined"),
        Column("backend", "BACKEND"),
        Column("at", "AT"),
        Column("gpus", "GPUS", "number"),
        Column("well", "WELL", "number", help="GPUs without trouble"),
        Column("ready", "READY", "number", help="workers that take work"),
        Column("held", "HELD", "number", help="GPUs set aside"),
        Column("ram_free", "RAM", "number", "GiB", help="free host memory"),
        Column("load", "LOAD", "number"),
        Column("disk_free", "DISK", "number", "GiB"),
        Column("shm_free", "STAGING", "number", "GiB", help="free on the ramdisk"),
        Column("calls", "CALLS", "number", "/min", help="management calls of the last minute"),
        Column("drops", "DROPS", "number", help="how often the link was lost"),
        Column("age", "AGE", "number", "s", help="age of the reading"),
        Column("why", "WHY"),
    ),
    _rows,
    acts=SET_ASIDE,
    empty="no rig; name some in room.toml (`mimicry init` writes an example)",
    key="rig",
)
