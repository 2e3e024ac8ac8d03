"""What algebra is asked: one family's whole state space, read through one mapping, under patterns of gaps, for draws that are known or to come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, overload

import numpy as np

from engine.recovery.leaks import rejected
from engine.recovery.recurrences.models import MODELS
from engine.recovery.recurrences.recurrence import Recurrence
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.lowering import Call, lower_call
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of

Ints = np.ndarray[Any, np.dtype[np.int64]]
Pattern = tuple[int, ...]


@dataclass(frozen=True)
class Patterns(Sequence[Pattern]):
    """All patterns of `period` gaps, each from lo to hi; their phases are among them. Made as they are asked for."""

    lo: int
    hi: int
    period: int = 1

    def __len__(self) -> int:
        """Return how many patterns there are."""
        return int((self.hi - self.lo + 1) ** self.period)

    @overload
    def __getitem__(self, number: int) -> Pattern: ...
    @overload
    def __getitem__(self, number: slice) -> list[Pattern]: ...
    def __getitem__(self, number: int | slice) -> Pattern | list[Pattern]:
        """Return pattern `number`: its gaps are the digits, the first counts most."""
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        base, digits = self.hi - self.lo + 1, []
        for _ in range(self.period):
            number, digit = divmod(number, base)
            digits.append(self.lo + digit)
        return tuple(reversed(digits))

    def code(self, pattern: Pattern) -> int:
        """Return a pattern as one number, a constant gap as itself."""
        total = 0
        for gap in pattern:
            total = total * (self.hi + 1) + gap
        return total

    def decode(self, code: int) -> Pattern:
        """Return the pattern of a code."""
        gaps = []
        for _ in range(self.period):
            code, gap = divmod(code, self.hi + 1)
            gaps.append(gap)
        return tuple(reversed(gaps))


def constant(lo: int, hi: int) -> Patterns:
    """Return the constant gaps lo..hi as patterns."""
    return Patterns(lo, hi)


def periodic(period: int, lo: int, hi: int) -> Patterns:
    """Return all (hi - lo + 1)^period patterns of gaps lo..hi."""
    return Patterns(lo, hi, period)


def rotations(pattern: Pattern) -> list[Pattern]:
    """Return a periodic pattern at each of its phases."""
    return sorted({pattern[k:] + pattern[:k] for k in range(len(pattern))})


def calls_of(pattern: Pattern, draws: Ints) -> Ints:
    """Return the numbers of the calls that make these draws, 0 the one of draw 0."""
    whole, rest = np.divmod(draws, len(pattern))
    strides = np.concatenate([[0], np.cumsum(np.array(pattern) + 1)])
    calls: Ints = whole * strides[-1] + strides[rest]
    return calls


@dataclass(frozen=True)
class Problem:
    """A family, a mapping, a range of draws, the patterns of gaps between them, the share of wrong ones, and the draws.

    `draws` is int64 (n,), -1 for a missing one, and empty while it is only planned. Every method takes this one question.
    """

    family: str
    mapping: str
    lo: int
    hi: int
    patterns: Sequence[Pattern] = constant(0, 0)
    noise: float = 0.0
    draws: Ints = field(default_factory=lambda: np.empty(0, np.int64), repr=False, compare=False)

    @property
    def entry(self) -> Family:
        """Return the registry's entry of the family."""
        return family_of(self.family)

    @property
    def composed(self) -> bool:
        """Return whether a draw takes several calls: no algebra reads through that."""
        return is_composed(parse_mapping(self.mapping, self.entry))

    @cached_property
    def call(self) -> Call:
        """Return the mapping call in numbers; IncompatibleMapping where there is none."""
        return lower_call(parse_mapping(self.mapping, self.entry), self.entry, self.lo, self.hi)

    @property
    def draw_bits(self) -> float:
        """Return what one draw tells at most."""
        return math.log2(self.hi - self.lo + 1)

    @cached_property
    def present(self) -> Ints:
        """Return the places of the draws that are not missing."""
        return np.flatnonzero(self.draws != -1)

    @cached_property
    def widest(self) -> int:
        """Return the widest gap of any pattern."""
        return self.patterns.hi if isinstance(self.patterns, Patterns) else max(map(max, self.patterns))

    def near(self, pattern: Pattern) -> list[Pattern]:
        """Return the asked patterns whose gaps differ from these by one at most."""
        around = product(*(range(max(0, gap - 1), gap + 2) for gap in pattern))
        if not isinstance(self.patterns, Patterns):
            return [one for one in around if one in self.patterns]
        lo, hi = self.patterns.lo, self.patterns.hi
        return [one for one in around if all(lo <= gap <= hi for gap in one)]

    @property
    def model(self) -> Recurrence:
        """Return the recurrence over GF(2) of a linear family."""
        return MODELS[self.family]

    @property
    def tried_bits(self) -> float:
        """Return log2 of a linear family's states, patterns and places: so many equations tell them apart, so many bits are the bill."""
        return self.model.unknowns + math.log2(len(self.patterns) * self.model.block)

    @cached_property
    def slips(self) -> float:
        """Return the chance that a word between the first draw and the last is rejected, for the longest pattern."""
        count = np.array([len(self.draws)])
        if isinstance(self.patterns, Patterns):
            last = len(self.draws) * (self.widest + 1)
        else:
            last = max(int(calls_of(pattern, count)[0]) for pattern in self.patterns)
        return 1.0 - (1.0 - rejected(self.call)) ** last
