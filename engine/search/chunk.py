"""One chunk of a sieve, as a worker runs it: real draws, null twins and a planted truth in the same kernel pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from engine.seedtree import named_rng
from hip_cuda_kernels import host

REAL, SHUFFLED, UNIFORM, PLANTED = range(4)
NEIGHBOURHOOD = 64  # seeds searched around the planted truths of a power check
GROUPS = 4  # places of the cell where a power check plants its truths
MAX_HITS = 1 << 16
Truth = tuple[int, int, int]  # seed, start, gap


class StopFlag(Protocol):
    """What a kernel polls: a shared generation word, and the generation under which the work was asked for."""

    @property
    def array(self) -> np.ndarray: ...
    @property
    def generation(self) -> int: ...
    def asked(self) -> bool: ...


def run(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: StopFlag
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Search seeds [seed_lo, seed_lo + count) and return hits of the real and null draws, with what was planted and found.

    `arrays["draws"]` is int64 (3, W): real, shuffled, uniform; -1 marks a missing draw.
    """
    rng = named_rng(params["rng"], "chunk", params["seed_lo"])
    planted, found = _power_check(params, stop, rng)
    truth, draws = _plant(params, arrays["draws"][REAL], params["seed_lo"], params["count"], rng)
    outcome = _sieve(params, np.vstack([arrays["draws"], draws]), params["seed_lo"], params["count"], stop)
    whole = not outcome.stopped
    canary = whole and _holds(outcome.hits, PLANTED, truth)
    hits = outcome.hits[outcome.hits["vector"] != PLANTED]
    meta = {
        "seeds_done": int(outcome.seeds_done),
        "hypotheses": int(outcome.seeds_done) * _alignments(params),
        "stopped": bool(outcome.stopped) or stop.asked(),
        "overflow": bool(outcome.overflow),
        "planted": planted + int(whole),
        "found": found + int(canary),
        "canary": [*truth, canary],
    }
    return meta, {"hits": hits}


def _power_check(params: dict[str, Any], stop: StopFlag, rng: np.random.Generator) -> tuple[int, int]:
    """Plant truths all over the cell and look for each with the cell's own rule; one kernel call serves a group of them."""
    planted = found = 0
    present = np.zeros(params["width"], dtype=np.int64)
    for group, plants in enumerate(_shares(params["plants"], GROUPS)):
        if not plants:
            continue
        tile = params | {"gaps": _tile(params["gaps"], group)}
        first, count = _neighbourhood(params["interval"], rng)
        truths, draws = zip(*(_plant(tile, present, first, count, rng) for _ in range(plants)), strict=True)
        outcome = _sieve(tile, np.vstack(draws), first, count, stop)
        if outcome.stopped:
            break
        planted += plants
        found += sum(_holds(outcome.hits, vector, truth) for vector, truth in enumerate(truths))
    return planted, found


def _shares(total: int, parts: int) -> list[int]:
    """Split `total` into `parts` whole numbers that differ by one at most."""
    return [(total * (part + 1)) // parts - (total * part) // parts for part in range(parts)]


def _tile(gaps: Sequence[int], group: int) -> tuple[int, int]:
    """Return the part of the gaps that a group of truths stands for: setting a kernel up costs time for every alignment."""
    lo, count = gaps[0], gaps[1] - gaps[0] + 1
    first, end = group * count // GROUPS, (group + 1) * count // GROUPS
    return lo + first, lo + max(first, end - 1)


def _neighbourhood(interval: Sequence[int], rng: np.random.Generator) -> tuple[int, int]:
    """Return (first seed, count) of a random short stretch of the interval."""
    lowest, highest = interval
    centre = int(rng.integers(lowest, highest, endpoint=True, dtype=np.uint64))
    first = max(lowest, centre - int(rng.integers(NEIGHBOURHOOD)))
    return first, min(NEIGHBOURHOOD, highest - first + 1)


def _plant(
    params: dict[str, Any], like: np.ndarray, first: int, count: int, rng: np.random.Generator
) -> tuple[Truth, np.ndarray]:
    """Make the draws of a random hypothesis of the cell with as many wrong draws as the rule tolerates."""
    seed = first + int(rng.integers(count, dtype=np.uint64))
    start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
    gap = int(rng.integers(params["gaps"][0], params["gaps"][1], endpoint=True))
    shifted = start + params["window"] * (gap + 1)
    lo, hi = params["lo"], params["hi"]
    draws = host.values(
        params["family"], params["mapping"], seed, lo, hi, len(like), start=shifted, gap=gap
    ).astype(np.int64)
    present = np.flatnonzero(like >= 0)
    wrong = rng.permutation(present)[: len(present) - params["threshold"]]
    draws[wrong] = lo + (draws[wrong] - lo + 1) % (hi - lo + 1)
    draws[like < 0] = -1
    return (seed, start, gap), draws[None, :]


def _sieve(
    params: dict[str, Any], draws: np.ndarray, first: int, count: int, stop: StopFlag
) -> host.SieveResult:
    """Call the kernel; a window that starts inside the history shifts the start by its own gap, so gaps run one by one."""
    if params["window"] == 0:
        return _call(params, draws, first, count, tuple(params["starts"]), tuple(params["gaps"]), stop)
    parts = []
    for gap in range(params["gaps"][0], params["gaps"][1] + 1):
        shift = params["window"] * (gap + 1)
        starts = (params["starts"][0] + shift, params["starts"][1] + shift)
        part = _call(params, draws, first, count, starts, (gap, gap), stop)
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


def _call(
    params: dict[str, Any],
    draws: np.ndarray,
    first: int,
    count: int,
    starts: tuple[int, int],
    gaps: tuple[int, int],
    stop: StopFlag,
) -> host.SieveResult:
    thresholds = np.full(len(draws), params["threshold"], dtype=np.uint32)
    return host.sieve(
        params["family"], params["mapping"], params["lo"], params["hi"], draws, thresholds,
        seed_lo=first, seed_count=count, starts=starts, gaps=gaps,
        max_hits=MAX_HITS, stop=stop.array, stop_generation=stop.generation,
    )  # fmt: skip


def _holds(hits: np.ndarray, vector: int, truth: Truth) -> bool:
    seed, start, gap = truth
    same = (
        (hits["vector"] == vector) & (hits["seed"] == seed) & (hits["start"] == start) & (hits["gap"] == gap)
    )
    return bool(same.any())


def _alignments(params: dict[str, Any]) -> int:
    return int((params["starts"][1] - params["starts"][0] + 1) * (params["gaps"][1] - params["gaps"][0] + 1))
