"""After a reseed: the generator that was trusted, under a new seed, searched over the draws since its last hit.

Pure: the caller keeps the watch, runs the task where work runs, and puts the returned pool in force. Nothing is trained. The order:

    watch = begin(pool)                        # a pool that names a stream; None while none is trusted
    watch = look(watch, pool, draw)            # after every draw, with the pool that was for it
    if due(watch):                             # the stream misses: ask the workers
        result = await compute.run(task(...))
        pool = reacquired(pool, watch, result.arrays["found"], recent, seeds)

Every stream is weighed from the draw after the last hit on, by Bayes' rule: the old one misses on; a new one pays for its seed,
for its place, for every look and for that a reseed is rare; and the draws may have become chance, which is as rare. A hit that
misses outweigh is none: among few values, or many places under varying gaps, an ended stream is right by chance soon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.compute.task import Task
from engine.evidence.chance import threshold_for
from engine.evidence.evalue import log2_evidence, survivor_bits
from engine.evidence.paths import path_bits
from engine.history.history import Draw
from engine.pipeline import varying
from engine.pipeline.artifacts import Component, Pool
from engine.pipeline.pool import Believer, calibrated, make
from engine.pipeline.replay import NONE, stream
from engine.search.alignment import Alignment, Origin
from hip_cuda_kernels import host, variable_gaps
from hip_cuda_kernels.registry import family

TRUSTED = 0.5
DUE, GIVEN_UP = 3, 60  # misses in a row after which the stream is looked for, and no more
SHORTEST, LONGEST = 3, 12  # draws of the new stream that are sieved
EXPECTED = 0.01  # false survivors of one sieve
RARE_BITS = 10.0  # a reseed, or an end, is believed about once in a thousand draws
LOOKS_BITS = math.log2(
    GIVEN_UP
)  # it is looked for after every draw: what chance finds sooner or later is no find
MOST = 8  # streams carried after one search


@dataclass(frozen=True)
class Watch:
    """What is remembered of a trusted stream: how it is made, how often it hits, the draw after its last hit and its own number of that one."""

    pattern: Alignment
    rate: float
    since: int
    position: int
    misses: int = 0
    """Draws since the last hit that made up for all misses before it."""
    lost: float = 0.0
    """Bits that the stream lost against chance in them."""


@dataclass(frozen=True)
class Stream:
    """One stream's part in a pool; under varying gaps many components walk it, one for each call within reach."""

    pattern: Alignment
    parts: tuple[Component, ...]

    @property
    def weight(self) -> float:
        """Return the trust in all of it."""
        return sum(one.weight for one in self.parts)

    @property
    def rate(self) -> float:
        """Return how often the likeliest part hits."""
        return max(self.parts, key=lambda one: one.weight).rate

    def named(self, value: int) -> float:
        """Return the share of its trust that names `value`."""
        return sum(one.weight for one in self.parts if one.predicted == value) / self.weight


def streams(pool: Pool) -> list[Stream]:
    """Return the pool's streams, most trusted first."""
    parts: dict[str, list[Component]] = {}
    for one in pool.components:
        parts.setdefault(varying.stream_of(one.alignment).model_dump_json(), []).append(one)
    made = [Stream(varying.stream_of(mine[0].alignment), tuple(mine)) for mine in parts.values()]
    return sorted(made, key=lambda one: -one.weight)


def trusted(pool: Pool) -> Stream | None:
    """Return the stream that the pool believes more than everything else together."""
    return next((one for one in streams(pool) if one.weight >= TRUSTED), None)


def begin(pool: Pool) -> Watch | None:
    """Return the watch over the pool's trusted stream; None where it trusts none, or none that a seed could begin anew."""
    best = trusted(pool)
    if (
        best is None
        or best.pattern.gap.law not in ("constant", "range")
        or best.pattern.origin.kind != "seed"
    ):
        return None
    return Watch(best.pattern, best.rate, pool.for_draw, best.parts[0].position)


