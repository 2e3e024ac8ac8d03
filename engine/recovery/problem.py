"""What algebra is asked: one family's whole state space, read through one mapping, under constant gaps within bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from hip_cuda_kernels.family import Family
from hip_cuda_kernels.lowering import Call, lower_call
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of


@dataclass(frozen=True)
class Problem:
    """A family, a mapping, a range of draws, the gaps between draws in calls, both ends included, and the share of wrong draws."""

    family: str
    mapping: str
    lo: int
    hi: int
    gaps: tuple[int, int] = (0, 0)
    noise: float = 0.0

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
    def gap_count(self) -> int:
        """Return how many gaps are tried."""
        return self.gaps[1] - self.gaps[0] + 1

    @property
    def draw_bits(self) -> float:
        """Return what one draw tells at most."""
        return math.log2(self.hi - self.lo + 1)
