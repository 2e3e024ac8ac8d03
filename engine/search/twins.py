"""The draws of one stream beside their null twins: what every chunk of its cells is searched on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import BadInput
from engine.search.cell import Cell
from engine.search.design import LONGEST_BLOCK
from engine.seedtree import named_rng


@dataclass(frozen=True)
class Stream:
    """The draws of one stream and its null twins, all int64 of one length; -1 marks a missing draw."""

    real: np.ndarray
    shuffled: np.ndarray
    uniform: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, lo: int, hi: int, rng: np.random.Generator) -> Stream:
        """Make the twins: the same draws in another order, and uniform draws on the range; missing stay missing."""
        present = np.flatnonzero(values >= 0)
        shuffled, uniform = values.copy(), values.copy()
        shuffled[present] = values[rng.permutation(present)]
        uniform[present] = rng.integers(lo, hi, size=len(present), endpoint=True)
        return cls(values, shuffled, uniform)

    def row(self, vector: int) -> np.ndarray:
        """Return the draws of REAL, SHUFFLED or UNIFORM."""
        return (self.real, self.shuffled, self.uniform)[vector]

    def part(self, first: int, end: int) -> np.ndarray:
        """Return int64 (3, end - first): real, shuffled, uniform. A chunk copies these, not a history of millions."""
        return np.vstack([row[first:end] for row in (self.real, self.shuffled, self.uniform)])

    def first(self, block: int) -> np.ndarray:
        """Return the first positions that hold so many present draws, as `part` does."""
        end = block
        while end < len(self.real) and (self.real[:end] >= 0).sum() < block:
            end += block
        return self.part(0, int(np.flatnonzero(self.real[:end] >= 0)[block - 1]) + 1)

    def width(self, cell: Cell) -> int:
        """Return how many positions from the cell's window hold its block of present draws."""
        present = np.flatnonzero(self.real[cell.window : cell.window + LONGEST_BLOCK] >= 0)
        if len(present) < cell.block:
            raise BadInput(
                f"draws {cell.window}..{cell.window + LONGEST_BLOCK}: a search block needs {cell.block} present draws within "
                f"{LONGEST_BLOCK} positions, but too many are missing; cut the history to a part with fewer gaps"
            )
        return int(present[cell.block - 1]) + 1


def twin_stream(values: np.ndarray, lo: int, hi: int, seed: int, session: str | None) -> Stream:
    """Return the stream with twins that this run's seed fixes, so that a resumed run sees the same twins."""
    return Stream.of(values, lo, hi, named_rng(seed, "twins", session, lo, hi))
