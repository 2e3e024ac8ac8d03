"""A new seed before every draw, taken from the draw's own clock: the seeds, their draws, and how a worker searches them.

A hypothesis is named by the seed of the first timed draw, a tick of its unit; every other draw's seed lies as many ticks further as
its time does. A runtime that seeds with fewer bits keeps the low ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from engine.history.history import NO_TIME
from engine.search.layouts import MAX_HITS, SEEDS_AT_ONCE, Params, StopFlag, Truth
from engine.search.ranges import MICROSECONDS, UNITS, Range
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import family as family_of

NEVER = -2  # foretold for a draw without a time: no draw is it


class Offset(NamedTuple):
    """How far a seed may lie from its draw's time, in ticks of the unit, both ends included."""

    lo: int
    hi: int
    unit: str

    def seeds(self, times: np.ndarray) -> Range:
        """Return the seeds that the first timed draw may have; none are negative."""
        tick = int(ticks(times, self.unit)[first_timed(times)])
        return Range(max(0, tick + self.lo), max(0, tick + self.hi), self.unit)


def first_timed(times: np.ndarray) -> int:
    """Return the place of the first draw with a time."""
    return int(np.flatnonzero(times != NO_TIME)[0])


def ticks(times: np.ndarray, unit: str) -> np.ndarray:
    """Return the whole ticks since 1970 of times in microseconds."""
    return times // (MICROSECONDS // UNITS[unit])


def deltas(times: np.ndarray, unit: str) -> np.ndarray:
    """Return by how many ticks each draw is later than the first timed one, int64; 0 where a draw has no time."""
    told = ticks(times, unit)
    return np.where(times == NO_TIME, 0, told - told[first_timed(times)])


def offset(seed: int, times: np.ndarray, unit: str) -> int:
    """Return how far a seed of the first timed draw lies from that draw's time."""
    return seed - int(ticks(times, unit)[first_timed(times)])


def clocked(
    family: str, mapping: str, seed: int, lo: int, hi: int, later: np.ndarray, start: int
) -> np.ndarray:
    """Return the int64 draws of a generator that is seeded with `seed + later` before each and discards `start` calls."""
    bits = family_of(family).seed_bits
    seeds = [(seed + int(one)) % (1 << bits) for one in later]
    made = {one: host.values(family, mapping, one, lo, hi, 1, start=start)[0] for one in dict.fromkeys(seeds)}
    return np.array([made[one] for one in seeds], dtype=np.int64)


def foretold(
    family: str, mapping: str, seed: int, lo: int, hi: int, times: np.ndarray, unit: str, start: int
) -> np.ndarray:
    """Return the int64 draws at these times, NEVER where a draw has none."""
    made = clocked(family, mapping, seed, lo, hi, deltas(times, unit), start)
    return np.where(times == NO_TIME, NEVER, made)


class Clocked:
    """Every draw is the call `start` of a seed of its own; `params["later"]` says how many ticks each lies behind the first."""

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start."""
        start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
        code, span = (params["family"], params["mapping"]), (params["lo"], params["hi"])
        return (seed, start, 0), clocked(*code, seed, *span, params["later"][:count], start)

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Look for each draw alone among its own seeds, then count the draws that point at the same first seed."""
        found, done = [], 0
        while done < count:
            size = min(SEEDS_AT_ONCE, count - done)
            tally = _tally(params, draws, first + done, size, stop)
            if tally is None:
                break
            found.append(_hits(tally, params["threshold"], first + done, params["starts"][0]))
            done += size
        hits = np.concatenate(found) if found else np.empty(0, host.HIT)
        return host.SieveResult(hits[:MAX_HITS], done, done < count, len(hits) > MAX_HITS)

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Keep the gaps: there are none."""
        return gaps[0], gaps[1]


def _tally(params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag) -> np.ndarray | None:
    """Return how many draws of each row match, uint16 (seeds, starts, rows); None after a stop."""
    s0, s1 = params["starts"]
    tally = np.zeros((count, s1 - s0 + 1, len(draws)), np.uint16)
    ones = np.ones(len(draws), np.uint32)
    for place, later in enumerate(params["later"][: draws.shape[1]]):
        column = np.ascontiguousarray(draws[:, place : place + 1])
        if (column < 0).all():
            continue
        for at, seed, size in _pieces(first + int(later), count, family_of(params["family"]).seed_bits):
            outcome = host.sieve(
                params["family"], params["mapping"], params["lo"], params["hi"], column, ones, seed_lo=seed, seed_count=size,
                starts=(s0, s1), gaps=(0, 0), max_hits=1 << 26, stop=stop.array, stop_generation=stop.generation,
            )  # fmt: skip
            if outcome.stopped:
                return None
            hits = outcome.hits
            where = (hits["seed"] - np.uint64(seed)).astype(np.int64) + at
            tally[where, hits["start"].astype(np.int64) - s0, hits["vector"].astype(np.int64)] += 1
    return tally


def _pieces(first: int, count: int, bits: int) -> Iterator[tuple[int, int, int]]:
    """Yield (place, seed, how many) of the stretches that `count` ticks from `first` on are modulo 2^bits."""
    done = 0
    while done < count:
        seed = (first + done) % (1 << bits)
        size = min(count - done, (1 << bits) - seed)
        yield done, seed, size
        done += size


def _hits(tally: np.ndarray, threshold: int, first: int, lowest: int) -> np.ndarray:
    seed, start, row = np.nonzero(tally >= threshold)
    hits = np.zeros(len(seed), host.HIT)
    hits["seed"], hits["start"], hits["vector"] = seed + first, start + lowest, row
    hits["matched"] = tally[seed, start, row]
    return hits
