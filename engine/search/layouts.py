"""How a worker lays draws into a stream, by the law of gaps: plant a truth, search seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from engine.recovery.problem import Patterns, calls_of
from engine.search.turns import allowances, constant_part, turns
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
            return _call(routes.search, params, draws, first, count, starts, gaps, stop)
        parts = []
        for gap in range(gaps[0], gaps[1] + 1):
            shift = params["window"] * (gap + 1)
            moved = (starts[0] + shift, starts[1] + shift)
            part = _call(routes.search, params, draws, first, count, moved, (gap, gap), stop)
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


class PeriodicGaps:
    """`period` gaps that take turns; a hit's gap is the code of their pattern. Searched from the first draw on."""

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Keep all gaps: they are searched together."""
        return gaps[0], gaps[1]

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start and pattern."""
        patterns = Patterns(params["gaps"][0], params["gaps"][1], params["period"])
        pattern = patterns[int(rng.integers(len(patterns)))]
        start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
        calls = start + calls_of(pattern, np.arange(count))
        code = params["family"], params["mapping"], seed, params["lo"], params["hi"]
        return (seed, start, patterns.code(pattern)), host.values(*code, int(calls[-1]) + 1)[calls]

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Let the draws of each turn propose, then count whole patterns; the rows of `draws` miss the same ones."""
        starts, gaps, period = tuple(params["starts"]), tuple(params["gaps"]), params["period"]
        present = [int((draws[0, turn::period] >= 0).sum()) for turn in range(period)]
        parts, hits = [], []
        for turn, misses in enumerate(allowances(present, sum(present) - params["threshold"])):
            if misses < 0:
                continue
            asked = {**params, "threshold": present[turn] - misses}
            rows = np.ascontiguousarray(draws[:, turn::period])
            part = _call(
                routes.search, asked, rows, first, count, *constant_part(starts, gaps, period, turn), stop
            )
            parts.append(part)
            if part.stopped or part.overflow or stop.asked():
                break
            hits.append(_whole_patterns(params, draws, turn, part.hits, stop))
        found = np.unique(np.concatenate([np.empty(0, host.HIT), *hits]))
        done = min((part.seeds_done for part in parts), default=count)
        stopped = any(part.stopped for part in parts) or stop.asked()
        overflow = any(part.overflow for part in parts) or len(found) > MAX_HITS
        order = np.lexsort((found["vector"], found["gap"], found["start"], found["seed"]))
        return host.SieveResult(found[order][:MAX_HITS], 0 if stopped else done, stopped, overflow)


class VariableGaps:
    """Any number of calls within bounds between two draws, another one each time; a hit names the seed alone."""

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
        stream = host.values(
            params["family"], params["mapping"], seed, params["lo"], params["hi"], int(calls[-1]) + 1
        )
        return (seed, 0, 0), stream[calls]

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Call the kernel."""
        starts, gaps = tuple(params["starts"]), tuple(params["gaps"])
        return _call(variable_routes.search, params, draws, first, count, starts, gaps, stop)


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


def _whole_patterns(
    params: Params, draws: np.ndarray, turn: int, proposals: np.ndarray, stop: StopFlag
) -> np.ndarray:
    """Return the hits among the patterns that one turn's proposals belong to."""
    laid = turns(*params["gaps"], params["period"], draws.shape[1])
    starts, found = tuple(params["starts"]), [np.empty(0, host.HIT)]
    code, seed, stream = (params["family"], params["mapping"]), None, np.empty(0, np.int64)
    for one in proposals:
        if stop.asked():
            break
        if one["seed"] != seed:
            seed = one["seed"]
            stream = host.values(*code, int(seed), params["lo"], params["hi"], starts[1] + laid.reach)
        row = draws[one["vector"]]
        begin, codes, matched = laid.counted(stream, row, starts, turn, int(one["start"]), int(one["gap"]))
        kept = matched >= params["threshold"]
        hits = np.zeros(int(kept.sum()), host.HIT)
        hits["seed"], hits["vector"], hits["start"] = seed, one["vector"], begin[kept]
        hits["gap"], hits["matched"] = codes[kept], matched[kept]
        found.append(hits)
    return np.concatenate(found)


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


def _call(
    kernel: Any,
    params: Params,
    draws: np.ndarray,
    first: int,
    count: int,
    starts: tuple[int, ...],
    gaps: tuple[int, ...],
    stop: StopFlag,
) -> host.SieveResult:
    found: host.SieveResult = kernel(
        params["family"], params["mapping"], params["lo"], params["hi"], draws,
        np.full(len(draws), params["threshold"], dtype=np.uint32), seed_lo=first, seed_count=count, starts=starts, gaps=gaps,
        max_hits=MAX_HITS, stop=stop.array, stop_generation=stop.generation,
    )  # fmt: skip
    return found
