"""The five figures of a report, each made from what the run recorded."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np

from engine.evidence.power import clopper_pearson_lower
from engine.report import quantity
from engine.run_report.along import HIT, MISSING, Along
from engine.run_report.document import Figure
from engine.run_report.facts import CellCount, Facts
from engine.run_report.plot import (
    MOST_POINTS,
    Axis,
    Level,
    Plot,
    Rate,
    Rates,
    Series,
    Span,
    Square,
    Squares,
    Ticks,
    Value,
)
from engine.search.analysis import Analysis, Excluded
from engine.search.plan import Cell
from engine.search.recorded import cell_of

MOST_ROWS = 40


def matches(along: Along, name: str) -> Figure:
    """Show where a hypothesis hits and misses, and its matches so far beside those that chance expects."""
    places = _places(len(along))
    seen = [(place + 1, _unless_missing(along, place, float(along.matches[place]))) for place in places]
    by_chance = [(place + 1, float(along.chance[place])) for place in places]
    top = max(float(along.matches[-1]), float(along.chance[-1]), 1.0)
    hits, scored = int((along.marks == HIT).sum()), int((along.marks != MISSING).sum())
    plot = Plot(
        "matches", f"Matches of {name} along the draws",
        f"{hits} of {scored} draws match; chance expects {along.chance[-1]:.2g}.",
        Axis("draw (1 = oldest)", 1, max(2, len(along))), Axis("matches so far", 0, top),
        [Series("matches", seen, 0), Series("chance", by_chance, 1)], spans=_blocks(along), ticks=Ticks(_tick_marks(along)),
    )  # fmt: skip
    each = (
        ""
        if len(along) <= MOST_POINTS
        else f" Each tick stands for {_width(along)} draws, and lines are thinned."
    )
    missing = " Missing draws are gaps." if scored < len(along) else ""
    return Figure(plot, f"{plot.text}{missing}{each}")


def evidence(along: Along, name: str, required: float) -> Figure:
    """Show the e-process of a claim on the draws that the search never saw."""
    points = [
        (place + 1, _finite(along.bits(place)) if along.marks[place] != MISSING else None)
        for place in _places(len(along), along.edge)
    ]
    values = [value for _, value in points if value is not None]
    crossed = next((int(x) for x, value in points if value is not None and value >= required), None)
    when = "It never reaches the line." if crossed is None else f"It crosses the line at draw {crossed}."
    unseen = "unseen draws" if along.edge else "draws, all hypotheses tried being paid for"
    plot = Plot(
        "evidence", f"Evidence for {name} over the draws", f"Bits of evidence on the {unseen}. {when}",
        Axis("draw (1 = oldest)", 1, max(2, len(along))), _around("evidence (bits)", [*values, 0.0, required]),
        [Series("evidence of the claim", points, 0)], [Level(f"a claim needs {required:.1f} bits", required)],
        _blocks(along),
    )  # fmt: skip
    return Figure(
        plot,
        f"{plot.text} Rejecting chance at the line is valid at any draw; the price of the search is paid before the first one.",
    )


def leaders(facts: Facts, required: float) -> Figure | None:
    """Show the best survivor so far of the real draws and of the null twins over the search; None where nothing survived."""
    steps = [one for one in facts.improvements if one.bits is not None or one.null_bits is not None]
    if not steps:
        return None
    end = float(max(steps[-1].hypotheses, sum(one.hypotheses for one in facts.cells)))
    real = [*((float(one.hypotheses), one.bits) for one in steps), (end, steps[-1].bits)]
    null = [*((float(one.hypotheses), one.null_bits) for one in steps), (end, steps[-1].null_bits)]
    values = [value for _, value in [*real, *null] if value is not None]
    plot = Plot(
        "leaders", "Best evidence over the search", f"Best of the real draws {_bits(steps[-1].bits)}, of the null twins {_bits(steps[-1].null_bits)}; a claim needs {required:.1f}.",
        Axis("hypotheses tested", 0, end), _around("evidence (bits)", [*values, 0.0, required]),
        [Series("best of the real draws", real, 0, step=True), Series("best of the null twins", null, 1, step=True)],
        [Level(f"a claim needs {required:.1f} bits", required)],
    )  # fmt: skip
    return Figure(
        plot,
        f"{plot.text} Every survivor is weighed on draws that the search never saw, so most fall far below zero.",
    )


def survivors(cells: Sequence[CellCount]) -> Figure:
    """Show survivors of the real draws and of both null twins beside what chance expects, summed over the cells in order."""
    run = [float(value) for value in accumulate(one.hypotheses for one in cells)]
    lines: dict[str, list[float]] = {
        "real draws": [one.real for one in cells], "shuffled twin": [one.shuffled for one in cells],
        "uniform twin": [one.uniform for one in cells], "chance expects": [one.expected for one in cells],
    }  # fmt: skip
    sums = {name: [0.0, *accumulate(values)] for name, values in lines.items()}
    at = [float(number) for number in range(len(cells) + 1)]
    plot = Plot(
        "survivors", "Survivors, cell by cell", "; ".join(f"{name} {values[-1]:.3g}" for name, values in sums.items()) + ".",
        Axis("cells in the order of search", 0, max(1.0, at[-1])), Axis("survivors so far", 0, max(1.0, *(values[-1] for values in sums.values()))),
        [Series(name, list(zip(at, values, strict=True)), style, step=style < 3) for style, (name, values) in enumerate(sums.items())],
    )  # fmt: skip
    total = quantity(run[-1]) if run else "0"
    return Figure(
        plot, f"{plot.text} {len(cells)} cells, {total} hypotheses. Survivors of the twins are chance alone."
    )


def coverage(analysis: Analysis) -> Figure | None:
    """Show families against parts of the space: excluded with which power, in part, not tested, not searchable."""
    table = _coverage_table(analysis)
    if not table:
        return None
    columns = sorted({column for row in table.values() for column in row}, key=_column_order)
    alike: dict[tuple[Square | None, ...], list[str]] = defaultdict(list)
    for family in sorted(table):
        alike[tuple(_cell_square(table[family].get(column)) for column in columns)].append(family)
    rows = sorted(
        alike.items(),
        key=lambda item: (-sum(one is not None and one.kind in ("full", "part") for one in item[0]), item[1]),
    )
    shown = rows[:MOST_ROWS]
    picture = Squares(
        "coverage", "What is excluded", f"{len(table)} families in rows, parts of the space in columns.", columns,
        [(names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", squares) for squares, names in shown],
        [("full", "excluded, power in %"), ("part", "in part"), ("none", "not tested"), ("never", "cannot be searched")],
    )  # fmt: skip
    left = sum(len(names) for _, names in rows[MOST_ROWS:])
    more = f" {left} more families, less covered, are not drawn." if left else ""
    return Figure(
        picture,
        f"{picture.text} Families that look alike share a row; the power is the lowest of the square.{more}",
    )


Status = tuple[list[float], int, int]
"""Powers of excluded cells, cells not tested, cells that cannot be searched."""
BEYOND = "not searchable\nwith these draws"


def _coverage_table(analysis: Analysis) -> dict[str, dict[str, Status]]:
    table: dict[str, dict[str, Status]] = defaultdict(lambda: defaultdict(lambda: ([], 0, 0)))
    for one in analysis.excluded:
        powers, left, never = table[one.family][_column(one)]
        table[one.family][_column(one)] = ([*powers, one.power], left, never)
    for other in analysis.not_tested:
        cell = _untested_cell(other.family, other.mapping, other.reason)
        column = BEYOND if cell is None else _name(cell.seeds.text(), cell.starts, cell.gaps, cell.law)
        powers, left, never = table[other.family][column]
        table[other.family][column] = (powers, left + (cell is not None), never + (cell is None))
    return table


def _untested_cell(family: str, mapping: str, reason: str) -> Cell | None:
    """Return the cell that a reason names (`why: key`); None where nothing of the kind was planned."""
    head = f": {family}|{mapping}|"
    return cell_of(family, mapping, reason.partition(head)[2]) if head in reason else None


def _column(one: Excluded) -> str:
    return _name(one.origins["range"], one.starts, (one.gap["lo"], one.gap["hi"]), one.gap["law"])


def _name(seeds: str, starts: tuple[int, int], gaps: tuple[int, int], law: str) -> str:
    law = "" if law == "constant" else f" {law}"
    return f"{_ends(seeds)}\nstarts {starts[0]}:{starts[1]}\ngaps {gaps[0]}:{gaps[1]}{law}"


def _ends(seeds: str) -> str:
    """Return a seed range in as few letters as a column has: powers of two as such, the day of times."""
    if ".." in seeds:
        first, _, last = seeds.partition("..")
        return f"{first[2:10]}..{last[2:10]}"
    return "seeds " + ":".join(_power_of_two(int(end)) for end in seeds.split(":"))


def _power_of_two(value: int) -> str:
    return f"2^{(value + 1).bit_length() - 1}-1" if value > 1023 and value & (value + 1) == 0 else str(value)


def _column_order(name: str) -> tuple[bool, int, str]:
    return name == BEYOND, len(name), name


def _cell_square(status: Status | None) -> Square | None:
    if status is None:
        return None
    powers, left, never = status
    if never:
        return Square(
            "never", "×", f"{never} combinations of mapping and range cannot be searched with these draws"
        )
    if not powers:
        return Square("none", "", f"none of {left} cells tested")
    least = f"power at least {min(powers):.1%}"
    if left:
        return Square(
            "part",
            f"{len(powers)}/{len(powers) + left}",
            f"{len(powers)} of {len(powers) + left} cells excluded, {least}",
        )
    return Square("full", f"{math.floor(min(powers) * 100)}", f"all {len(powers)} cells excluded, {least}")


def calibration(cells: Iterable[CellCount]) -> Figure | None:
    """Show how many planted truths the kernels found, by part of the space, with the lower 95 % bound."""
    counts: dict[str, tuple[int, int]] = {}
    for one in cells:
        name = _name(one.cell.seeds.text(), one.cell.starts, one.cell.gaps, one.cell.law).replace("\n", " ")
        found, planted = counts.get(name, (0, 0))
        counts[name] = (found + one.found, planted + one.planted)
    rows = [
        _rate(name, *pair)
        for name, pair in sorted(counts.items(), key=lambda item: (len(item[0]), item[0]))
        if pair[1]
    ]
    if not rows:
        return None
    found, planted = (sum(column) for column in zip(*counts.values(), strict=True))
    least = min(one.lower for one in rows)
    picture = Rates(
        "calibration", "Planted truths found", f"{found} of {planted} planted truths were found, at least {clopper_pearson_lower(found, planted):.2%} of such truths at 95 % confidence.",
        Axis("share found (point) and its lower 95 % bound (bar)", min(0.9, math.floor(least * 20) / 20), 1.0), rows,
    )  # fmt: skip
    return Figure(
        picture,
        f"{picture.text} Bound by Clopper and Pearson; truths run through the same kernels as the data, with as many wrong draws as the rule forgives.",
    )


def _rate(name: str, found: int, planted: int) -> Rate:
    return Rate(name, found / planted, clopper_pearson_lower(found, planted), f"{found} of {planted}")


def _blocks(along: Along) -> list[Span]:
    """Return the search block and the confirm block; in the all-draws design they are one."""
    if not along.edge:
        return [Span("all draws searched and scored", 1, max(2, len(along)))]
    return [Span("search block", 1, along.edge + 0.5), Span("confirm draws", along.edge + 0.5, len(along))]


def _width(along: Along) -> int:
    return math.ceil(len(along) / MOST_POINTS)


def _tick_marks(along: Along) -> list[tuple[float, float]]:
    """Return a tick for every draw, or for every few where they are many; missing draws have none."""
    width, marks = _width(along), []
    for first in range(0, len(along), width):
        part = along.marks[first : first + width]
        scored = int((part != MISSING).sum())
        if scored:
            marks.append((first + 1 + (len(part) - 1) / 2, float((part == HIT).sum() / scored)))
    return marks


def _places(count: int, first: int = 0) -> list[int]:
    """Return at most MOST_POINTS places first..count-1, both ends among them."""
    return sorted(
        {
            round(place)
            for place in np.linspace(first, count - 1, min(MOST_POINTS, max(0, count - first))).tolist()
        }
    )


def _unless_missing(along: Along, place: int, value: float) -> Value:
    return None if along.marks[place] == MISSING else value


def _finite(value: float) -> Value:
    return value if math.isfinite(value) else None


def _bits(value: Value) -> str:
    return "none" if value is None else f"{value:.1f} bits"


def _around(label: str, values: Sequence[float]) -> Axis:
    """Return an axis that shows all values with a little air."""
    air = 0.05 * ((max(values) - min(values)) or 1.0)
    return Axis(label, min(values) - air, max(values) + air)
