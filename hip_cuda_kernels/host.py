"""The compiled kernels on this machine's processor: raw words, draws and the exact sieve, as typed functions over arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Unpack

import numpy as np

import hip_cuda_kernels._host as _host
from hip_cuda_kernels import keys
from hip_cuda_kernels.composed import ComposedTask, build_composed, lower_composed
from hip_cuda_kernels.errors import IncompatibleMapping, KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.job import Job, Keywords
from hip_cuda_kernels.lowering import HALVES, NEVER_REJECTS, Call, lower_call
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.pins import build_pinned
from hip_cuda_kernels.registry import FAMILIES
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import build_task, pack_call

SPARE_CALLS = 8  # words beyond one a call that a wide seed is asked for at first
PINNED = "pinned"
"""The route of composed draws whose filter is on single inner calls (pins.py)."""
HIT = np.dtype(
    [("vector", "<u2"), ("matched", "<u2"), ("start", "<u4"), ("gap", "<u4"), ("pad", "<u4"), ("seed", "<u8")]
)


@dataclass(frozen=True)
class SieveResult:
    """What a search found: every hit (HIT, by seed, start, gap, vector) among the first `seeds_done` seeds.

    After a stop, hits beyond `seeds_done` are dropped, so a search resumed there finds each once.
    With `overflow` the list was cut at max_hits and the search ended there; it is not complete.
    """

    hits: np.ndarray[Any, Any]
    seeds_done: int
    stopped: bool
    overflow: bool

    def with_hits(self, hits: np.ndarray[Any, Any]) -> SieveResult:
        """Return the same result with these hits."""
        return replace(self, hits=hits)


@lru_cache(maxsize=1)
def isa() -> str:
    """Return the instruction set in use: the best one here whose words agree with the exact scalar side."""
    for name in reversed(_host.isas()):
        if all(_vector_agrees(name, f) for f in FAMILIES):
            return str(name)
    raise KernelError(
        "no compiled instruction set agrees with the scalar kernels: rebuild the extension (make build)"
    )


def _vector_agrees(name: str, family: Family) -> bool:
    """Compare the first, fifth and last near word of one unit of seeds with the scalar generator."""
    seeds = np.arange(5, 5 + _host.unit(name, family.id), dtype=np.uint32) * np.uint32(0x01000193)
    want = np.array([0, 4, 9], dtype=np.uint32)
    words = _host.produce(name, family.id, seeds, 0, want, False).reshape(len(want), -1)
    exact = np.stack([raw(family.id, int(s), 10)[want] for s in seeds[:: len(seeds) // 4]], axis=1)
    beyond = max(family.word_bits - 32, 0)
    return bool(np.array_equal(words[:, :: len(seeds) // 4], exact >> np.uint64(beyond)))


def raw(family: str, seed: int, count: int, *, skip: int = 0) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return `count` raw words of the seed after `skip` words, from the exact scalar generator."""
    found = family_of(family)
    if seed >= keys.WIDE:
        return keys.words(found.id, seed, _natural("skip", skip) + _natural("count", count))[skip:]
    words: np.ndarray[Any, np.dtype[np.uint64]] = _host.raw(
        found.id, _seed(seed), _natural("skip", skip), _natural("count", count)
    )
    return words


