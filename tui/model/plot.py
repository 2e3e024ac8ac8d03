"""A series as a plot: blocks or braille dots, an axis with unit and window, gaps as gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tui.model.panels import Panel
from tui.model.spark import EIGHTHS, Values, resample
from tui.model.text import Line, Span, cell
from tui.model.words import duration, number

_DOTS = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))
"""Bits of a braille cell from its lowest row up, left and right."""


def bounds(values: Values, *, zero: bool = False) -> tuple[float, float]:
    """Return the ends of the axis: round numbers, at least a tenth of the value apart, so that noise looks small."""
    known = [value for value in values if value is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    reach = max(high - low, 0.1 * abs(high), 1e-9)
    if zero or low >= 0 > low - (reach - (high - low)) / 2:
        low, high = min(0.0, low), max(high, low + reach)
    else:
        middle = (low + high) / 2
        low, high = middle - reach / 2, middle + reach / 2
    unit = 10 ** math.floor(math.log10(max(high - low, 1e-9))) / 2
    return math.floor(low / unit) * unit, math.ceil(high / unit) * unit


def plot(
    values: Values, seconds: float, cells: int, rows: int, *, zero: bool = False, dots: bool = False
) -> list[Line]:
    """Draw a series of `seconds` a value, newest at the right; the last row is the axis of time."""
    if rows < 3 or cells < 12:
        return []
    low, high = bounds(values, zero=zero)
    labels = {0: number(high, 3), rows - 2: number(low, 3)} | (
        {(rows - 2) // 2: number((low + high) / 2, 3)} if rows >= 7 else {}
    )
    margin = max(len(label) for label in labels.values())
    room = cells - margin - 2
    drawn = _dotted(values, low, high, room, rows - 1) if dots else _blocks(values, low, high, room, rows - 1)
    lines: list[Line] = [
        (cell(labels.get(row, ""), margin, "dim", right=True), Span(" ┤", "dim"), Span(text, "bar"))
        for row, text in enumerate(drawn)
    ]
    return [*lines, (Span(" " * (margin + 2)), Span(_axis(seconds * len(values), room), "dim"))]


def cloud(values: Values, cells: int, rows: int) -> list[Line]:
    """Draw measured values in their order as dots, with the highest so far as a line over them."""
    if rows < 3 or cells < 12 or not any(value is not None for value in values):
        return []
    low, high = bounds(values)
    margin = max(len(number(high, 3)), len(number(low, 3)))
    room = cells - margin - 2
    best: list[float | None] = []
    for value in values:
        before = best[-1] if best else None
        best.append(value if before is None or (value is not None and value > before) else before)
    dots = _dotted(values, low, high, room, rows - 1, means=False)
    steps = [best[x * (len(best) - 1) // (room * 2 - 1)] for x in range(room * 2)]
    line = _dotted(steps, low, high, room, rows - 1)
    labels = {0: number(high, 3), rows - 2: number(low, 3)}
    lines: list[Line] = [
        (
            cell(labels.get(row, ""), margin, "dim", right=True),
            Span(" ┤", "dim"),
            *_both(dots[row], line[row]),
        )
        for row in range(rows - 1)
    ]
    first, last = "1", f"{len(values):,}"
    return [*lines, (Span(" " * (margin + 2)), Span(first.ljust(max(1, room - len(last))) + last, "dim"))]


def spans_plot(curve: Mapping[str, Any], cells: int, rows: int) -> Panel:
    """Draw a long list that the engine told in spans: the reach of each span as dots, the best so far as a line over them."""
    said = f"{curve['measured']} of {curve['count']:,}, oldest first; dots reach from least to greatest, the line is the highest so far"
    known = [value for name in ("least", "greatest") for value in curve[name] if value is not None]
    if rows < 3 or cells < 12 or not known:
        return Panel(said, [])
    low, high = bounds(known)
    margin = max(len(number(high, 3)), len(number(low, 3)))
    room = cells - margin - 2
    grid = [[0] * room for _ in range(rows - 1)]
    last = max(1, len(curve["least"]) - 1)
    for i, (least, greatest) in enumerate(zip(curve["least"], curve["greatest"], strict=True)):
        if least is None or greatest is None:
            continue
        x = i * (room * 2 - 1) // last
        ends = [
            min((rows - 1) * 4 - 1, int(_share(v, low, high) * (rows - 1) * 4)) for v in (least, greatest)
        ]
        for y in range(ends[0], ends[1] + 1):
            grid[rows - 2 - y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    dots = ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in grid]
    steps = [curve["best"][x * last // (room * 2 - 1)] for x in range(room * 2)]
    over = _dotted(steps, low, high, room, rows - 1)
    labels = {0: number(high, 3), rows - 2: number(low, 3)}
    lines: list[Line] = [
        (
            cell(labels.get(row, ""), margin, "dim", right=True),
            Span(" ┤", "dim"),
            *_both(dots[row], over[row]),
        )
        for row in range(rows - 1)
    ]
    end = f"{curve['count']:,}"
    return Panel(
        said, [*lines, (Span(" " * (margin + 2)), Span("1".ljust(max(1, room - len(end))) + end, "dim"))]
    )


def _both(dots: str, line: str) -> list[Span]:
    """Lay the best line over the dots, one span a run of the same kind."""
    runs: list[Span] = []
    for under, over in zip(dots, line, strict=True):
        char, role = (over, "ok") if over != " " else (under, "bar")
        if runs and runs[-1].role == role:
            runs[-1] = Span(runs[-1].text + char, role)
        else:
            runs.append(Span(char, role))
    return runs


def _axis(window: float, room: int) -> str:
    left, middle, right = f"-{duration(window)}", f"-{duration(window / 2)}", "now"
    if room < len(left) + len(right) + 2:
        return right.rjust(room)
    text = left.ljust(room - len(right)) + right
    if room >= 40:
        at = room // 2 - len(middle) // 2
        text = text[:at] + middle + text[at + len(middle) :]
    return text


def _share(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _blocks(values: Values, low: float, high: float, room: int, rows: int) -> list[str]:
    heights = [
        None if point is None else max(1, round(_share(point, low, high) * rows * 8))
        for point in resample(values, room)
    ]
    return [
        "".join(
            " " if each is None else EIGHTHS[min(8, max(0, each - (rows - 1 - row) * 8))] for each in heights
        )
        for row in range(rows)
    ]


def _dotted(
    values: Values, low: float, high: float, room: int, rows: int, *, means: bool = True
) -> list[str]:
    """Return rows of braille; without means every value is a dot of its own, spread over the whole width."""
    grid = [[0] * room for _ in range(rows)]
    last = max(1, len(values) - 1)
    placed = (
        enumerate(resample(values, room * 2))
        if means
        else ((i * (room * 2 - 1) // last, v) for i, v in enumerate(values))
    )
    for x, point in placed:
        if point is not None:
            y = min(rows * 4 - 1, int(_share(point, low, high) * rows * 4))
            grid[rows - 1 - y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in grid]
