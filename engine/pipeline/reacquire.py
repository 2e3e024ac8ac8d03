"""After a reseed: the generator that was trusted, under a new seed, searched over the draws since its last hit.

Pure: the caller keeps the watch, runs the task where work runs, and puts the returned pool in force. Nothing is trained. The order:

    watch = begin(pool)                        # a pool that names a stream; None while none is trusted
    watch = look(watch, pool, draw)            # after every draw, with the pool that was for it
    if due(watch):                             # the stream misses: ask the workers
        result = await compute.run(task(...))
        pool = reacquired(pool, watch, result.arrays["found"], recent, seeds)

Every stream is weighed from the draw after the last hit on, by Bayes' rule: the old one misses on; a new one pays for its seed,
for its place and for that a reseed is rare; and the draws may have become chance, which is as rare.
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
from engine.history.history import Draw
from engine.pipeline.artifacts import Component, Pool
from engine.pipeline.pool import Believer, calibrated, make
from engine.pipeline.replay import NONE, stream
from engine.search.alignment import Alignment, Origin
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import family

TRUSTED = 0.5
DUE, GIVEN_UP = 3, 60  # misses in a row after which the stream is looked for, and no more
SHORTEST, LONGEST = 3, 12  # draws of the new stream that are sieved
EXPECTED = 0.01  # false survivors of one sieve
RARE_BITS = 10.0  # a reseed, or an end, is believed about once in a thousand draws
MOST = 8  # streams carried after one search


@dataclass(frozen=True)
class Watch:
    """What is remembered of a trusted stream: how it was made, how often it hit, and the draw after its last hit."""

    pattern: Alignment
    rate: float
    since: int
    start: int
    """Calls that the generator made before its first draw; a stream found later begins at a negative one."""
    misses: int = 0


def trusts(pool: Pool) -> bool:
    """Say whether the pool believes one stream more than everything else together."""
    return any(one.weight >= TRUSTED for one in pool.components)


def begin(pool: Pool) -> Watch | None:
    """Return the watch over the pool's trusted stream; None where it trusts none, or none that a seed could begin anew."""
    best = max(pool.components, key=lambda one: one.weight, default=None)
    if best is None or best.weight < TRUSTED:
        return None
    if best.alignment.gap.law != "constant" or best.alignment.origin.kind != "seed":
        return None
    return Watch(best.alignment, best.rate, pool.for_draw, max(0, best.alignment.start or 0))


def look(watch: Watch | None, pool: Pool, draw: Draw) -> Watch | None:
    """Return the watch after a draw that `pool` was for; a trusted stream that hits is watched from now on."""
    if watch is None or not _mine(watch.pattern, draw) or draw.value is None:
        return watch
    for one in pool.components:
        if one.weight >= TRUSTED and one.predicted == draw.value:
            return replace(watch, pattern=one.alignment, rate=one.rate, since=draw.index + 1, misses=0)
    return replace(watch, misses=watch.misses + 1)


def due(watch: Watch | None) -> bool:
    """Say whether the stream missed so often that it is worth a search."""
    return watch is not None and DUE <= watch.misses < GIVEN_UP


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
        "pattern": watch.pattern.model_dump(mode="json"),
        "start": watch.start,
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
        stop.raise_if_asked()
        found += [(seed, first) for seed in _sieved(pattern, params["start"], draws[first:], lo, hi - lo + 1)]
    return {"sieved": len(draws)}, {"found": np.array(found, dtype=np.int64).reshape(-1, 2)}


def _sieved(pattern: Alignment, start: int, draws: np.ndarray, seed_lo: int, count: int) -> list[int]:
    lo, hi = pattern.range
    scored = int((draws >= 0).sum())
    threshold = threshold_for(count, scored, 1.0 / (hi - lo + 1), expected=EXPECTED) if scored else None
    if threshold is None:
        return []
    gap = int(pattern.gap.value or 0)
    result = host.sieve(
        pattern.family,
        pattern.mapping,
        lo,
        hi,
        draws[None, :],
        np.array([threshold]),
        seed_lo=seed_lo,
        seed_count=count,
        starts=(start, start),
        gaps=(gap, gap),
    )
    return [int(hit["seed"]) for hit in result.hits]


