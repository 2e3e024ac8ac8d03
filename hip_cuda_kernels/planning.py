"""How deep each stage of the sieve compares: a cost model over chance survivors; it steers speed only, never a result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

MOST_COUNTED = 4096  # places that are counted exactly
# A vector operation on eight seeds, for one of them, on one core with AVX2; benchmarks/calibrate.py measures families in it.
OPERATION_SECONDS = 1.3e-11
COPIED = 3  # vector operations to hand a word on to one of several searches


@dataclass(frozen=True)
class Workload:
    """What the cost of one search depends on.

    `draws` usable draws with `threshold` needed matches, each matching by chance with probability `chance`;
    `starts` x `gaps` alignments whose widest stride is `stride` calls of `words` raw words; `seeding` and `word` in vector operations;
    `vectors` of such draws are searched at once.
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
    vectors: int = 1


@lru_cache(maxsize=4096)
def pass_rates(draws: int, missable: int, chance: float) -> tuple[float, ...]:
    """Return, for depth 0..draws, the chance that at most `missable` of the first draws fail to match."""
    misses = [1.0] + [0.0] * (missable + 1)
    rates = [1.0]
    for _ in range(draws):
        for k in range(missable, 0, -1):
            misses[k] = misses[k] * chance + misses[k - 1] * (1.0 - chance)
        misses[0] *= chance
        rates.append(sum(misses[: missable + 1]))
    return tuple(rates)


def seen_chance(chance: float) -> float:
    """Return the chance that a word seems to match a draw that it matches with `chance` (by_nibbles in cpu/first_stage.h)."""
    return min(1.0, 1.6 * chance + 1.0 / 4096) if chance < 0.02 else chance


@lru_cache(maxsize=1024)  # the vectors of a search mostly ask the same
def depths(load: Workload) -> tuple[int, int]:
    """Return how many draws the first and the second stage compare; both leave the threshold in reach.

    Costs are vector operations for one native vector of seeds. A queued seed costs its push and a lane of the
    second stage; a seed that passes both costs one exact scalar count.
    """
    first, second, _ = _stages(load)
    return first, max(first, second)


def cost(load: Workload) -> float:
    """Return the vector operations that the sieve spends on one native vector of seeds, at its chosen depths."""
    return _stages(load)[2]


def seed_seconds(load: Workload) -> float:
    """Return the seconds of one core that a seed takes."""
    return cost(load) * OPERATION_SECONDS


def shared_and_own(load: Workload) -> tuple[float, float]:
    """Return `seed_seconds` in two parts: making the words that the first stage looks at, and all else.

    Searches of the same seeds in one pass share the first; each of them adds the second, and a copy of its words.
    """
    depth, _, whole = _stages(load)
    looked = min(_span(load, depth), float(load.starts * load.gaps * depth)) * load.words
    making = load.seeding + looked * load.word
    return making * OPERATION_SECONDS, (whole - making + looked * COPIED) * OPERATION_SECONDS


def _stages(load: Workload) -> tuple[int, int, float]:
    """Return the depths of both stages and what the search then costs."""
    missable = load.draws - load.threshold
    rates = pass_rates(load.draws, missable, load.chance)
    passed, exact = max(rates[missable + 1], 1e-300), _exact(load)
    second = _cheapest(load, lambda d: _packed_lane(load, d), lambda d: rates[d] / passed * exact)
    survivors = _survivors(load, second[0])
    first = _cheapest(load, lambda d: _block(load, d), lambda d: rates[d] * survivors)
    return first[0], second[0], first[1]


def _cheapest(
    load: Workload, looked: Callable[[int], float], left: Callable[[int], float]
) -> tuple[int, float]:
    """Return the depth at which looking, which costs more with every draw, and what it leaves cost least, and that cost."""
    best = (0, math.inf)
    for depth in range(load.draws - load.threshold + 1, load.draws + 1):
        spent = looked(depth)
        if spent >= best[1]:
            break
        if spent + left(depth) < best[1]:
            best = depth, spent + left(depth)
    return best


def _survivors(load: Workload, second: int) -> float:
    """What the second stage costs if every alignment of every vector passed the first."""
    return 8.0 * load.starts * load.gaps * load.vectors * (330.0 + _packed_lane(load, second))


def _span(load: Workload, depth: int) -> float:
    return float(load.starts + (depth - 1) * load.stride)


def _rows(load: Workload, depth: int) -> float:
    """Return at how many words some alignment looks."""
    if load.starts > 1 or load.gaps * depth > MOST_COUNTED:
        return min(_span(load, depth), float(load.starts * load.gaps * depth))
    return float(_distinct(depth, load.stride - load.gaps, load.stride))


@lru_cache(maxsize=4096)
def _distinct(depth: int, shorter: int, stride: int) -> int:
    """Return at how many words the first `depth` draws lie, taken at every stride above `shorter` up to `stride`."""
    return len({draw * step for draw in range(depth) for step in range(shorter + 1, stride + 1)})


def _block(load: Workload, depth: int) -> float:
    """Stage one for one vector of seeds: seeding, the words that some alignment needs, matches counted or looked for one by one."""
    words = min(_span(load, depth), float(load.starts * load.gaps * depth)) * load.words * load.word
    return load.seeding + words + min(_counted(load, depth), _single(load, depth))


def _counted(load: Workload, depth: int) -> float:
    """Marks of eight vectors at once, summed up alignment by alignment (cpu/first_stage.h)."""
    needed, octets = depth - (load.draws - load.threshold), -(-load.vectors // 8)
    mark = 1.5 if load.chance < 0.02 else 2.0 * load.vectors / octets
    summed = load.starts * load.gaps * depth * (1.0 + 0.5 * math.log2(max(1, needed)))
    return octets * (_rows(load, depth) * 5.0 + _places(load, depth) * mark + summed)


def _single(load: Workload, depth: int) -> float:
    """The first draws' comparisons, and the alignments of each of their matches counted one by one."""
    looked = load.draws - load.threshold + 1
    matches = 8.0 * load.starts * load.gaps * looked * load.chance * load.vectors
    if looked > depth:
        return math.inf
    followed = 60.0 if depth == 1 else 150.0 if depth == looked else 250.0  # with the alignment's other draws
    return _rows(load, looked) * 3.0 + _places(load, looked) * load.vectors + matches * followed


def _places(load: Workload, depth: int) -> float:
    """Return at how many words a draw is looked for, all draws together."""
    return min(float(load.starts * load.gaps * depth), depth * _span(load, depth))


def _packed_lane(load: Workload, depth: int) -> float:
    """Stage two for one seed of a packed batch at an average stride."""
    return (load.seeding + _span(load, depth) / 2.0 * load.words * load.word + depth * 10.0) / 8.0


def _exact(load: Workload) -> float:
    return 2.0 * (load.seeding + _span(load, load.draws) / 2.0 * load.words * load.word) + 100.0
