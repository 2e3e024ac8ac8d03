"""The excluded space as a map: families down, mappings across, in each cell how far the power of the search reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.model.listing import Page
from tui.model.panel import CORNERS, Panel
from tui.model.spark import EIGHTHS
from tui.model.text import Line, Span, cell, clip, line, span
from tui.model.words import percent

NAME = 24
WIDE = 14


def coverage_map(page: Page, cells: int, rows: int) -> Panel | None:
    """Return the map of a coverage list; None where nothing is excluded."""
    known: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    mappings: dict[str, int] = {}
    for row in page.rows:
        known.setdefault(str(row["family"]), {}).setdefault(str(row["mapping"]), []).append(row)
        mappings[str(row["mapping"])] = mappings.get(str(row["mapping"]), 0) + 1
    if not known:
        return None
    names = sorted(mappings, key=lambda name: -mappings[name])
    name = min(NAME, max(len(family) for family in known))
    fits = max(1, min(len(names), (cells - name) // (WIDE + 1)))
    names, hidden = names[:fits], len(names) - fits
    lines: list[Line] = [
        (cell("family", name, "dim"), *(Span(f" {clip(each, WIDE):<{WIDE}}", "dim") for each in names))
    ]
    shown = list(known.items())[: max(0, rows - 1 if len(known) < rows else rows - 2)]
    for family, cells_of in shown:
        lines.append((cell(family, name), *(_cell(cells_of.get(each, ())) for each in names)))
    if len(shown) < len(known):
        lines.append(
            line(
                span(
                    f"{len(known) - len(shown)} more famil{'y' if len(known) - len(shown) == 1 else 'ies'} in the list below",
                    "dim",
                )
            )
        )
    return Panel(_title(page, hidden, cells), lines)


def _title(page: Page, hidden: int, cells: int) -> str:
    """Return what the map shows and how much of it, in the longest words that a frame has room for."""
    told = "" if page.whole else f" of the newest {len(page.rows):,} parts"
    more = f"{hidden} more mapping{'s' * (hidden > 1)}" if hidden > 0 else ""
    forms = (
        f"Coverage map{told}: parts excluded, least power of them{f', {more} in the list' if more else ''}",
        f"Coverage map{told}: parts, least power{f', {more} listed' if more else ''}",
        f"Coverage map{told}{f', {more}' if more else ''}",
    )
    return next((form for form in forms if len(form) <= cells - CORNERS), forms[-1])


def _cell(rows: Any) -> Span:
    """Return one cell: a bar as high as the least power, the number of parts, the power."""
    if not rows:
        return span(f" {'·':<{WIDE}}", "dim")
    powers = [row["power"] for row in rows if row["power"] is not None]
    power = min(powers, default=None)
    bar = EIGHTHS[max(1, round(power * 8))] if power is not None else "?"
    role = "stale" if power is None else "ok" if power >= 0.95 else "warn" if power >= 0.5 else "fail"
    return span(f" {f'{bar} {len(rows)} {percent(power)}':<{WIDE}}", role)
