"""How deep each stage of the sieve compares: a cost model over chance survivors; it steers speed only, never a result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Workload:
    """What the cost of one search depends on, per vector of draws.

    `draws` usable draws with `threshold` needed matches, each matching by chance with probability `chance`;
    `starts` x `gaps` alignments whose widest stride is `stride` calls of `words` raw words; `seeding` and `word` in vector operations.
    """

    draws: int
    threshold: int
    chance: float
    starts: int
    gaps: int
    stride: int
    words: int
    seeding: int
    word: int


def pass_rates(draws: int, missable: int, chance: float) -> list[float]:
    """Return, for depth 0..draws, the chance that at most `missable` of the first draws fail to match."""
    misses = [1.0] + [0.0] * (missable + 1)
    rates = [1.0]
    for _ in range(draws):
        for k in range(missable, 0, -1):
            misses[k] = misses[k] * chance + misses[k - 1] * (1.0 - chance)
        misses[0] *= chance
        rates.append(sum(misses[: missable + 1]))
    return rates


@lru_cache(maxsize=1024)  # the vectors of a search mostly ask the same
def depths(load: Workload) -> tuple[int, int]:
    """Return how many draws the first and the second stage compare; both leave the threshold in reach.

    Costs are vector operations for one native vector of seeds. A queued seed costs its push and a lane of the
    second stage; a seed that passes both costs one exact scalar count.
    """
    missable = load.draws - load.threshold
    rates = pass_rates(load.draws, missable, load.chance)
    allowed = range(missable + 1, load.draws + 1)
    second = min(allowed, key=lambda d: _packed_lane(load, d) + rates[d] / rates[missable + 1] * _exact(load))
    survivor = 8.0 * (60.0 + _packed_lane(load, second))
    first = min(allowed, key=lambda d: _block(load, d) + load.starts * load.gaps * rates[d] * survivor)
    return first, max(first, second)


def cost(load: Workload) -> float:
    """Return the vector operations that the sieve spends on one native vector of seeds, at its chosen depths."""
    first, second = depths(load)
    rates = pass_rates(load.draws, load.draws - load.threshold, load.chance)
    survivor = 8.0 * (60.0 + _packed_lane(load, second))
    return _block(load, first) + load.starts * load.gaps * rates[first] * survivor


def _span(load: Workload, depth: int) -> float:
    return float(load.starts + (depth - 1) * load.stride)


def _block(load: Workload, depth: int) -> float:
    """Stage one for one vector of seeds: seeding, the words that some alignment needs, matches summed up or looked for."""
    words = min(_span(load, depth), float(load.starts * load.gaps * depth))
    return load.seeding + words * load.words * load.word + min(_summed(load, depth), _looked_for(load, depth))


def _summed(load: Workload, depth: int) -> float:
    """All comparisons, summed up alignment by alignment (cpu/first_stage.h)."""
    return _pairs(load, depth) * 7.0 + load.starts * load.gaps * depth * 2.0


def _looked_for(load: Workload, depth: int) -> float:
    """The first draws' comparisons, and the alignments of each of their matches counted one by one."""
    missable = load.draws - load.threshold
    counted = 8.0 * load.starts * load.gaps * (missable + 1) * load.chance
    return _pairs(load, missable + 1) * 2.0 + counted * (missable + 2) * 6.0 if missable < depth else math.inf


def _pairs(load: Workload, depth: int) -> float:
    return min(float(load.starts * load.gaps * depth), depth * _span(load, depth))


def _packed_lane(load: Workload, depth: int) -> float:
    """Stage two for one seed of a packed batch at an average stride."""
    return (load.seeding + _span(load, depth) / 2.0 * load.words * load.word + depth * 10.0) / 8.0


def _exact(load: Workload) -> float:
    return 2.0 * (load.seeding + _span(load, load.draws) / 2.0 * load.words * load.word) + 100.0
