"""One rectangle of hypotheses: its name, what it stands for in numbers, how it is cut into chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from engine.history.history import Ints
from engine.recovery.problem import Patterns
from engine.search.design import Law, Scope
from engine.search.ranges import Range
from engine.search.words import Words, seed_of
from hip_cuda_kernels.routes import WHOLE_SPACE

CHUNK_SECONDS = 1.5
SMALLEST_CHUNK = 1 << 10
LONGEST_CHUNK_SECONDS = (
    40.0  # of a route that takes a whole space at once; it stops within a tenth of a second all the same
)


@dataclass(frozen=True)
class Cell:
    """One rectangle of hypotheses searched by one rule; `confirm` draws follow the search block, 0 = all-draws design."""

    family: str
    mapping: str
    lo: int
    hi: int
    seeds: Range
    starts: tuple[int, int]
    gaps: tuple[int, int]
    noise: float
    block: int
    threshold: int
    confirm: int
    session: str | None
    prior: float
    seconds: float
    window: int = 0
    route: str = "sieve"  # how the kernels search it
    law: Law = "constant"  # of the gaps
    period: int = 1  # of their pattern
    origin: Literal["seed", "state"] = (
        "seed"  # "state": algebra decides all states at once, `seeds` are their numbers
    )
    words: Words = field(
        default=(), compare=False, repr=False
    )  # the list that `seeds` are places in, where they are
    times: Ints | None = field(
        default=None, compare=False, repr=False
    )  # of its stream's draws, with the law `clock`
    word: str | None = None  # the word whose seed this is
    part: Cell | None = None  # the cell that this is a part of, where earlier runs excluded the rest
    company: int = 1  # cells in its pass, one after another in the plan (passes.py)
    chunk: int = 0  # seeds of a chunk of that pass; 0 where it is searched alone

    @property
    def key(self) -> str:
        """Return the stable name under which the cell is billed and its chunks are recorded."""
        return (
            f"{self.family}|{self.mapping}|{self.lo}:{self.hi}|{self.seeds.text()}|{self.starts[0]}:{self.starts[1]}"
            f"|{self.gaps[0]}:{self.gaps[1]}{'' if self.law == 'constant' else f' {self.law}'}{'' if self.period == 1 else f' {self.period}'}"
            f"|{self.threshold}/{self.block}@{self.window}{f' by {self.chunk}' if self.chunk else ''}|{self.session or ''}"
            f"{'' if self.origin == 'seed' else f'|{self.route}'}"
        )

    def pattern(self, gap: int) -> tuple[int, ...]:
        """Return the gaps between draws that a hit's gap stands for, over one period."""
        return Patterns(*self.gaps, self.period).decode(gap)

    @property
    def whole(self) -> Cell:
        """Return the cell as it was planned: what an all-draws claim pays for."""
        return self.part or self

    @property
    def kind(self) -> str:
        """Return what its origins are: seeds, times, words or states."""
        return self.seeds.kind if self.origin == "seed" else self.origin

    @property
    def alignments(self) -> int:
        """Return how many alignments each seed is tested under."""
        return self.scope.alignments(self.block)

    @property
    def scope(self) -> Scope:
        """Return what is tried, in numbers."""
        starts, gaps = (ends[1] - ends[0] + 1 for ends in (self.starts, self.gaps))
        chance = 1.0 / (self.hi - self.lo + 1)
        return Scope(self.seeds.size, starts, gaps, self.law, chance, self.noise, 1.0, self.period)

    @cached_property
    def hypotheses(self) -> int:
        """Return how many hypotheses the cell stands for: what an all-draws claim pays."""
        return self.seeds.size * self.alignments

    @property
    def tested(self) -> int:
        """Return how many are tried one by one: systems of equations where algebra decides all states at once."""
        return self.alignments if self.origin == "state" else self.hypotheses

    @property
    def untold(self) -> int:
        """Return how many hypotheses each tested one stands for."""
        return self.seeds.size if self.origin == "state" else 1

    def worded(self, place: int) -> Cell:
        """Return the cell of the one seed that the word at a place becomes; it pays for the whole list."""
        word = self.words[place]
        seed = seed_of(self.seeds, word)
        return replace(self, seeds=Range(seed, seed), word=word, part=self.whole)

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Yield (first seed, count) of each chunk; the cut depends on the cell alone, or stands in its key, so a resumed run agrees."""
        if self.origin == "state" or (self.route in WHOLE_SPACE and self.seconds <= LONGEST_CHUNK_SECONDS):
            yield self.seeds.lo, self.seeds.size
            return
        size = self.chunk or chunk_size(self.seeds.size, self.seconds)
        for first in range(self.seeds.lo, self.seeds.hi + 1, size):
            yield first, min(size, self.seeds.hi + 1 - first)


def chunk_size(seeds: int, seconds: float) -> int:
    """Return how many seeds take about CHUNK_SECONDS, where all of them take `seconds`; a power of two."""
    per_second = seeds / max(seconds, 1e-9)
    return max(SMALLEST_CHUNK, 1 << int(math.log2(max(1.0, per_second * CHUNK_SECONDS))))
