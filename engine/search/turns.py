"""Gaps that take turns: every period-th draw lies a constant number of calls on, so a search of constant gaps proposes and every pattern is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from engine.recovery.problem import Ints

Ends = tuple[int, int]


def allowances(counts: Sequence[int], missable: int) -> list[int]:
    """Return how many misses each turn is searched for, -1 for not at all.

    `counts` are the draws of each turn. Whatever misses more than these in every turn misses more than `missable` in all, so some
    turn proposes every hypothesis that counts; a turn of few draws is spared misses, because chance would fill it.
    """
    shares = [0] * len(counts)
    for _ in range(missable + 1):
        shares[max(range(len(counts)), key=lambda turn: counts[turn] - shares[turn])] += 1
    return [share - 1 for share in shares]


def constant_part(starts: Ends, gaps: Ends, period: int, turn: int) -> tuple[Ends, Ends]:
    """Return the starts and the constant gaps among which the draws of one turn lie."""
    strides = gaps[0] + 1, gaps[1] + 1
    moved = starts[0] + turn * strides[0], starts[1] + turn * strides[1]
    return moved, (period * strides[0] - 1, period * strides[1] - 1)


@dataclass(frozen=True)
class Turns:
    """All patterns of `period` gaps laid out over `width` draws."""

    lo: int
    hi: int
    period: int
    width: int

    @cached_property
    def gaps(self) -> Ints:
        """Return the patterns in the order of `Patterns`, one row each."""
        size = self.hi - self.lo + 1
        digits = np.unravel_index(np.arange(size**self.period), (size,) * self.period)
        return np.stack(digits, axis=1) + self.lo

    @cached_property
    def calls(self) -> Ints:
        """Return the call of each draw after the start, one row a pattern."""
        ends = np.pad(np.cumsum(self.gaps + 1, axis=1), ((0, 0), (1, 0)))
        rounds, turn = np.divmod(np.arange(max(self.width, self.period)), self.period)
        return np.asarray(rounds * ends[:, -1:] + ends[:, turn])

    @cached_property
    def codes(self) -> Ints:
        """Return the code of each pattern, by which a hit names it (`Patterns.code`)."""
        return np.asarray(self.gaps @ (self.hi + 1) ** np.arange(self.period)[::-1])

    @cached_property
    def by_gap(self) -> dict[int, Ints]:
        """Return the patterns by the constant gap between two draws of one turn."""
        gaps = self.gaps.sum(axis=1) + self.period - 1
        return {int(gap): np.flatnonzero(gaps == gap) for gap in np.unique(gaps)}

    @property
    def reach(self) -> int:
        """Return the calls from the start to the last draw of the widest pattern."""
        return int(self.calls[-1, self.width - 1]) + 1

    def counted(
        self, stream: Ints, draws: Ints, starts: Ends, turn: int, first: int, gap: int
    ) -> tuple[Ints, Ints, Ints]:
        """Return (starts, codes, matches) of the patterns under which the turn's first draw is call `first` and its draws lie `gap` apart."""
        which = self.by_gap[gap]
        begin = first - self.calls[which, turn]
        kept = (starts[0] <= begin) & (begin <= starts[1])
        which, begin = which[kept], begin[kept]
        same = stream[begin[:, None] + self.calls[which, : self.width]] == draws
        return begin, self.codes[which], same.sum(axis=1)


@lru_cache(maxsize=2)
def turns(lo: int, hi: int, period: int, width: int) -> Turns:
    """Return a layout; the chunks of a cell share it."""
    return Turns(lo, hi, period, width)