@dataclass(frozen=True)
class _Weighed:
    """A stream with its mass, log2, against the old one's at the last hit."""

    component: Believer
    mass: float


def reacquired(
    pool: Pool, watch: Watch, found: np.ndarray, recent: Sequence[Draw], seeds: tuple[int, int]
) -> Pool:
    """Return the pool for the same draw with the found streams, if any, weighed beside the old one and beside chance."""
    draws, position = _stream_of(watch, recent), _position(pool, watch, recent)
    places = dict.fromkeys((int(seed), int(first)) for seed, first in found)
    fresh = [_fresh(watch, draws, position, seed, first, seeds) for seed, first in places]
    old = _weigh_old(watch, draws, position)
    masses = np.array([-RARE_BITS, old.mass, *(one.mass for one in fresh)])
    share = np.exp2(masses - masses.max())
    share /= share.sum()
    ranked = sorted(zip((old, *fresh), share[1:], strict=True), key=lambda one: -one[1])[:MOST]
    believers = [_trusted(one.component, float(trust)) for one, trust in ranked]
    return make(
        believers,
        history=pool.history,
        for_draw=pool.for_draw,
        session=watch.pattern.session,
        span=pool.range,
        basis="evidence",
        model=pool.model,
        heads=max(MOST, len(pool.components)),
    )


def _trusted(one: Believer, trust: float) -> Believer:
    return Believer(one.alignment, one.position, trust, one.rate, one.matched, one.scored)


def _position(pool: Pool, watch: Watch, recent: Sequence[Draw]) -> int:
    """Return the number, in the watched stream, of the draw that the pool is for."""
    standing = _standing(pool, watch.pattern)
    if standing is not None:
        return standing.position
    if watch.pattern.session is None:
        return pool.for_draw
    return sum(_mine(watch.pattern, draw) for draw in recent)


def _standing(pool: Pool, pattern: Alignment) -> Component | None:
    return next((one for one in pool.components if one.alignment.session == pattern.session), None)


def _counts(alignment: Alignment, draws: np.ndarray, first: int) -> tuple[int, int]:
    """Return matched and scored over draws that begin at the stream's own number `first`."""
    told = stream(alignment, first, len(draws))
    scored = (draws >= 0) & (told != NONE)
    return int(((told == draws) & scored).sum()), int(scored.sum())


def _weigh_old(watch: Watch, draws: np.ndarray, position: int) -> _Weighed:
    matched, scored = _counts(watch.pattern, draws, position - len(draws))
    lo, hi = watch.pattern.range
    chance = 1.0 / (hi - lo + 1)
    miss = math.log2(max(1e-9, 1.0 - watch.rate) / (1.0 - chance))
    mass = matched * math.log2(watch.rate / chance) + (scored - matched) * miss
    return _Weighed(Believer(watch.pattern, position, 0.0, watch.rate, matched, scored), mass)


def _fresh(
    watch: Watch, draws: np.ndarray, position: int, seed: int, first: int, seeds: tuple[int, int]
) -> _Weighed:
    """Return a found stream: its calls are counted from the history's start, so it begins at a negative one."""
    pattern, lo, hi = watch.pattern, *watch.pattern.range
    began = position - len(draws) + first
    alignment = pattern.model_copy(
        update={
            "origin": Origin.seed(seed, family(pattern.family).seed_bits),
            "start": watch.start - began * (int(pattern.gap.value or 0) + 1),
        }
    )
    matched, scored = _counts(alignment, draws[first:], began)
    cost = math.log2(seeds[1] - seeds[0] + 1) + survivor_bits(first + 1) + RARE_BITS
    bits = log2_evidence(matched, scored, 1.0 / (hi - lo + 1)) - cost
    rate = calibrated(np.array([watch.rate]), np.array([matched]), np.array([scored]))
    return _Weighed(Believer(alignment, position, 0.0, float(rate[0]), matched, scored), bits)
