"""A soak's readings as series, by probe."""

from __future__ import annotations

from engine.soak import kinds
from engine.soak.records import Records


def series(records: Records) -> dict[str, list[tuple[float, float]]]:
    """Return every probe's readings as (second of the soak, value)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for event in records.of(kinds.READING):
        for name, value in event.data["values"].items():
            found.setdefault(name, []).append((event.data["t"], value))
    return dict(sorted(found.items()))
