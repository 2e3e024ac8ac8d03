"""The six figures of a report, each made from what the run recorded."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from engine.evidence.calibration import poisson_bounds
from engine.evidence.power import clopper_pearson_lower
from engine.report import floored, quantity
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
from engine.search.analysis import Analysis, NotTested
from engine.search.cell import Cell
from engine.search.ranges import parse_range
from engine.search.recorded import LARGEST, cell_of

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
        f"{hits} of {scored} draws match; chance expects {_amount(float(along.chance[-1]))}.",
        Axis("draw (1 = oldest)", 1, max(2, len(along))), Axis("matches so far", 0, top),
        [Series("matches", seen, 0, step=True), Series("chance", by_chance, 1)], spans=_blocks(along), ticks=Ticks(_tick_marks(along)),
    )  # fmt: skip
    each = (
        ""
        if len(along) <= MOST_POINTS
        else f" Each tick stands for {_width(along)} draws, and lines are thinned."
    )
    missing = " Missing draws are gaps." if scored < len(along) else ""
    kept = " It was kept for its matches in the search block." if along.edge else ""
    return Figure(plot, f"{plot.text}{kept}{missing}{each}")


def evidence(along: Along, name: str, required: float) -> Figure:
    """Show the e-process of a claim on the draws that the search never saw."""
    points = [
        (place + 1, _unless_missing(along, place, along.bits(place)))
        for place in _places(len(along), along.edge)
    ]
    values = [value for _, value in points if value is not None]
    crossed = along.crossing(required)
    when = "It never reaches the line." if crossed is None else f"It crosses the line at draw {crossed + 1}."
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


class Part(NamedTuple):
    """One part of the space, ordered from small to large; `seeds` is as people write it."""

    size: int
    seeds: str
    starts: tuple[int, int]
    gaps: tuple[int, int]
    law: str

    @classmethod
    def of(cls, kind: str, seeds: str, starts: tuple[int, int], gaps: tuple[int, int], law: str) -> Part:
        """Return the part with these seeds (or, by `kind`, states), given in the notation of ranges."""
        return cls(parse_range(seeds, what=kind, highest=LARGEST).size, _ends(kind, seeds), starts, gaps, law)

    def name(self) -> str:
        """Return the part in one line."""
        law = "" if self.law == "constant" else f" {self.law}"
        return f"{self.seeds} starts {_span(self.starts)} gaps {_span(self.gaps)}{law}"


class Status(NamedTuple):
    """What became of a family's cells in one part: those of a claimed family, powers of the excluded, left, not searchable."""

    claimed: int = 0
    powers: tuple[float, ...] = ()
    left: int = 0
    never: int = 0


BEYOND = Part(LARGEST << 1, "cannot be searched with these draws", (0, 0), (0, 0), "constant")


def coverage(analysis: Analysis) -> Figure | None:
    """Show families against parts of the space: excluded with which power, in part, not tested, not searchable."""
    table = _coverage_table(analysis)
    if not table:
        return None
    parts = sorted({part for row in table.values() for part in row})
    alike: dict[tuple[Square | None, ...], list[str]] = defaultdict(list)
    for family in sorted(table):
        alike[tuple(_square(table[family].get(part)) for part in parts)].append(family)
    rows = sorted(alike.items(), key=lambda item: (-_covered(item[0]), item[1]))
    left = sum(len(names) for _, names in rows[MOST_ROWS:])
    picture = Squares(
        "coverage", "What is excluded", f"{len(table)} families in rows, parts of the space in columns.",
        [part.seeds if part == BEYOND else part.name() for part in parts],
        [(_alike(names), squares) for squares, names in rows[:MOST_ROWS]],
        [("claim", "claimed"), ("full", "excluded, power in %"), ("part", "in part"), ("none", "not tested"), ("never", "cannot be searched")],
    )  # fmt: skip
    more = f" {left} more families, less covered, are not drawn." if left else ""
    note = "Families that look alike share a row; a square counts combinations of mapping and range, and its power is the lowest of them."
    return Figure(picture, f"{picture.text} {note}{more}")


def _covered(squares: Sequence[Square | None]) -> int:
    return sum(one is not None and one.kind in ("claim", "full", "part") for one in squares)


