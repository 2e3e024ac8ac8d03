"""A series as a plot: blocks or braille dots, an axis with unit and window, gaps as gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tui.model.panel import Panel
from tui.model.spark import EIGHTHS, Values, resample
from tui.model.text import Line, Span, cell
from tui.model.words import duration, number

if TYPE_CHECKING:
    from tui.model.listing import Page

PRUNED = "○"
SIDE = 16
"""Cells beside a histogram for what it counts."""
_DOTS = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))
"""Bits of a braille cell from its lowest row up, left and right."""


def bounds(values: Values, *, zero: bool = False) -> tuple[float, float]:
    """Return the ends of the axis: round numbers, at least a tenth of the value apart, so that noise looks small."""
    known = [value for value in values if value is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    reach = max(high - low, 0.1 * abs(high)) or 1.0
    if zero or low >= 0 > low - (reach - (high - low)) / 2:
        low, high = min(0.0, low), max(high, low + reach)
    else:
        middle = (low + high) / 2
        low, high = middle - reach / 2, middle + reach / 2
    unit = 10 ** math.floor(math.log10(max(high - low, 1e-9))) / 2
    return math.floor(low / unit) * unit, math.ceil(high / unit) * unit


def plot(
    values: Values,
    seconds: float,
    cells: int,
    rows: int,
    *,
    zero: bool = False,
    dots: bool = False,
    end: str = "now",
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
    return [*lines, (Span(" " * (margin + 2)), Span(_axis(seconds * len(values), room, end), "dim"))]


def cloud(values: Values, cells: int, rows: int, marks: Sequence[float] = ()) -> list[Line]:
    """Draw measured values in their order as dots, with the highest so far as a line over them; marks stand on the axis."""
    if rows < 3 or cells < 12 or not any(value is not None for value in values):
        return []
    ends = bounds(values)
    room = _room(ends, cells)
    best: list[float | None] = []
    for value in values:
        before = best[-1] if best else None
        best.append(value if before is None or (value is not None and value > before) else before)
    dots = _dotted(values, *ends, room, rows - 1, means=False)
    return _framed(dots, best, ends, cells, _marked(marks, len(values), room))


def spans_plot(curve: Mapping[str, Any], cells: int, rows: int) -> Panel:
    """Draw a long list that the engine told in spans: the reach of each span as dots, the best so far as a line over them."""
    marks = curve.get("marked", ())
    said = f"{curve['measured']} of {curve['count']:,}, oldest first; dots reach from least to greatest, the line is the highest so far"
    said += f"; {PRUNED} half or more pruned, · some" if any(marks) else ""
    known = [value for name in ("least", "greatest") for value in curve[name] if value is not None]
    if rows < 3 or cells < 12 or not known:
        return Panel(said, [])
    low, high = bounds(known)
    room = _room((low, high), cells)
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
    return Panel(said, _framed(dots, curve["best"], (low, high), cells, _marked(marks, curve["count"], room)))


def scores_plot(told: Mapping[str, Any], cells: int, rows: int) -> Panel | None:
    """Draw the scores of survivors as a histogram, that of their null twins below it; None before step 3 made any."""
    if told["lo"] is None or rows < 3 or cells < 24:
        return None
    of, above = told["of"], told["above"]
    more = (
        f"; {above} above every null twin"
        if above is not None
        else "; no null twin was scored in the same turn"
    )
    half = max(1, (rows - 1) // 2)
    room = cells - SIDE
    lines: list[Line] = []
    for name, role in (("survivors", "bar"), ("null", "dim")):
        counts = told[name]
        wide = [counts[x * len(counts) // room] for x in range(room)]
        drawn = _blocks([each or None for each in wide], 0, max(1, *counts), room, half)
        heads = [f"{name} {of[name]:,}", f"most {max(counts):,}"] + [""] * half
        lines += [(cell(heads[at], SIDE, "dim"), Span(text, role)) for at, text in enumerate(drawn)]
    low, high = f"{number(told['lo'], 3)}", f"{number(told['hi'], 3)} score"
    axis = low.ljust(max(1, room - len(high))) + high
    said = f"scores of {of['survivors']:,} survivor{'s' * (of['survivors'] != 1)} beside {of['null']:,} null twins{more}"
    return Panel(said, [*lines, (Span(" " * SIDE), Span(axis, "dim"))])


def _room(ends: tuple[float, float], cells: int) -> int:
    """Return the cells that a plot has beside its labels."""
    return cells - max(len(number(end, 3)) for end in ends) - 2


def _marked(marks: Sequence[float], count: int, room: int) -> str:
    """Return the axis of an order: 1 and the last number at its ends, and a mark where rows were pruned."""
    first, last = "1", f"{count:,}"
    axis = list(first.ljust(max(1, room - len(last))) + last)
    shares: dict[int, list[float]] = {}
    for at, share in enumerate(marks):
        x = at * (room * 2 - 1) // max(1, len(marks) - 1) // 2
        shares.setdefault(x, []).append(share)
    for x, found in shares.items():
        mean = sum(found) / len(found)
        if mean and x < len(axis) and axis[x] == " ":
            axis[x] = PRUNED if mean >= 0.5 else "·"
    return "".join(axis)


def _framed(
    dots: Sequence[str], best: Values, ends: tuple[float, float], cells: int, axis: str
) -> list[Line]:
    """Return rows of dots with the best line over them, labels at the left and an axis below."""
    low, high = ends
    room, rows = _room(ends, cells), len(dots)
    margin = cells - room - 2
    last = max(1, len(best) - 1)
    steps = [best[x * last // (room * 2 - 1)] for x in range(room * 2)] if len(best) > 1 else list(best)
    over = _dotted(steps, low, high, room, rows)
    labels = {0: number(high, 3), rows - 1: number(low, 3)}
    lines: list[Line] = [
        (
            cell(labels.get(row, ""), margin, "dim", right=True),
            Span(" ┤", "dim"),
            *_both(dots[row], over[row]),
        )
        for row in range(rows)
    ]
    return [*lines, (Span(" " * (margin + 2)), Span(axis, "dim"))]


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


def _axis(window: float, room: int, right: str) -> str:
    left, middle = f"-{duration(window)}", f"-{duration(window / 2)}"
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


PLOTTED: Mapping[str, str] = {"trials": "value", "episodes": "reward", "predictions": "bits"}
"""The column that measures, of lists whose rows follow each other in time."""


def measured(page: Page | None) -> tuple[str, list[float | None]]:
    """Return the column that a plot of this list shows, and its values oldest first, for the engine sends the newest first."""
    name = PLOTTED.get(page.name, "") if page is not None else ""
    if page is None or page.column(name) is None:
        return "", []
    values = [row.get(name) for row in reversed(page.rows)]
    return name, [float(value) if isinstance(value, int | float) else None for value in values]


MARKED: Mapping[str, str] = {"trials": "pruned"}
"""The state of rows that stand out in such a plot."""


def marked(page: Page) -> list[float]:
    """Return 1 for each row that stands out in the plot of this list, oldest first; empty where none can."""
    word = MARKED.get(page.name)
    return [float(row.get("state") == word) for row in reversed(page.rows)] if word else []
