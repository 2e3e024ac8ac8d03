"""Hits counted as they are defined: every alignment of every stream, one by one. What each way of searching is held against."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np

from engine.recovery.problem import Patterns, calls_of
from engine.search.laws import LAYOUTS

NAMES = ("seed", "start", "gap", "vector", "matched")
Hits = list[tuple[int, ...]]


class Running:
    """A stop flag that nobody raises."""

    array = np.zeros(1, dtype=np.uint32)
    generation = 0

    def asked(self) -> bool:
        return False


def constant(
    starts: tuple[int, int], gaps: tuple[int, int], width: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (start, gap, calls) of one gap throughout."""
    for start, gap in product(range(starts[0], starts[1] + 1), range(gaps[0], gaps[1] + 1)):
        yield start, gap, start + np.arange(width) * (gap + 1)


def turns(
    starts: tuple[int, int], gaps: tuple[int, int], width: int, period: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (start, code, calls) of gaps that take turns."""
    patterns = Patterns(*gaps, period)
    for start, pattern in product(range(starts[0], starts[1] + 1), patterns):
        yield start, patterns.code(pattern), start + calls_of(pattern, np.arange(width))


def varying(
    starts: tuple[int, int], gaps: tuple[int, int], width: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (0, 0, calls) of any gap before every draw: a hit names the seed alone."""
    steps = range(gaps[0] + 1, gaps[1] + 2)
    for first in product(range(starts[0], starts[1] + 1), *[steps] * (width - 1)):
        yield 0, 0, np.cumsum(first)


def counted(
    streams: Iterable[np.ndarray],
    draws: np.ndarray,
    alignments: Iterable[tuple[int, int, np.ndarray]],
    threshold: int,
    first: int,
) -> Hits:
    """Return NAMES of every alignment that makes enough draws of a row, of those of one name the best; seeds count from `first`."""
    laid = list(alignments)
    calls, best = np.array([one for *_, one in laid]), dict[tuple[int, int, int, int], int]()
    for seed, stream in enumerate(streams, start=first):
        matched = (stream[calls][:, None] == draws[None]).sum(axis=2)
        for at, row in np.argwhere(matched >= threshold).tolist():
            name = seed, *laid[at][:2], row
            best[name] = max(int(matched[at, row]), best.get(name, 0))
    return sorted((*name, matched) for name, matched in best.items())


def searched(law: str, params: dict[str, Any], draws: np.ndarray, first: int, count: int) -> Hits:
    """Return NAMES of what the law's own search finds among seeds [first, first + count), which it must finish, in its order."""
    span = {"lo": 0, "hi": 3, "starts": [1, 3], "gaps": [0, 2], "threshold": 5, "window": 0}
    found = LAYOUTS[law].sieve(span | params, draws, first, count, Running())
    assert (found.seeds_done, found.stopped, found.overflow) == (count, False, False)
    return [tuple(int(hit[name]) for name in NAMES) for hit in found.hits]