def look(watch: Watch | None, pool: Pool, draw: Draw) -> Watch | None:
    """Return the watch after a draw that `pool` was for; a stream that hits is watched from now on."""
    if watch is None or not _mine(watch.pattern, draw) or draw.value is None:
        return watch
    other = trusted(pool)
    if other is not None and other.pattern != watch.pattern and other.named(draw.value) > 0.0:
        return Watch(other.pattern, other.rate, draw.index + 1, other.parts[0].position + 1)
    mine = _standing(pool, watch.pattern)
    if mine is None:
        return _missed(watch, watch.rate, 0.0)
    missed = _missed(watch, mine.rate, mine.named(draw.value))
    if missed.lost > 0.0:
        return missed
    return Watch(watch.pattern, mine.rate, draw.index + 1, mine.parts[0].position + 1)


def _missed(watch: Watch, rate: float, named: float) -> Watch:
    """Weigh one draw, of which the stream named a share, against chance."""
    odds = rate * named / _chance(watch.pattern) + max(1e-9, 1.0 - rate)
    return replace(watch, misses=watch.misses + 1, lost=watch.lost - math.log2(odds))


def due(watch: Watch | None) -> bool:
    """Say whether the stream missed so often that it is worth a search."""
    return watch is not None and DUE <= watch.misses < GIVEN_UP


def _chance(alignment: Alignment) -> float:
    return 1.0 / (alignment.range[1] - alignment.range[0] + 1)


def _standing(pool: Pool, pattern: Alignment) -> Stream | None:
    return next((one for one in streams(pool) if one.pattern == pattern), None)


def _mine(alignment: Alignment, draw: Draw) -> bool:
    return alignment.session is None or alignment.session == draw.session


def _stream_of(watch: Watch, recent: Sequence[Draw]) -> np.ndarray:
    """Return the values since the last hit in the watched stream's own draws; NONE marks a missing one."""
    mine = [draw for draw in recent if draw.index >= watch.since and _mine(watch.pattern, draw)]
    return np.array([NONE if draw.value is None else draw.value for draw in mine], dtype=np.int64)


def task(key: str, watch: Watch, recent: Sequence[Draw], seeds: tuple[int, int]) -> Task:
    """Return the search for the watched generator under another seed of `seeds` (both ends included)."""
    top = 2 ** family(watch.pattern.family).seed_bits - 1
    params = {
        "pattern": _anew(watch.pattern, 0).model_dump(mode="json"),
        "seeds": [seeds[0], min(seeds[1], top)],
    }
    return Task("reacquire", key, params, {"draws": _stream_of(watch, recent)})


