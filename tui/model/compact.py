"""The smallest layout, below 80x24: one list, most important first; it never refuses a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tui.model.panel import Panel
from tui.model.panels import alert_row, decisions, engine, evidence, fleet, requests, throughput
from tui.model.run import pipeline
from tui.model.text import Line, Span, line, span

if TYPE_CHECKING:
    from tui.model.view import View

ALL = 99
"""More rows than any part has: the list itself scrolls."""


def overview(view: View, cells: int, rows: int) -> Panel:
    """Return the whole Overview as one list of rows."""
    shot = view.snapshot
    if shot is None:
        what = "no data yet: verdict, run, alerts, fleet and queue appear here"
        return Panel("Overview", [line(span(row, "dim")) for row in textwrap.wrap(what, max(10, cells))])
    parts = [
        evidence(view, cells, ALL),
        Panel("", [alert_row(each) for each in shot.alerts[:2]]),
        _short(pipeline(view, cells, 0)),
        fleet(view, cells, ALL),
        Panel(throughput(view, cells, 1).title, []),
        requests(view, cells, 0),
        decisions(view, cells, 0),
        engine(view, cells, 0),
    ]
    return Panel("Overview", [each for part in parts for each in _rows(part)])


def _short(part: Panel) -> Panel:
    return Panel(part.title, part.lines[1:] if len(part.lines) > 3 else part.lines)


def _rows(part: Panel) -> list[Line]:
    title = [(Span(part.title, "head"),)] if part.title and part.title != "Evidence" else []
    return [*title, *part.lines]
