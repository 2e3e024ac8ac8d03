"""How a worker lays draws into a stream, by the law of gaps: plant a truth, search seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from hip_cuda_kernels import host, routes, variable_routes
from hip_cuda_kernels.registry import family as family_of

MAX_HITS = 1 << 16
SEEDS_AT_ONCE = 1 << 14  # so that single draws of few values do not fill the memory
Params = Mapping[str, Any]
Truth = tuple[int, int, int]  # seed, start, gap as a hit reports them


class StopFlag(Protocol):
    """What a kernel polls: a shared generation word, and the generation under which the work was asked for."""

    @property
    def array(self) -> np.ndarray: ...
    @property
    def generation(self) -> int: ...
    def asked(self) -> bool: ...


class Unstopped:
    """A stop flag that nobody raises."""

    array = np.zeros(1, np.uint32)
    generation = 0

    def asked(self) -> bool:
        """Return False."""
        return False


class Layout(Protocol):
    """What a law of gaps answers to a worker."""

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Return the part of the gaps that one group of planted truths stands for."""

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Return a random alignment of `seed` and its int64 (count,) draws."""

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Return every alignment of the seeds [first, first + count) that reaches the threshold on a row of `draws`; exact."""


class ConstantGaps:
    """The same number of calls between any two draws."""

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Cut the gaps into `groups` parts: setting a kernel up costs time for every alignment."""
        lo, count = gaps[0], gaps[1] - gaps[0] + 1
        first, end = group * count // groups, (group + 1) * count // groups
        return lo + first, lo + max(first, end - 1)

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start and gap."""
        start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
        gap = int(rng.integers(params["gaps"][0], params["gaps"][1], endpoint=True))
        shifted = start + params["window"] * (gap + 1)
        draws = host.values(
            params["family"],
            params["mapping"],
            seed,
            params["lo"],
            params["hi"],
            count,
            start=shifted,
            gap=gap,
        )
        return (seed, start, gap), draws

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Call the kernel; a window that starts inside the history shifts the start by its own gap, so gaps run one by one."""
        starts, gaps = tuple(params["starts"]), tuple(params["gaps"])
        if params["window"] == 0:
            return call(routes.search, params, draws, first, count, starts, gaps, stop)
        parts = []
        for gap in range(gaps[0], gaps[1] + 1):
            shift = params["window"] * (gap + 1)
            moved = (starts[0] + shift, starts[1] + shift)
            part = call(routes.search, params, draws, first, count, moved, (gap, gap), stop)
            part.hits["start"] -= shift
            parts.append(part)
            if part.stopped:
                break
        return host.SieveResult(
            hits=np.concatenate([part.hits for part in parts]),
            seeds_done=min(part.seeds_done for part in parts),
            stopped=any(part.stopped for part in parts),
            overflow=any(part.overflow for part in parts),
        )


class VariableGaps:
    """Any number of calls within bounds between two draws, another one each time; a hit names the seed alone."""

    def stream(self, params: Params, seed: int, calls: int) -> np.ndarray:
        """Return the first calls of a seed, int64 (calls,)."""
        return stream(params, seed, calls)

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Keep all gaps: every draw may take any."""
        return gaps[0], gaps[1]

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start with a random gap before every draw."""
        steps = rng.integers(params["gaps"][0] + 1, params["gaps"][1] + 1, size=count, endpoint=True)
        steps[0] = rng.integers(params["starts"][0], params["starts"][1], endpoint=True)
        calls = np.cumsum(steps)
        return (seed, 0, 0), self.stream(params, seed, int(calls[-1]) + 1)[calls]

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Call the kernel."""
        starts, gaps = tuple(params["starts"]), tuple(params["gaps"])
        return call(variable_routes.search, params, draws, first, count, starts, gaps, stop)


