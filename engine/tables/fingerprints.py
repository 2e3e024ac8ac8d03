"""What was tried on which data and how it ended, as a table; and what the present data were not searched for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.tables.table import Column, Row, Table
from engine.watcher.fingerprints import TRIED, untried

if TYPE_CHECKING:
    from engine.desk import Desk

SHOWN_NAMES = 3
EVENTS = 1000


def _rows(desk: Desk, most: int) -> list[Row]:
    times = {event.data["run"]: event.at for event in desk.journal.newest([TRIED], EVENTS)}
    return [
        {"id": one.fingerprint[:12], "at": times.get(one.run), "data": one.data[:12],
         "families": _names(one.families), "mappings": _names(one.mappings),
         "seeds": _span(one.parameters.get("seeds")), "gaps": _span(one.parameters.get("gaps")),
         "outcome": one.outcome, "run": one.run}
        for one in desk.fingerprints.newest()[:most]
    ]  # fmt: skip


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _span(value: Any) -> str | None:
    """Return a range, or several, as people write them; the unit of times after a slash."""
    if value is None:
        return None
    spans = value if isinstance(value[0], list) else [value]
    return ",".join(f"{lo}:{hi}" + (f"/{unit}" if unit else "") for lo, hi, unit in spans)


def _untried(desk: Desk, most: int) -> list[Row]:
    from hip_cuda_kernels.registry import FAMILIES

    if desk.intake.empty:
        return []
    tried = desk.fingerprints.on(desk.intake.store.snapshot().digest)
    searches = [found for one in tried if (found := desk.shelf.analysis(one.fingerprint)) is not None]
    return [dict(one.model_dump()) for one in untried(searches, FAMILIES)[:most]]


FINGERPRINTS = Table(
    "fingerprints",
    "Fingerprints",
    (
        Column("id", "ID"),
        Column("at", "AT", "time"),
        Column("data", "DATA", help="the start of the history's sha-256"),
        Column("families", "FAMILIES"),
        Column("mappings", "MAPPINGS"),
        Column("seeds", "SEEDS"),
        Column("gaps", "GAPS"),
        Column("outcome", "OUTCOME", "state"),
        Column("run", "RUN"),
    ),
    _rows,
    empty="nothing was searched yet; `mimicry pipeline` does, and the first draws ask for it",
)

UNTRIED = Table(
    "untried",
    "Untried",
    (
        Column("family", "FAMILY"),
        Column("mapping", "MAPPING"),
        Column("weight", "WEIGHT", "number", help="how common the family is"),
        Column("why", "WHY"),
    ),
    _untried,
    empty="no draws, or all registered families were searched on them; `mimicry fingerprints` lists what was tried",
    key="family",
)
