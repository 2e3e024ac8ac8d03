"""What a recurrence over GF(2) is: a state of native words, a step, its inverse and an output. Packing and forms follow from these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from engine.recovery.recurrences.forms import Forms, Rows, W

State = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Recurrence(ABC):
    """One generator without its seeding.

    The state is `size` native words of `bits` bits; packed, the first is the most significant. A step comes before each word, or
    after it where `output_first`. `exact` are the bits of a raw word (`host.raw`) that are linear, the rest holds for integers alone;
    `flip` is xored to every word, outside of these.
    Words are made `block` at a time and handed out from the last to the first (1: as they come).
    """

    size: int
    bits: int
    word_bits: int
    exact: int = -1
    flip: int = 0
    output_first: bool = False
    block: int = 1

    @abstractmethod
    def step(self, state: tuple[W, ...]) -> tuple[W, ...]:
        """Return the state after this one."""

    @abstractmethod
    def back(self, state: State) -> State:
        """Return the state before this one."""

    @abstractmethod
    def output(self, state: tuple[W, ...]) -> W:
        """Return the raw word that a state gives."""

    def live(self, index: int) -> int:
        """Return the bits of a state word that anything later depends on."""
        del index
        return (1 << self.bits) - 1

    @cached_property
    def unknowns(self) -> int:
        """Return the number of live bits."""
        return len(self._places)

    def canonical(self, state: State) -> State:
        """Return the state with its dead bits 0: equal exactly where all later words are."""
        return tuple(word & self.live(i) for i, word in enumerate(state))

    def pack(self, state: State) -> int:
        """Return the state as one integer, its first word most significant."""
        packed = 0
        for word in self.canonical(state):
            packed = packed << self.bits | word
        return packed

    def unpack(self, packed: int) -> State:
        """Return the state of a packed one."""
        shifts = range(self.bits * (self.size - 1), -1, -self.bits)
        return tuple(packed >> shift & (1 << self.bits) - 1 for shift in shifts)

    def advance(self, state: State, steps: int) -> State:
        """Return the state so many steps later, or earlier where negative."""
        for _ in range(steps):
            state = self.step(state)
        for _ in range(-steps):
            state = self.back(state)
        return state

    def stream(self, state: tuple[W, ...]) -> Iterator[W]:
        """Yield the words in the order in which the recurrence makes them."""
        while True:
            if self.output_first:
                yield self.output(state)
            state = self.step(state)
            if not self.output_first:
                yield self.output(state)

    def words(self, state: State, count: int, place: int = 0) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """Return `count` raw words as a call receives them, uint64, the first of them from `state`.

        `place` is how many words of the state's block were handed out before.
        """
        start = self.advance(state, place + 1 - self.block)
        blocks = -(-(place + count) // self.block)
        made = islice(self.stream(start), blocks * self.block)
        ordered = np.fromiter(made, dtype=np.uint64, count=blocks * self.block).reshape(-1, self.block)
        return ordered[:, ::-1].reshape(-1)[place : place + count] ^ np.uint64(self.flip)

    def times(
        self, handed: np.ndarray[Any, np.dtype[np.int64]], place: int | np.ndarray[Any, Any] = 0
    ) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return when the words handed out at these numbers (0: the first) are made, from the start of the first one's block."""
        blocks, used = np.divmod(handed + place, self.block)
        made: np.ndarray[Any, np.dtype[np.int64]] = blocks * self.block + self.block - 1 - used
        return made

    def symbols(self) -> tuple[Forms, ...]:
        """Return the state whose live bits are the unknowns, numbered from the first word's lowest on."""
        places = self._places
        table: Rows = np.zeros((self.size, self.bits, (len(places) + 63) // 64), dtype=np.uint64)
        for unknown, (word, bit) in enumerate(places):
            table[word, bit, unknown // 64] = 1 << unknown % 64
        return tuple(Forms(rows) for rows in table)

    def forms(self, times: Iterable[int]) -> Iterator[Rows]:
        """Yield the forms of the words made at these times, which rise: uint64 (bits, limbs) each."""
        state, now = self.symbols(), -1 if not self.output_first else 0
        for time in times:
            for _ in range(now, time):
                state = self.step(state)
            now = time
            yield self.output(state).rows

    def table(self, count: int, bits: Sequence[int]) -> Rows:
        """Return the forms of these bits of the first `count` words made: uint64 (count, bits, limbs)."""
        chosen = np.array(bits, dtype=np.intp)
        return np.stack([rows[chosen] for rows in self.forms(range(count))])

    def assemble(self, unknowns: Rows) -> State:
        """Return the state whose live bits are these unknowns, 64 to a word."""
        words = [0] * self.size
        for unknown, (word, bit) in enumerate(self._places):
            words[word] |= (int(unknowns[unknown // 64]) >> unknown % 64 & 1) << bit
        return tuple(words)

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(self.size) for j in range(self.bits) if self.live(i) >> j & 1]


def full(bits: int) -> int:
    """Return the mask of so many bits."""
    return (1 << bits) - 1


def without_left_shift(x: int, by: int, bits: int) -> int:
    """Return y of `bits` bits with y ^ (y << by) = x, by squaring the shift."""
    while by < bits:
        x, by = (x ^ x << by) & full(bits), 2 * by
    return x


def without_right_shift(x: int, by: int, bits: int) -> int:
    """Return y of `bits` bits with y ^ (y >> by) = x."""
    while by < bits:
        x, by = x ^ x >> by, 2 * by
    return x
