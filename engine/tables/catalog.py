"""Every table of the room by name. A new list is one file here and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from engine.errors import UsageError
from engine.tables.coverage import COVERAGE
from engine.tables.decisions import DECISIONS
from engine.tables.requests import REQUESTS
from engine.tables.table import Table

TABLES: Mapping[str, Table] = {table.name: table for table in (REQUESTS, DECISIONS, COVERAGE)}


def table(name: object) -> Table:
    """Return the table of that name; UsageError with the nearest names."""
    if isinstance(name, str) and name in TABLES:
        return TABLES[name]
    near = get_close_matches(str(name), TABLES, n=3, cutoff=0.0)
    raise UsageError(f"no table {name!r}; nearest: {', '.join(near)}")
