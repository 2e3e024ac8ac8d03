"""One chunk of a search, as a worker runs it: real draws, null twins and a planted truth in the same kernel pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from engine.search.flood import one_a_seed, searched
from engine.search.laws import LAYOUTS
from engine.search.layouts import Params, StopFlag, Truth
from engine.search.words import unpacked
from engine.seedtree import named_rng

REAL, SHUFFLED, UNIFORM, PLANTED = range(4)
NEIGHBOURHOOD = 64  # seeds searched around the planted truths of a power check
GROUPS = 4  # places of the cell where a power check plants its truths


def run(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: StopFlag
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Search seeds [seed_lo, seed_lo + count) and return hits of the real and null draws, with what was planted and found.

    `arrays["draws"]` is int64 (3, W): real, shuffled, uniform; -1 marks a missing draw. With `params["part"]`, (first, count) within
    the chunk, only those seeds are searched; everything is planted as in the whole chunk, whose power the first part alone reports.
    With `arrays["words"]` the seeds are the places of these words in their list; with `arrays["later"]` every draw has a seed of its
    own, so many ticks behind the first one's.
    """
    if "words" in arrays:
        params = {**params, "words": unpacked(arrays["words"])}
    if "later" in arrays:
        params = {**params, "later": arrays["later"]}
    rng, layout = named_rng(params["rng"], "chunk", params["seed_lo"]), LAYOUTS[params["law"]]
    planted, found = _power_check(params, stop, rng)
    first, count = params["seed_lo"], params["count"]
    truth, draws = _plant(params, arrays["draws"][REAL], first, count, rng)
    part_first, part_count = params.get("part", (first, count))
    outcome = searched(
        layout, params, np.vstack([arrays["draws"], draws]), part_first, part_count, stop,
        lambda hits: one_a_seed(params, _but_plants(hits, PLANTED, [truth])),
    )  # fmt: skip
    whole = not (outcome.stopped or outcome.overflow)  # a cut list proves nothing about its truth
    canary = whole and _holds(outcome.hits, PLANTED, truth)
    meta = {
        "seeds_done": int(outcome.seeds_done),
        "hypotheses": int(outcome.seeds_done) * params["alignments"],
        "stopped": bool(outcome.stopped) or stop.asked(),
        "overflow": bool(outcome.overflow),
        "planted": planted + int(whole),
        "found": found + int(canary),
        "canary": [*truth, canary],
    }
    if "part" in params:
        meta["power"] = [planted, found] if part_first == first else [0, 0]
    return meta, {"hits": outcome.hits[outcome.hits["vector"] != PLANTED]}


def _power_check(params: Params, stop: StopFlag, rng: np.random.Generator) -> tuple[int, int]:
    """Plant truths all over the cell and look for each with the cell's own rule; one kernel call serves a group of them."""
    planted, found, layout = 0, 0, LAYOUTS[params["law"]]
    present = np.zeros(params["width"], dtype=np.int64)
    for group, plants in enumerate(_shares(params["plants"], GROUPS)):
        if not plants:
            continue
        tile = {**params, "gaps": layout.tile(params["gaps"], group, GROUPS)}
        first, count = _neighbourhood(params["interval"], rng)
        truths, draws = zip(*(_plant(tile, present, first, count, rng) for _ in range(plants)), strict=True)
        keep = partial(_but_plants, lowest=0, truths=truths)
        outcome = searched(layout, tile, np.vstack(draws), first, count, stop, keep)
        if outcome.stopped:
            break
        planted += plants
        found += sum(_holds(outcome.hits, vector, truth) for vector, truth in enumerate(truths))
    return planted, found


def _shares(total: int, parts: int) -> list[int]:
    """Split `total` into `parts` whole numbers that differ by one at most."""
    return [(total * (part + 1)) // parts - (total * part) // parts for part in range(parts)]


def _neighbourhood(interval: Sequence[int], rng: np.random.Generator) -> tuple[int, int]:
    """Return (first seed, count) of a random short stretch of the interval."""
    lowest, highest = interval
    centre = int(rng.integers(lowest, highest, endpoint=True, dtype=np.uint64))
    first = max(lowest, centre - int(rng.integers(NEIGHBOURHOOD)))
    return first, min(NEIGHBOURHOOD, highest - first + 1)


def _plant(
    params: Params, like: np.ndarray, first: int, count: int, rng: np.random.Generator
) -> tuple[Truth, np.ndarray]:
    """Make the draws of a random hypothesis of the cell with as many wrong draws as the rule tolerates."""
    seed = first + int(rng.integers(count, dtype=np.uint64))
    truth, draws = LAYOUTS[params["law"]].plant(params, len(like), seed, rng)
    lo, hi = params["lo"], params["hi"]
    present = np.flatnonzero(like >= 0)
    wrong = rng.permutation(present)[: len(present) - params["threshold"]]
    draws = draws.astype(np.int64)
    draws[wrong] = lo + (draws[wrong] - lo + 1) % (hi - lo + 1)
    draws[like < 0] = -1
    return truth, draws[None, :]


def _but_plants(hits: np.ndarray, lowest: int, truths: Sequence[Truth]) -> np.ndarray:
    """Drop what planted rows, those from `lowest` on, match beside their truths: it proves nothing, and may be a flood."""
    kept = hits["vector"] < lowest
    for vector, truth in enumerate(truths, start=lowest):
        kept |= _same(hits, vector, truth)
    return hits[kept]


def _same(hits: np.ndarray, vector: int, truth: Truth) -> np.ndarray:
    seed, start, gap = truth
    return np.asarray(
        (hits["vector"] == vector) & (hits["seed"] == seed) & (hits["start"] == start) & (hits["gap"] == gap)
    )


def _holds(hits: np.ndarray, vector: int, truth: Truth) -> bool:
    return bool(_same(hits, vector, truth).any())
