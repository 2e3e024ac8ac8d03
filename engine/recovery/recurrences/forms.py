"""A word whose bits are linear forms over GF(2) in a state's unknown bits: a recurrence runs on it as it runs on integers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol, Self, TypeVar

import numpy as np

Rows = np.ndarray[Any, np.dtype[np.uint64]]


class Forms:
    """One word: row j of `rows`, uint64 (bits, limbs), holds the unknowns whose sum is bit j.

    `+` and `*` are what stays linear of them: the lowest bit of a sum, and a multiple of a word of one bit.
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def __xor__(self, other: Forms) -> Forms:
        return Forms(self.rows ^ other.rows)

    def __lshift__(self, by: int) -> Forms:
        rows = np.zeros_like(self.rows)
        rows[by:] = self.rows[: len(rows) - by]
        return Forms(rows)

    def __rshift__(self, by: int) -> Forms:
        rows = np.zeros_like(self.rows)
        rows[: len(rows) - by] = self.rows[by:]
        return Forms(rows)

    def __and__(self, mask: int) -> Forms:
        dropped = _zeros(mask, len(self.rows))
        if not len(dropped):
            return self
        rows = self.rows.copy()
        rows[dropped] = 0
        return Forms(rows)

    def __add__(self, other: Forms) -> Forms:
        return self ^ other

    def __mul__(self, constant: int) -> Forms:
        rows = np.repeat(self.rows[:1], len(self.rows), axis=0)
        rows[_zeros(constant, len(rows))] = 0
        return Forms(rows)


class Word(Protocol):
    """What a step is written for: an integer or forms. It masks what a shift pushes out, which costs forms nothing."""

    def __xor__(self, other: Self, /) -> Self: ...
    def __lshift__(self, by: int, /) -> Self: ...
    def __rshift__(self, by: int, /) -> Self: ...
    def __and__(self, mask: int, /) -> Self: ...
    def __add__(self, other: Self, /) -> Self: ...
    def __mul__(self, constant: int, /) -> Self: ...


W = TypeVar("W", bound=Word)


@lru_cache(maxsize=256)
def _zeros(mask: int, bits: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the places of the zeros in the low `bits` bits of a mask."""
    return np.array([j for j in range(bits) if not mask >> j & 1], dtype=np.intp)
