"""The soaks of this state directory as a table: how each ended, which gates failed, the slowest recovery from a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.soak.ground import Ground

SCHEMA = "soak_report/1"
"""As `engine.soak.report` names it, which brings every gate; `mimicry soak report` holds a report to its records."""
_READ: dict[Path, tuple[float, dict[str, Any]]] = {}
"""What reports said, by file, as of its time."""


def _rows(desk: Desk, most: int) -> list[Row]:
    from engine.soak import hand
    from engine.soak.ground import known

    now = hand.running(desk.state)
    grounds = list(reversed(known(hand.base(desk.state))))[:most]
    return [_row(ground, runs=now is not None and now[0].path == ground.path) for ground in grounds]


def _past(desk: Desk, at: int, most: int) -> list[Row]:
    raise UsageError("soaks: they stand beside the journal, not in it")


def _row(ground: Ground, *, runs: bool) -> Row:
    told = _report(ground)
    if told is None:
        state = "running" if runs else "unfinished"
        return {"id": ground.id, "scenario": ground.id[0], "state": state, "minutes": None, "failed": None, "faults": None, "slowest": None}  # fmt: skip
    state = "passed" if told["passed"] else "failed" if told["failed"] else "unfinished"
    back = [one["seconds"] for one in told["faults"] if one["seconds"] is not None and not one["skipped"]]
    return {
        "id": ground.id, "scenario": told["scenario"], "state": "running" if runs else state, "minutes": round(told["seconds"] / 60, 1),
        "failed": ", ".join(told["failed"]) or None, "faults": len(told["faults"]), "slowest": max(back, default=None),
    }  # fmt: skip


def _report(ground: Ground) -> dict[str, Any] | None:
    """Return a soak's report; None where there is none yet, or none that can be read."""
    from engine.soak.ground import REPORT

    file = ground.path / REPORT
    try:
        stamp = file.stat().st_mtime
        if _READ.get(file, (0.0, {}))[0] != stamp:
            _READ[file] = stamp, json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    told = _READ[file][1]
    return told if told.get("schema") == SCHEMA else None


SOAKS = Table(
    "soaks",
    "Soaks",
    (
        Column("id", "SOAK"),
        Column("scenario", "SCENARIO", help="a endurance, b queue, c closed loop"),
        Column("state", "STATE", "state"),
        Column("minutes", "MINUTES", "number", "min"),
        Column("failed", "FAILED", help="gates that did not hold"),
        Column("faults", "FAULTS", "number", help="that were fired"),
        Column("slowest", "SLOWEST", "number", "s", "recovery from a fault"),
    ),
    _rows,
    past=_past,
    empty="no soak yet; `mimicry soak a`, b or c runs one over a state of its own, S on the Soak screen too",
)
