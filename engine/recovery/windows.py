"""Which draws a lattice solves from: the first that suffice or, where some are wrong, runs of so many; or why none will do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.recovery.cuts import Cut
from engine.recovery.problem import Problem

SPARE_BITS = 20.0
"""Draws are taken until they say so much more than state and gap hold: chance solutions are rare then and boxes empty."""
MOST_BY_CHANCE_BITS = 6.0
"""Log2 of the chance solutions that few draws may leave."""
MOST_DIMENSIONS = 38
"""A wider lattice is not tried: reduced by LLL alone, its box has too many partial points (measured: 33 to 38 are the last that work)."""
LEAST_POWER = 0.5
"""A noisy history is tried where a run of right draws is at least so likely."""
MOST_REJECTED = 0.5
"""Calls that draw words again are tried where such a word inside the window is at most so likely."""


def hidden_bits(problem: Problem, cut: Cut) -> float:
    """Return log2 of the states and patterns asked about."""
    return cut.state_bits + math.log2(len(problem.patterns))


def enough(problem: Problem, cut: Cut, spare: float) -> int:
    """Return how many draws say `spare` bits more than state and gaps hold."""
    wanted = hidden_bits(problem, cut) + spare
    return next(n for n in itertools.count(1) if cut.says(n) >= wanted)


def usable(problem: Problem, cut: Cut) -> list[int]:
    """Return the places of the draws that some word makes."""
    draws = problem.draws
    values = np.unique(draws[(draws >= problem.lo) & (draws <= problem.hi)]).tolist()
    makeable = [value for value in values if cut.known(value - problem.lo)]
    return [int(place) for place in np.flatnonzero(np.isin(draws, makeable))]


def widths(problem: Problem, cut: Cut, places: Sequence[int]) -> tuple[int, ...]:
    """Return the widest box of each unknown over usable draws."""
    known = [cut.known(value) for value in {int(problem.draws[place]) - problem.lo for place in places}]
    return tuple(max(each) for each in zip(*(widths for _, widths in filter(None, known)), strict=True))


@dataclass(frozen=True)
class Windows:
    """Sets of draws of one shape, read by one cut: `offsets` from each of the `firsts` on.

    `widths` are the widest boxes of the unknowns over all their draws, `power` the chance that some set is right.
    """

    cut: Cut
    offsets: tuple[int, ...]
    firsts: tuple[int, ...]
    widths: tuple[int, ...]
    power: float


@dataclass(frozen=True)
class Refusal:
    """Why nothing is solved, how many draws could be (None: no number), and whether the draws exclude every state."""

    reason: str
    need: int | None = None
    excluded: bool = False


def windows_of(problem: Problem, cut: Cut, budget: int) -> Windows | Refusal:
    """Return what to solve from; under noise at most `budget` runs."""
    places = usable(problem, cut)
    size = min(len(places), enough(problem, cut, SPARE_BITS))
    cut = cut.sweeping(size)
    refusal = _undecided(problem, cut, len(places)) or _beyond(problem, cut, size)
    if refusal is not None:
        return refusal
    windows = (
        _runs(problem, cut, places, size, budget) if problem.noise else _first(problem, cut, places[:size])
    )
    if isinstance(windows, Windows) and rejected(problem, windows) > MOST_REJECTED:
        return Refusal("words drawn again make the gaps uneven: hardly a window has none")
    return windows


def _undecided(problem: Problem, cut: Cut, count: int) -> Refusal | None:
    if not problem.noise and count < len(problem.present):
        return Refusal("no word makes one of the draws", excluded=True)
    need = enough(problem, cut, -MOST_BY_CHANCE_BITS)
    if count >= need:
        return None
    text = f"{count} draws say {cut.says(count):.0f} bits, state and gap hold {hidden_bits(problem, cut):.0f}"
    return Refusal(f"{text}: need {need} draws", need)


def _beyond(problem: Problem, cut: Cut, size: int) -> Refusal | None:
    wide = len(cut.coefficients) * size
    if wide <= MOST_DIMENSIONS:
        return None
    shown = f"draws of {problem.hi - problem.lo + 1} values say too little each"
    return Refusal(
        f"{shown}: {size} of them make a lattice of {wide} dimensions, and {MOST_DIMENSIONS} can be searched"
    )


def _first(problem: Problem, cut: Cut, chosen: list[int]) -> Windows:
    offsets = tuple(place - chosen[0] for place in chosen)
    return Windows(cut, offsets, (chosen[0],), widths(problem, cut, chosen), 1.0)


def _runs(problem: Problem, cut: Cut, places: list[int], size: int, budget: int) -> Windows | Refusal:
    there = set(places)
    reach = range(min(len(problem.draws), budget + size - 1))
    power = run_chance([place in there for place in reach], size, problem.noise)
    if power < LEAST_POWER:
        lengths = range(size, budget + size)
        need = next((n for n in lengths if run_chance([True] * n, size, problem.noise) >= LEAST_POWER), None)
        text = f"at {problem.noise:.0%} wrong draws a run of {size} right ones has probability {power:.2g}"
        return Refusal(text, need)
    firsts = tuple(p for p in reach[: len(reach) - size + 1] if there.issuperset(range(p, p + size)))
    boxes = widths(problem, cut, sorted(there.intersection(reach)))
    return Windows(cut, tuple(range(size)), firsts, boxes, power)


def run_chance(there: Sequence[bool], size: int, noise: float) -> float:
    """Return the chance that `size` draws in a row are right: with 1 - `noise` each, never where one is missing (False)."""
    runs = [1.0] + [0.0] * size  # by the length of the run up to here; the last entry: one was long enough
    for present in there:
        right = present * (1.0 - noise)
        longer = [run * right for run in runs[:size]]
        runs = [sum(runs[:size]) * (1.0 - right), *longer[:-1], runs[size] + longer[-1]]
    return runs[size]


def rejected(problem: Problem, windows: Windows) -> float:
    """Return the chance, at the widest gap, that a word inside a window was drawn again."""
    words = (windows.offsets[-1] * (problem.widest + 1) + 1) * windows.cut.words
    return 1.0 - (1.0 - windows.cut.rejected) ** words