def _alike(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _coverage_table(analysis: Analysis) -> dict[str, dict[Part, Status]]:
    table: dict[str, dict[Part, Status]] = defaultdict(lambda: defaultdict(Status))
    claimed = {one.family for one in analysis.hypotheses}
    for one in analysis.excluded:
        part = Part.of(
            one.origins["kind"],
            one.origins["range"],
            one.starts,
            (one.gap["lo"], one.gap["hi"]),
            one.gap["law"],
        )
        known = table[one.family][part]
        holds = one.family in claimed
        searched = (
            known._replace(claimed=known.claimed + 1)
            if holds
            else known._replace(powers=(*known.powers, one.power))
        )
        table[one.family][part] = searched
    for other in analysis.not_tested:
        cell = _named_cell(other)
        part = BEYOND if cell is None else _part(cell)
        known = table[other.family][part]
        table[other.family][part] = known._replace(
            left=known.left + (cell is not None), never=known.never + (cell is None)
        )
    return table


def _named_cell(one: NotTested) -> Cell | None:
    """Return the cell that a reason names (`why: key`); None where nothing of the kind was planned."""
    head = f": {one.family}|{one.mapping}|"
    return cell_of(one.family, one.mapping, one.reason.partition(head)[2]) if head in one.reason else None


def _part(cell: Cell) -> Part:
    return Part.of(cell.kind, cell.seeds.text(), cell.starts, cell.gaps, cell.law)


def _ends(kind: str, seeds: str) -> str:
    """Return a range of seeds or states in few letters: powers of two as such, the days of times."""
    if ".." in seeds:
        first, _, last = seeds.partition("..")
        return f"times {first[:10]}..{last[:10]}"
    ends = parse_range(seeds, what=kind, highest=LARGEST)
    return f"{kind}s " + ":".join(_power_of_two(end) for end in dict.fromkeys(ends[:2]))


def _power_of_two(value: int) -> str:
    return f"2^{(value + 1).bit_length() - 1}−1" if value > 1023 and value & (value + 1) == 0 else str(value)


def _span(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}:{ends[1]}"


def _square(status: Status | None) -> Square | None:
    if status is None:
        return None
    claimed, powers, left, never = status
    if claimed:
        return Square(
            "claim",
            "claim",
            f"{claimed} cells searched; a claim names this family, so nothing of it is excluded",
        )
    if never:
        return Square(
            "never", "×", f"{never} combinations of mapping and range cannot be searched with these draws"
        )
    if not powers:
        return Square("none", "", f"none of {left} cells tested")
    least = f"power at least {floored(min(powers), 1)}"
    if left:
        return Square(
            "part",
            f"{len(powers)}/{len(powers) + left}",
            f"{len(powers)} of {len(powers) + left} cells excluded, {least}",
        )
    return Square("full", f"{math.floor(min(powers) * 100)}", f"all {len(powers)} cells excluded, {least}")


MOST_BINS = 8
TWINS = 2


def reliability(cells: Sequence[CellCount]) -> Figure | None:
    """Show how many survivors the null twins met in cells for which chance foretells so many: on the diagonal, chance is reckoned right."""
    bins = _alike_by_chance([one for one in cells if one.chunks])
    if not bins:
        return None
    told, seen, low, high = [], [], [], []
    for group in bins:
        looks = TWINS * len(group)
        met = sum(one.shuffled + one.uniform for one in group)
        bounds = poisson_bounds(met)
        told.append(sum(one.expected for one in group) / len(group))
        seen.append(met / looks)
        low.append(bounds[0] / looks)
        high.append(bounds[1] / looks)
    inside = sum(a <= x <= b for x, a, b in zip(told, low, high, strict=True))
    total, chance = (
        sum(one.shuffled + one.uniform for one in cells),
        TWINS * sum(one.expected for one in cells),
    )
    least, most = poisson_bounds(total)
    text = (
        f"Both twins met {total} survivors, chance expects {chance:.4g} (the interval of the count is {least:.4g} to {most:.4g}); "
        f"the expectation lies in the interval of {inside} of {len(bins)} groups of cells."
    )
    top = max(*told, *high)
    lines = {
        "met by the twins": seen,
        "95 % interval, low": low,
        "95 % interval, high": high,
        "as chance foretells": told,
    }
    plot = Plot(
        "reliability", "Reliability of the chance line", text, Axis("survivors a cell that chance expects", 0, max(told) or 1.0),
        Axis("survivors a cell and twin", 0, top or 1.0),
        [Series(name, _drawn(told, values), style) for style, (name, values) in enumerate(lines.items())],
    )  # fmt: skip
    return Figure(
        plot,
        f"{text} Cells are grouped by what chance expects of them. Intervals are those of events that come singly; neighbouring seeds of some generators survive together, so their counts stray further.",
    )


def _drawn(places: Sequence[float], values: Sequence[float]) -> list[tuple[float, Value]]:
    """Return the points of a line; a single one becomes a dash, which can be seen."""
    if len(places) == 1:
        return [(places[0] * share, values[0]) for share in (0.9, 1.0)]
    return list(zip(places, values, strict=True))


def _alike_by_chance(cells: Sequence[CellCount]) -> list[list[CellCount]]:
    """Return the cells in at most MOST_BINS groups, from those where chance expects least to those where it expects most."""
    same: dict[float, list[CellCount]] = defaultdict(list)
    for one in sorted(cells, key=lambda one: one.expected):
        same[float(f"{one.expected:.6g}")].append(one)
    groups = list(same.values())
    size = math.ceil(len(groups) / MOST_BINS) or 1
    return [
        [one for group in groups[first : first + size] for one in group]
        for first in range(0, len(groups), size)
    ]


def calibration(cells: Iterable[CellCount]) -> Figure | None:
    """Show how many planted truths the kernels found, by part of the space, with the lower 95 % bound."""
    counts: dict[Part, tuple[int, int]] = {}
    for one in cells:
        found, planted = counts.get(_part(one.cell), (0, 0))
        counts[_part(one.cell)] = (found + one.found, planted + one.planted)
    rows = [_rate(part.name(), *pair) for part, pair in sorted(counts.items()) if pair[1]]
    if not rows:
        return None
    found, planted = (sum(column) for column in zip(*counts.values(), strict=True))
    least = min(one.lower for one in rows)
    picture = Rates(
        "calibration", "Planted truths found", f"{found} of {planted} planted truths were found, at least {floored(clopper_pearson_lower(found, planted), 2)} of such truths at 95 % confidence.",
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
    """Return the value, or None where it is not finite or all draws that the point stands for are missing."""
    missing = bool((along.marks[place : place + _width(along)] == MISSING).all())
    return None if missing or not math.isfinite(value) else value


def _amount(value: float) -> str:
    return quantity(value) if value >= 1000 else f"{value:.3g}"


def _bits(value: Value) -> str:
    return "none" if value is None else f"{value:.1f} bits"


def _around(label: str, values: Sequence[float]) -> Axis:
    """Return an axis that shows all values with a little air."""
    air = 0.05 * ((max(values) - min(values)) or 1.0)
    return Axis(label, min(values) - air, max(values) + air)