def run_task(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: Stop
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Sieve the seeds over every late stretch of the draws; return int64 (n, 2): seed, and the draw it begins at."""
    pattern, (lo, hi) = Alignment.model_validate(params["pattern"]), params["seeds"]
    draws, found = arrays["draws"], []
    for first in range(max(0, len(draws) - LONGEST), len(draws) - SHORTEST + 1):
        found += [(seed, first) for seed in _sieved(pattern, draws[first:], lo, hi - lo + 1, stop)]
    return {"sieved": len(draws)}, {"found": np.array(found, dtype=np.int64).reshape(-1, 2)}


def _sieved(pattern: Alignment, draws: np.ndarray, seed_lo: int, count: int, stop: Stop) -> list[int]:
    (shortest, longest), start = _gaps(pattern), pattern.start or 0
    layouts = (longest - shortest + 1) ** (len(draws) - 1)
    scored = int((draws >= 0).sum())
    threshold = threshold_for(count * layouts, scored, _chance(pattern), expected=EXPECTED)
    if threshold is None:
        return []
    search = variable_gaps.sieve if pattern.gap.law == "range" else host.sieve
    result = search(
        pattern.family, pattern.mapping, *pattern.range, draws[None, :], np.array([threshold]), seed_lo=seed_lo, seed_count=count,
        starts=(start, start), gaps=(shortest, longest), stop=stop.array, stop_generation=stop.generation,
    )  # fmt: skip
    stop.raise_if_asked()
    return [int(hit["seed"]) for hit in result.hits]


def _anew(pattern: Alignment, seed: int) -> Alignment:
    """Return the generator under another seed; a stream found by earlier versions counts its calls from the history's start."""
    origin = Origin.seed(seed, family(pattern.family).seed_bits)
    return pattern.model_copy(update={"origin": origin, "start": max(0, pattern.start or 0)})


def _gaps(pattern: Alignment) -> tuple[int, int]:
    gap = pattern.gap
    if gap.law == "range":
        return gap.lo or 0, gap.hi or 0
    return gap.value or 0, gap.value or 0


@dataclass(frozen=True)
class _Weighed:
    """A stream's believers, whose trust in one another sums to 1 at most, with its mass, log2, against chance since the last hit."""

    believers: tuple[Believer, ...]
    mass: float


def reacquired(
    pool: Pool, watch: Watch, found: np.ndarray, recent: Sequence[Draw], seeds: tuple[int, int]
) -> Pool:
    """Return the pool for the same draw with the found streams, if any, weighed beside the old one and beside chance."""
    draws, best = _stream_of(watch, recent), dict[int, _Weighed]()
    for seed, first in sorted({(int(seed), int(first)) for seed, first in found}):
        one = _fresh(watch, draws, seed, first, seeds)
        if (
            seed not in best or one.mass > best[seed].mass
        ):  # a seed begins once, also where late draws hold for many places
            best[seed] = one
    weighed = [_old(pool, watch, len(draws)), *best.values()]
    masses = np.array([-RARE_BITS, *(one.mass for one in weighed)])
    share = np.exp2(masses - masses.max())
    share /= share.sum()
    ranked = sorted(zip(weighed, share[1:].tolist(), strict=True), key=lambda one: -one[1])[:MOST]
    believers = [
        replace(one, trust=one.trust * trust) for stream, trust in ranked for one in stream.believers
    ]
    return make(
        believers, history=pool.history, for_draw=pool.for_draw, session=watch.pattern.session, span=pool.range, basis="evidence",
        model=pool.model, heads=max(MOST, len(pool.components), len(believers)),
    )  # fmt: skip


def _old(pool: Pool, watch: Watch, count: int) -> _Weighed:
    """Return the watched stream as the pool holds it; one that it let go comes back where its gaps are known."""
    standing = _standing(pool, watch.pattern)
    if standing is not None:
        parts = [(one, one.weight / standing.weight) for one in standing.parts]
        old = tuple(
            Believer(one.alignment, one.position, share, one.rate, one.matched, one.scored)
            for one, share in parts
        )
    elif watch.pattern.gap.law == "constant":
        old = (Believer(watch.pattern, watch.position + count, 1.0, watch.rate, 0, count),)
    else:
        old = ()
    return _Weighed(old, -watch.lost)


def _fresh(watch: Watch, draws: np.ndarray, seed: int, first: int, seeds: tuple[int, int]) -> _Weighed:
    """Return a found stream, its draws counted from the one that it begins at."""
    pattern = _anew(watch.pattern, seed)
    weigh = _varying if pattern.gap.law == "range" else _constant
    ways, matched, scored, bits = weigh(pattern, draws[first:])
    rate = float(calibrated(np.array([watch.rate]), np.array([matched]), np.array([scored]))[0])
    cost = math.log2(seeds[1] - seeds[0] + 1) + survivor_bits(first + 1) + RARE_BITS + LOOKS_BITS
    position = len(draws) - first
    return _Weighed(
        tuple(Believer(one, position, share, rate, matched, scored) for one, share in ways), bits - cost
    )


Ways = tuple[tuple[Alignment, float], ...]
"""Alignments that lead to the coming draw with their shares."""


def _constant(pattern: Alignment, draws: np.ndarray) -> tuple[Ways, int, int, float]:
    told = stream(pattern, 0, len(draws))
    scored = (draws >= 0) & (told != NONE)
    matched, total = int(((told == draws) & scored).sum()), int(scored.sum())
    return ((pattern, 1.0),), matched, total, log2_evidence(matched, total, _chance(pattern))


def _varying(pattern: Alignment, draws: np.ndarray) -> tuple[Ways, int, int, float]:
    """Weigh the average over all gaps, so that they are paid for."""
    gone, (start, gaps) = varying.walk(pattern, draws), (pattern.start or 0, _gaps(pattern))
    calls = host.values(
        pattern.family,
        pattern.mapping,
        pattern.origin.number(),
        *pattern.range,
        start + len(draws) * (gaps[1] + 1),
    )
    (bits,) = path_bits(calls, draws, [len(draws)], starts=(start, start), gaps=gaps, p=_chance(pattern))
    return gone.forks(), round(float(gone.right.sum())), int((draws >= 0).sum()), bits