def walk(family: str, seed: int, forward: int, back: int, count: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return `count` raw words after `forward` steps and `back` steps back by the inverse step; KernelError where there is none."""
    found = family_of(family)
    if not found.inverse:
        raise KernelError(f"family {found.id} has no inverse step: confirm it on a block of earlier draws")
    steps = _natural("forward", forward), _natural("back", back), _natural("count", count)
    words: np.ndarray[Any, np.dtype[np.uint64]] = _host.walk(found.id, _seed(seed), *steps)
    return words


def values(
    family: str, mapping: str, seed: int, lo: int, hi: int, count: int, *, start: int = 0, gap: int = 0
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return `count` draws in lo..hi: `start` calls discarded first, `gap` calls between two draws, rejections as the runtime's."""
    found = family_of(family)
    if seed >= keys.WIDE:
        return streams(family, mapping, [seed], lo, hi, start + count * (gap + 1))[0, start :: gap + 1][
            :count
        ]
    named = parse_mapping(mapping, found)
    which = _seed(seed), _natural("start", start), _natural("gap", gap), _natural("count", count)
    if is_composed(named):
        draws = _host.composed_values(found.id, *lower_composed(named, found, lo, hi).packed(), *which)
    else:
        draws = _host.values(found.id, *pack_call(lower_call(named, found, lo, hi)), *which)
    shifted: np.ndarray[Any, np.dtype[np.int64]] = draws.astype(np.int64) + lo
    return shifted


def streams(
    family: str, mapping: str, seeds: Sequence[int], lo: int, hi: int, count: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the first `count` draws of each seed, int64 (seeds, count); seeds may have more than 64 bits (keys.py)."""
    made = np.empty((len(seeds), count), dtype=np.int64)
    for row, seed in enumerate(seeds):
        if seed < keys.WIDE:
            made[row] = values(family, mapping, seed, lo, hi, count)
            continue
        room, draws = count + SPARE_CALLS, made[row, :0]
        while len(draws) < count:
            draws = read(family, mapping, lo, hi, keys.words(family_of(family).id, seed, room), count)
            room *= 2
        made[row] = draws
    return made


def before(
    family: str, mapping: str, seeds: Sequence[int], lo: int, hi: int, count: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the draws that lead up to each seed's first, nearest first, int64 (seeds, count): the inverse step from the seeded state."""
    found, call = _before(family, mapping, lo, hi)
    (numbers, unit), words = pack_call(call), call.raw_words
    made = np.empty((len(seeds), _natural("count", count)), dtype=np.int64)
    for row, seed in enumerate(seeds):
        back, draws = count * words, made[row, :0]
        while len(draws) < count:  # once, but for words that the mapping draws again: 255 for a draw at most
            walked = _host.walk(found.id, _seed(seed), 0, back, back)
            draws = _host.read_words(numbers, unit, walked, 0, 0, back // words)
            back *= 2
        made[row] = draws[::-1][:count].astype(np.int64) + lo
    return made


def check_before(family: str, mapping: str, lo: int, hi: int) -> None:
    """Raise KernelError where the draws that lead up to a seed cannot be told."""
    _before(family, mapping, lo, hi)


def _before(family: str, mapping: str, lo: int, hi: int) -> tuple[Family, Call]:
    found = family_of(family)
    if not found.inverse:
        raise KernelError(f"{found.id} has no inverse step")
    named = parse_mapping(mapping, found)
    if is_composed(named):
        raise IncompatibleMapping(f"{named.id}: draws of several calls have no known places before a seed")
    call = lower_call(named, found, lo, hi)
    if call.view == HALVES or (call.raw_words > 1 and call.accept_max != NEVER_REJECTS):
        raise IncompatibleMapping(
            f"{named.id}: which words a call before the seed took depends on the calls before it"
        )
    return found, call


def read(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    words: np.ndarray[Any, Any],
    count: int,
    *,
    start: int = 0,
    gap: int = 0,
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return up to `count` draws in lo..hi that raw words make, as `values` lays them out; fewer where the words end first."""
    found = family_of(family)
    numbers, unit = pack_call(lower_call(parse_mapping(mapping, found), found, lo, hi))
    given = np.ascontiguousarray(words, dtype=np.uint64)
    which = _natural("start", start), _natural("gap", gap), _natural("count", count)
    shifted: np.ndarray[Any, np.dtype[np.int64]] = (
        _host.read_words(numbers, unit, given, *which).astype(np.int64) + lo
    )
    return shifted


def check_mapping(family: str, mapping: str, lo: int, hi: int) -> None:
    """Raise IncompatibleMapping when the mapping cannot make draws in lo..hi."""
    found = family_of(family)
    named = parse_mapping(mapping, found)
    (lower_composed if is_composed(named) else lower_call)(named, found, lo, hi)


def sieve(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    *,
    route: str = "sieve",
    **keywords: Unpack[Keywords],
) -> SieveResult:
    """Report every (vector, seed, start, gap) that reproduces at least `thresholds[vector]` of the vector's draws. Exact.

    `draws` is int64 (vectors, draws), -1 for a missing one; `keywords` are those of `Job`. `route` is the way the seeds are taken;
    routes.py knows which others than the sieve give the same hits here.
    """
    job, found = Job(**keywords), family_of(family)
    named, rest = parse_mapping(mapping, found), job.watched()
    asked = (found, named, lo, hi, draws, thresholds, job.scope)
    job.show(0)
    task = build_composed(*asked) if is_composed(named) else build_task(*asked)
    if task is None:
        return SieveResult(np.empty(0, HIT), job.seed_count, False, False)
    if isinstance(task, ComposedTask) and route == PINNED:
        hits, done, stopped, overflow = _pinned(found, task, job, rest)
    elif isinstance(task, ComposedTask):
        hits, done, stopped, overflow = _host.composed_sieve(found.id, *task.packed(), *rest)
    else:
        hits, done, stopped, overflow = _host.search_by(
            route, isa(), found.id, *task.packed(), task.second_depth, job.seed_lo, job.seed_count, *rest
        )
    return SieveResult(hits.view(HIT), done, stopped, overflow)


def _pinned(family: Family, task: ComposedTask, job: Job, rest: tuple[int, int, int, int]) -> Any:
    """Search composed draws behind the filter on their inner calls."""
    pinned = build_pinned(family, task, job.scope)
    if pinned is None:
        raise KernelError("these draws pin no single call down: search them without a filter")
    inner = pinned.task
    return _host.pinned_sieve(
        isa(),
        family.id,
        *task.packed(),
        *inner.packed(),
        inner.second_depth,
        pinned.owners,
        pinned.calls,
        *rest,
    )


def self_test() -> dict[str, bool]:
    """Check every family against its committed known answer, on the scalar side and on the vector path in use."""
    name = isa()
    return {f.id: _known(f) and _vector_agrees(name, f) for f in FAMILIES}


def _known(family: Family) -> bool:
    seed, words = family.check
    return tuple(raw(family.id, seed, len(words)).tolist()) == words


def source_digest() -> str:
    """Return the sha-256 of the kernel sources alone: machines with different instruction sets share it where they run one version."""
    return str(_host.digest)


def build_digest() -> str:
    """Return the sha-256 of the kernel sources and the instruction set in use: equal digests search alike."""
    return hashlib.sha256(f"{_host.digest} {isa()}".encode()).hexdigest()


def _seed(seed: int) -> int:
    if not 0 <= seed < 1 << 64:
        raise KernelError(f"seed {seed} is outside 0..2^64-1: give the unsigned value that the seeding takes")
    return seed


def _natural(name: str, value: int) -> int:
    if not 0 <= value < 1 << 63:
        raise KernelError(f"{name} {value} is negative or too large: give 0 or more")
    return value
