"""Which draws a lattice solves from: the first that suffice or, where some are wrong, runs of so many; or why none will do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.recovery.cuts import Cut

Draws = np.ndarray[Any, np.dtype[np.int64]]
SPARE_BITS = 20.0
"""Draws are taken until they say so much more than state and gap hold: chance solutions are rare then and boxes empty."""
MOST_BY_CHANCE_BITS = 6.0
"""Log2 of the chance solutions that few draws may leave."""
MOST_DIMENSIONS = 64
"""A wider lattice is not tried: its box has too many partial points."""
LEAST_POWER = 0.5
"""A noisy history is tried where a run of right draws is at least so likely."""
MOST_REJECTED = 0.5
"""Calls that draw words again are tried where such a word inside the window is at most so likely."""


@dataclass(frozen=True)
class Asked:
    """One question: int64 (n,) draws with -1 for a missing one, what made them, which gaps, and the share of wrong draws."""

    draws: Draws
    family: str
    mapping: str
    lo: int
    hi: int
    gaps: tuple[int, int]
    noise: float
    cut: Cut

    def widths(self, places: Sequence[int]) -> tuple[int, ...]:
        """Return the widest box of each unknown over usable draws."""
        known = [self.cut.known(value) for value in {int(self.draws[place]) - self.lo for place in places}]
        return tuple(max(each) for each in zip(*(widths for _, widths in filter(None, known)), strict=True))

    @property
    def draw_bits(self) -> float:
        """Return what one draw says."""
        return math.log2(self.hi - self.lo + 1)

    @property
    def hidden_bits(self) -> float:
        """Return log2 of the states and gaps asked about."""
        return self.cut.state_bits + math.log2(self.gaps[1] - self.gaps[0] + 1)

    def enough(self, spare: float) -> int:
        """Return how many draws say `spare` bits more than state and gap hold."""
        return next(n for n in itertools.count(1) if self.cut.says(n) >= self.hidden_bits + spare)

    @property
    def size(self) -> int:
        """Return how many draws to solve from."""
        return min(len(self.usable), self.enough(SPARE_BITS))

    @cached_property
    def usable(self) -> list[int]:
        """Return the places of the draws that some word makes."""
        values = np.unique(self.draws[(self.draws >= self.lo) & (self.draws <= self.hi)]).tolist()
        makeable = [value for value in values if self.cut.known(value - self.lo)]
        return [int(place) for place in np.flatnonzero(np.isin(self.draws, makeable))]


@dataclass(frozen=True)
class Windows:
    """Sets of draws of one shape: `offsets` from each of the `firsts` on.

    `widths` are the widest boxes of the unknowns over all their draws, `power` the chance that some set is right.
    """

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


def windows_of(asked: Asked, budget: int) -> Windows | Refusal:
    """Return what to solve from; under noise at most `budget` runs."""
    refusal = _undecided(asked) or _beyond(asked)
    if refusal is not None:
        return refusal
    windows = _runs(asked, budget) if asked.noise else _first(asked)
    if isinstance(windows, Windows) and rejected(asked, windows) > MOST_REJECTED:
        return Refusal("words drawn again make the gaps uneven: hardly a window has none")
    return windows


def _undecided(asked: Asked) -> Refusal | None:
    if not asked.noise and len(asked.usable) < np.count_nonzero(asked.draws != -1):
        return Refusal("no word makes one of the draws", excluded=True)
    need = asked.enough(-MOST_BY_CHANCE_BITS)
    if len(asked.usable) >= need:
        return None
    count, hidden = len(asked.usable), asked.hidden_bits
    text = f"{count} draws say {asked.cut.says(count):.0f} bits, state and gap hold {hidden:.0f}"
    return Refusal(f"{text}: need {need} draws", need)


def _beyond(asked: Asked) -> Refusal | None:
    wide = len(asked.cut.coefficients) * asked.size
    if wide <= MOST_DIMENSIONS:
        return None
    text = f"{asked.draw_bits:.2f} bits a draw need a lattice of {wide} dimensions"
    return Refusal(f"{text}, more than {MOST_DIMENSIONS}")


def _first(asked: Asked) -> Windows:
    chosen = asked.usable[: asked.size]
    offsets = tuple(place - chosen[0] for place in chosen)
    return Windows(offsets, (chosen[0],), asked.widths(chosen), 1.0)


def _runs(asked: Asked, budget: int) -> Windows | Refusal:
    size, there = asked.size, set(asked.usable)
    reach = range(min(len(asked.draws), budget + size - 1))
    power = run_chance([place in there for place in reach], size, asked.noise)
    if power < LEAST_POWER:
        lengths = range(size, budget + size)
        need = next((n for n in lengths if run_chance([True] * n, size, asked.noise) >= LEAST_POWER), None)
        text = f"at {asked.noise:.0%} wrong draws a run of {size} right ones has probability {power:.2g}"
        return Refusal(text, need)
    firsts = tuple(p for p in reach[: len(reach) - size + 1] if there.issuperset(range(p, p + size)))
    return Windows(tuple(range(size)), firsts, asked.widths(sorted(there.intersection(reach))), power)


def run_chance(there: Sequence[bool], size: int, noise: float) -> float:
    """Return the chance that `size` draws in a row are right: with 1 - `noise` each, never where one is missing (False)."""
    runs = [1.0] + [0.0] * size  # by the length of the run up to here; the last entry: one was long enough
    for present in there:
        right = present * (1.0 - noise)
        longer = [run * right for run in runs[:size]]
        runs = [sum(runs[:size]) * (1.0 - right), *longer[:-1], runs[size] + longer[-1]]
    return runs[size]


def rejected(asked: Asked, windows: Windows) -> float:
    """Return the chance, at the widest gap, that a word inside a window was drawn again."""
    words = (windows.offsets[-1] * (asked.gaps[1] + 1) + 1) * asked.cut.words
    return 1.0 - (1.0 - asked.cut.rejected) ** words