class Reseeding:
    """A new seed before every draw, one step further each time; every draw is the call `start` of its own seed. A hit's gap is the step."""

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Keep all steps: they share one pass over the seeds."""
        return gaps[0], gaps[1]

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start and step."""
        start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
        step = int(rng.integers(params["gaps"][0], params["gaps"][1], endpoint=True))
        draws = reseeded(
            params["family"], params["mapping"], seed, params["lo"], params["hi"], count, start, step
        )
        return (seed, start, step), draws

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Find where in the run of seeds each draw can stand, then count the draws that point at the same first seed."""
        hits, done, stopped = [], 0, False
        while done < count and not stopped:
            size = min(SEEDS_AT_ONCE, count - done)
            places, stopped = _single_draws(params, draws, first + done, size, stop)
            if not stopped:
                hits.append(_joined(params, places, draws.shape[1], first + done, size))
                done += size
        found = np.concatenate(hits) if hits else np.empty(0, host.HIT)
        return host.SieveResult(found[:MAX_HITS], done, stopped, len(found) > MAX_HITS)


def reseeded(
    family: str, mapping: str, seed: int, lo: int, hi: int, count: int, start: int, step: int
) -> np.ndarray:
    """Return the int64 (count,) draws of a generator that is seeded anew before each: seed, seed + step, …, modulo its seeds."""
    seeds = [(seed + place * step) % 2 ** family_of(family).seed_bits for place in range(count)]
    return np.array(
        [host.values(family, mapping, one, lo, hi, 1, start=start)[0] for one in seeds], dtype=np.int64
    )


def _single_draws(
    params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
) -> tuple[np.ndarray, bool]:
    """Return where single draws stand: HIT with vector = row * width + place, for the seeds that the steps reach."""
    last = min(
        first + count - 1 + (draws.shape[1] - 1) * params["gaps"][1],
        2 ** family_of(params["family"]).seed_bits - 1,
    )
    flat = np.ascontiguousarray(draws.reshape(-1, 1))
    outcome = host.sieve(
        params["family"], params["mapping"], params["lo"], params["hi"], flat, np.ones(len(flat), np.uint32), seed_lo=first,
        seed_count=last - first + 1, starts=tuple(params["starts"]), gaps=(0, 0), max_hits=1 << 26, stop=stop.array,
        stop_generation=stop.generation,
    )  # fmt: skip
    return outcome.hits, outcome.stopped


def _joined(params: Params, places: np.ndarray, width: int, first: int, count: int) -> np.ndarray:
    """Return the hits: first seeds in [first, first + count) that enough single draws of one row, start and step point at."""
    row, place = np.divmod(places["vector"].astype(np.int64), width)
    offset, found = (places["seed"] - np.uint64(first)).astype(np.int64), []
    for step in range(params["gaps"][0], params["gaps"][1] + 1):
        origin = offset - place * step
        inside = (origin >= 0) & (origin < count)
        keys = np.stack([origin[inside], places["start"][inside].astype(np.int64), row[inside]], axis=1)
        which, matched = np.unique(keys, axis=0, return_counts=True)
        kept = matched >= params["threshold"]
        hits = np.zeros(int(kept.sum()), host.HIT)
        hits["seed"] = which[kept, 0].astype(np.uint64) + np.uint64(first)
        hits["start"], hits["vector"], hits["matched"], hits["gap"] = (
            which[kept, 1],
            which[kept, 2],
            matched[kept],
            step,
        )
        found.append(hits)
    whole = np.concatenate(found)
    return whole[np.lexsort((whole["vector"], whole["gap"], whole["start"], whole["seed"]))]


def stream(params: Params, seed: int, calls: int) -> np.ndarray:
    """Return the first calls of an integer seed, int64 (calls,)."""
    return host.values(params["family"], params["mapping"], seed, params["lo"], params["hi"], calls)


def call(
    kernel: Any,
    params: Params,
    draws: np.ndarray,
    first: int,
    count: int,
    starts: tuple[int, ...],
    gaps: tuple[int, ...],
    stop: StopFlag,
) -> host.SieveResult:
    """Search seeds [first, first + count) with a kernel, every row of `draws` by the threshold of the chunk."""
    found: host.SieveResult = kernel(
        params["family"], params["mapping"], params["lo"], params["hi"], draws,
        np.full(len(draws), params["threshold"], dtype=np.uint32), seed_lo=first, seed_count=count, starts=starts, gaps=gaps,
        max_hits=MAX_HITS, stop=stop.array, stop_generation=stop.generation,
    )  # fmt: skip
    return found
