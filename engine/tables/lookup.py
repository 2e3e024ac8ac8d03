"""One object of the room by its name, whichever list it stands in: the exact name first, then names that begin with it, then those that hold it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.tables.catalog import TABLES

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.tables.table import Table

SCHEMA = "lookup/1"
LISTS = (
    "requests", "decisions", "runs", "gpus", "rigs", "workers", "trials", "survivors", "episodes", "candidates", "approvals",
    "llm_calls", "predictions", "alerts", "parameters", "policies", "soaks",
)  # fmt: skip
SLOW = ("survivors", "soaks")
"""Lists that are read from artifacts: not by the loop."""
ROWS = 500
"""Rows of each list that are looked through, the newest or most pressing."""
MOST = 20
LONGEST = 100
NAMES = ("digest",)
"""Columns that name a row beside its key."""
SAYS = ("line", "why", "reason", "kind", "name", "policy", "state")
"""Columns that say what a row is, the first that is filled."""


async def lookup(desk: Desk, text: str) -> dict[str, Any]:
    """Return `lookup/1`: the rows whose name fits best; the loop goes on between the lists."""
    sought = text.strip().casefold()
    if not 0 < len(sought) <= LONGEST:
        raise UsageError(f"lookup: {text[:40]!r}: a name of 1 to {LONGEST} characters")
    found: list[tuple[int, dict[str, Any]]] = []
    for name in LISTS:
        try:
            if name in SLOW:
                found += await asyncio.to_thread(_fitting, TABLES[name], desk, sought)
            else:
                found += _fitting(TABLES[name], desk, sought)
        except UsageError:
            continue  # a list that cannot be read now has nothing to offer
        await asyncio.sleep(0)
    found.sort(key=lambda one: one[0])
    return {"schema": SCHEMA, "found": [row for _, row in found[:MOST]], "matched": len(found)}


def _fitting(table: Table, desk: Desk, sought: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of a list whose name fits, each with how well: 0 is the name itself."""
    found = []
    for row in table.rows(desk, ROWS):
        names = [str(row[name]) for name in (table.key, *NAMES) if row.get(name) is not None]
        ranks = [rank for name in names for rank in _ranks(table, name.casefold(), sought)]
        if ranks:
            says = next((str(row[name]) for name in SAYS if row.get(name) and name != table.key), "")
            head = {"list": table.name, "column": table.key, "key": str(row[table.key]), "says": says[:160]}
            found.append((min(ranks), head))
    return found


def _ranks(table: Table, name: str, sought: str) -> list[int]:
    full = table.subject.format(name)  # as the journal names it: decision 12 is d-12 too
    if sought in (name, full):
        return [0]
    return [1] if name.startswith(sought) else [2] if len(sought) > 1 and sought in name else []
