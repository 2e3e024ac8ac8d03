"""Rows of k numbers of a pool, none twice: a row becomes the rank of its sample, and a rank the row again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import BadInput, UsageError
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.mappings import WAYS
from hip_cuda_kernels.samples import MOST_NUMBERS, rank_sample, sample_count, unrank_sample

ORDERS = ("sorted", "drawn")
LARGEST_NUMBER = 10**9
_POOL = re.compile(r"(?:([0-9]{1,9}):)?([0-9]{1,9})")
_BETWEEN = re.compile(r"\s*[,;\-–]\s*|\s+")


class Pool(NamedTuple):
    """The numbers lo..hi that a row is taken from; `drawn` rows are in the order of drawing, `sorted` ones rise."""

    lo: int
    hi: int
    order: str

    @classmethod
    def parse(cls, text: str, order: str) -> Pool:
        """Return the pool of `N` (1..N) or `LO:HI`; UsageError with the rule."""
        match = _POOL.fullmatch(text.strip())
        if match is None or order not in ORDERS:
            raise UsageError(
                f"--pool {text} --order {order}: write N or LO:HI, and one of {', '.join(ORDERS)}"
            )
        lo, hi = int(match[1] or 1), int(match[2])
        if not 1 <= hi - lo < MOST_NUMBERS:
            raise UsageError(f"--pool {text}: the pool must have 2 to {MOST_NUMBERS} numbers")
        return cls(lo, hi, order)


@dataclass(frozen=True)
class Sample:
    """What every row is: `count` numbers of a pool, none twice."""

    count: int
    pool: Pool

    def __post_init__(self) -> None:
        """Refuse a sample whose ranks do not fit 63 bits, or that takes more than there is."""
        try:
            sample_count(self.count, self.size, ordered=self.ordered)
        except KernelError as error:
            raise BadInput(f"--pool {self.pool.lo}:{self.pool.hi}: {error}") from None

    @classmethod
    def load(cls, data: dict[str, Any]) -> Sample:
        """Return what `dataclasses.asdict` made of a sample and JSON kept."""
        return cls(data["count"], Pool(*data["pool"]))

    @property
    def size(self) -> int:
        """Return how many numbers the pool has."""
        return self.pool.hi - self.pool.lo + 1

    @property
    def ordered(self) -> bool:
        """Return whether rows with the same numbers in another order are other draws."""
        return self.pool.order == "drawn"

    @property
    def range(self) -> tuple[int, int]:
        """Return the range of the ranks, both ends included."""
        return 0, sample_count(self.count, self.size, ordered=self.ordered) - 1

    @property
    def mappings(self) -> tuple[str, ...]:
        """Return the mappings that make such rows, each from the family's first native mapping."""
        order = "ordered" if self.ordered else "sorted"
        return tuple(f"sample({self.count},{way},{order})" for way in WAYS)

    def fault(self, numbers: Sequence[int]) -> str | None:
        """Return the rule that a row breaks and what to do, None where it is sound."""
        lo, hi = self.pool.lo, self.pool.hi
        if len(numbers) != self.count:
            return f"has {len(numbers)} numbers where the rows before have {self.count}; - alone marks a missing row"
        for place, number in enumerate(numbers):
            if not lo <= number <= hi:
                return (
                    f"holds {number}, outside the pool {lo}..{hi}; give --pool the numbers that can be drawn"
                )
            if number in numbers[:place]:
                return f"holds {number} twice; a row is drawn without replacement: correct it or mark it missing (-)"
        if not self.ordered and list(numbers) != sorted(numbers):
            return "does not rise; say --order drawn if it is the order of drawing, or sort every row"
        return None

    def rank(self, numbers: Sequence[int]) -> int:
        """Return the rank of a sound row, in `range`."""
        return rank_sample([number - self.pool.lo for number in numbers], self.size, ordered=self.ordered)

    def row(self, rank: int) -> list[int]:
        """Return the row of a rank."""
        return [
            self.pool.lo + number
            for number in unrank_sample(rank, self.count, self.size, ordered=self.ordered)
        ]


def parts_of(cell: Any) -> list[Any]:
    """Return the numbers of a cell as they stand: a list's own, or those of a text like `3 14 15`, `[3, 14]`, `03-14`."""
    if isinstance(cell, list):
        return [part.strip() if isinstance(part, str) else part for part in cell]
    text = "" if cell is None else str(cell).strip().removeprefix("[").removesuffix("]").strip()
    return [text] if text in ("", "-") else _BETWEEN.split(text)


def is_row(cell: Any) -> bool:
    """Return whether a cell can be a row of several numbers."""
    parts = parts_of(cell)
    return len(parts) > 1 and all(isinstance(part, int) or str(part).isdecimal() for part in parts)
