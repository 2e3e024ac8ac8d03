"""The workers as a table: where each runs, on what device, what it does, how often it was started."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.status import SCALE, UNIT
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.compute.place import WorkerInfo
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    return [_row(one) for one in (desk.bench.workers() or [])[:most]]


def _row(one: WorkerInfo) -> Row:
    return {
        "worker": one.name, "state": state(one), "device": one.device or None, "task": one.task or None,
        "rate": None if one.rate is None else one.rate * SCALE, "ahead": one.ahead,
        "rss": one.rss / (1 << 20) if one.rss else None, "free": one.free / (1 << 30) if one.free else None,
        "starts": one.starts, "age": round(one.age, 1) if math.isfinite(one.age) else None, "pid": one.pid,
        "isa": one.isa or None, "kernels": one.digest[:12] or None, "why": one.degraded or one.note or None,
    }  # fmt: skip


def state(one: WorkerInfo) -> str:
    """Return a worker's state in one word."""
    if not one.alive:
        return "down"
    if one.held:
        return "held"
    if one.degraded:
        return "degraded"
    return "busy" if one.busy else "idle"


WORKERS = Table(
    "workers",
    "Workers",
    (
        Column("worker", "WORKER"),
        Column("state", "STATE", "state", help="busy, idle, held (gets nothing new), degraded, down"),
        Column("device", "DEVICE", help="what its sieve runs on"),
        Column("task", "TASK", help="what it works on"),
        Column("rate", "RATE", "number", UNIT, "over its newest pieces"),
        Column("ahead", "HOLDS", "number", help="tasks that it was handed and has not answered"),
        Column("rss", "RSS", "number", "MiB"),
        Column("free", "FREE", "number", "GiB", help="memory that its machine has left"),
        Column("starts", "STARTS", "number", help="in this life of the scheduler"),
        Column("age", "AGE", "number", "s", help="since its last sign of life"),
        Column("pid", "PID", "number"),
        Column("isa", "ISA"),
        Column("kernels", "KERNELS", help="digest of its build"),
        Column("why", "WHY", help="why it is down or degraded"),
    ),
    _rows,
    empty="no worker runs; they start with the first work and leave after idle minutes",
    key="worker",
)
