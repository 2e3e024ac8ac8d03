"""Which bits of a stream's raw words a history shows, draw by draw: what elimination takes for its right sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.recovery.leaks import leak
from engine.recovery.recurrences.recurrence import Recurrence
from hip_cuda_kernels.lowering import Call

Ints = np.ndarray[Any, np.dtype[np.int64]]
Words = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True)
class Observations:
    """Observed words, arrays of one length: the draw each belongs to, which of its call's words it is, its known bits and their values."""

    draws: Ints
    offsets: Ints
    masks: Words
    values: Words

    @property
    def bits(self) -> int:
        """Return how many bits are known."""
        return int(np.bitwise_count(self.masks).sum())

    @property
    def places(self) -> list[int]:
        """Return the bits of a word that some draw shows."""
        shown = int(np.bitwise_or.reduce(self.masks))
        return [bit for bit in range(shown.bit_length()) if shown >> bit & 1]

    def gathered(self, places: list[int]) -> Observations:
        """Return the same with bit k of a mask and value standing for bit places[k] of the word."""
        return Observations(
            self.draws, self.offsets, _gathered(self.masks, places), _gathered(self.values, places)
        )

    def shown_by(self, draws: Ints) -> Observations:
        """Return what these draws show."""
        keep = np.isin(self.draws, draws)
        return Observations(self.draws[keep], self.offsets[keep], self.masks[keep], self.values[keep])

    def bits_by_draw(self, count: int) -> Ints:
        """Return how many bits each of `count` draws shows, int64 (count,)."""
        shown = np.bitwise_count(self.masks).astype(np.float64)
        return np.bincount(self.draws, weights=shown, minlength=count).astype(np.int64)


def _gathered(words: Words, places: list[int]) -> Words:
    bits = words[:, None] >> np.array(places, dtype=np.uint64) & np.uint64(1)
    gathered: Words = (bits << np.arange(len(places), dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    return gathered


def observe(draws: Ints, call: Call, lo: int, model: Recurrence) -> Observations | None:
    """Return what int64 draws (-1: missing) show of the bits that are linear; None where some draw cannot be made by the call."""
    kept: list[tuple[int, int, int, int]] = []
    seen = {value: leak(call, value - lo) for value in set(draws.tolist()) - {-1}}
    for draw, value in enumerate(draws.tolist()):
        if value == -1:
            continue
        found = seen[value]
        if found is None:
            return None
        for offset, known in enumerate(found.words):
            mask = known.mask & model.exact
            if mask:
                kept.append((draw, offset, mask, known.bits & mask))
    columns = list(zip(*kept, strict=True)) or [()] * 4
    places = [np.array(column, dtype=np.int64) for column in columns[:2]]
    words = [np.array(column, dtype=np.uint64) for column in columns[2:]]
    return Observations(places[0], places[1], words[0], words[1])
