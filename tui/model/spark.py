"""Bars from numbers: one-line sparks and small charts; a gap in the data stays a gap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tui.model.text import Line, Span, cell
from tui.model.words import duration, number

EIGHTHS = " ▁▂▃▄▅▆▇█"
Values = Sequence[float | None]


def resample(values: Values, cells: int) -> list[float | None]:
    """Return one number per cell, newest last: bucket means, None where a bucket holds nothing."""
    count = len(values)
    if cells <= 0:
        return []
    if count <= cells:
        return [*[None] * (cells - count), *values]
    edges = [index * count // cells for index in range(cells + 1)]
    return [_mean(values[low:high]) for low, high in pairwise(edges)]


def _mean(bucket: Values) -> float | None:
    known = [value for value in bucket if value is not None]
    return sum(known) / len(known) if known else None


def spark(values: Values, cells: int) -> str:
    """Return a one-line trend; its range spans at least a tenth of the value, so noise looks small."""
    points = resample(values, max(0, cells))
    known = [value for value in points if value is not None]
    if not known:
        return " " * max(0, cells)
    low, high = min(known), max(known)
    reach = max(high - low, 0.1 * abs(high), 1e-9)
    middle = (high + low) / 2
    return "".join(_eighth(point, middle - reach / 2, reach) for point in points)


def _eighth(value: float | None, low: float, reach: float) -> str:
    if value is None:
        return " "
    return EIGHTHS[1 + min(7, max(0, int((value - low) / reach * 7.999)))]


def bar(share: float, cells: int) -> str:
    """Return a progress bar of `cells` cells in eighths of a cell."""
    full, part = divmod(round(min(1.0, max(0.0, share)) * cells * 8), 8)
    tail = " ▏▎▍▌▋▊▉"[part] if part else ""
    return ("█" * full + tail).ljust(cells)


def chart(values: Values, seconds: float, cells: int, rows: int, *, end: str = "now") -> list[Line]:
    """Draw a bar chart from zero, newest at the right; time axis when five or more rows are there."""
    plot = rows - 1 if rows >= 5 else rows
    known = [value for value in values if value is not None]
    top = max(known, default=0.0)
    labels = ({plot - 1: "0"} if plot > 1 else {}) | ({0: number(top, 3)} if top or plot == 1 else {})
    margin = max(len(label) for label in labels.values())
    room = max(1, cells - margin - 2)
    points = resample(values, room)
    lines: list[Line] = [
        (
            cell(labels.get(row, ""), margin, "dim", right=True),
            Span(" ┤", "dim"),
            Span(_slice(points, top, plot, row), "bar"),
        )
        for row in range(plot)
    ]
    return lines if plot == rows else [*lines, _axis(values, seconds, margin, room, end)]


def _slice(points: Values, top: float, rows: int, row: int) -> str:
    base = (rows - 1 - row) * 8
    return "".join(_block(point, top, rows, base) for point in points)


def _block(value: float | None, top: float, rows: int, base: int) -> str:
    if value is None:
        return " "
    height = round(value / top * rows * 8) if top > 0 else 0
    floor = 1 if base == 0 else 0  # a measured zero is a thin line, a gap is nothing
    return EIGHTHS[min(8, max(floor, height - base))]


def _axis(values: Values, seconds: float, margin: int, room: int, end: str) -> Line:
    start = f"-{duration(seconds * len(values))}"
    text = (" " * (room - len(values)) + start).ljust(room - len(end))[: max(0, room - len(end))] + end
    return (Span(" " * (margin + 2)), Span(text[-room:], "dim"))
