"""One chunk of a search, as a worker runs it: real draws, null twins and a planted truth in the same kernel pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from engine.search.flood import one_a_seed, searched
from engine.search.laws import LAYOUTS
from engine.search.layouts import Params, StopFlag, Truth
from engine.search.words import unpacked
from engine.seedtree import named_rng
from hip_cuda_kernels.host import SieveResult

REAL, SHUFFLED, UNIFORM, PLANTED = range(4)
NEIGHBOURHOOD = 64  # seeds searched around the planted truths of a power check
GROUPS = 4  # places of the cell where a power check plants its truths


class Prepared(NamedTuple):
    """A chunk before its search: what is asked, the rows of draws with a planted one, and what its power check found."""

    params: Params
    draws: np.ndarray
    truth: Truth
    planted: int
    found: int

    @property
    def seeds(self) -> tuple[int, int]:
        """Return (first, count) of the seeds to search."""
        first, count = self.params.get("part", (self.params["seed_lo"], self.params["count"]))
        return int(first), int(count)

    def kept(self, hits: np.ndarray) -> np.ndarray:
        """Return the hits that are reported, and that of the planted truth."""
        return one_a_seed(self.params, _but_plants(hits, PLANTED, [self.truth]))

    def search(self, stop: StopFlag) -> SieveResult:
        """Search it alone; where hits overflow, a part of the seeds at a time."""
        return searched(LAYOUTS[self.params["law"]], self.params, self.draws, *self.seeds, stop, self.kept)

    def answer(self, outcome: SieveResult, stop: StopFlag) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what is told of a search: its counts, its canary, and the hits of the real and null draws."""
        whole = not (outcome.stopped or outcome.overflow)  # a cut list proves nothing about its truth
        canary = whole and _holds(outcome.hits, PLANTED, self.truth)
        meta = {
            "seeds_done": int(outcome.seeds_done),
            "hypotheses": int(outcome.seeds_done) * self.params["alignments"],
            "stopped": bool(outcome.stopped) or stop.asked(),
            "overflow": bool(outcome.overflow),
            "planted": self.planted + int(whole),
            "found": self.found + int(canary),
            "canary": [*self.truth, canary],
        }
        if "part" in self.params:
            first = self.params["seed_lo"] == self.seeds[0]
            meta["power"] = [self.planted, self.found] if first else [0, 0]
        return meta, {"hits": outcome.hits[outcome.hits["vector"] != PLANTED]}


def run(
    params: dict[str, Any], arrays: dict[str, np.ndarray], stop: StopFlag
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Search seeds [seed_lo, seed_lo + count) and return hits of the real and null draws, with what was planted and found.

    `arrays["draws"]` is int64 (3, W): real, shuffled, uniform; -1 marks a missing draw. With `params["part"]`, (first, count) within
    the chunk, only those seeds are searched; everything is planted as in the whole chunk, whose power the first part alone reports.
    With `arrays["words"]` the seeds are the places of these words in their list; with `arrays["later"]` every draw has a seed of its
    own, so many ticks behind the first one's.
    """
    one = prepared(params, arrays, stop)
    return one.answer(one.search(stop), stop)


def prepared(params: Params, arrays: Mapping[str, np.ndarray], stop: StopFlag) -> Prepared:
    """Check the cell's power, where it is asked for, and plant the truth of this chunk."""
    if "words" in arrays:
        params = {**params, "words": unpacked(arrays["words"])}
    if "later" in arrays:
        params = {**params, "later": arrays["later"]}
    rng = named_rng(params["rng"], "chunk", params["seed_lo"])
    planted, found = _power_check(params, stop, rng)
    truth, draws = _plant(params, arrays["draws"][REAL], params["seed_lo"], params["count"], rng)
    return Prepared(params, np.vstack([arrays["draws"], draws]), truth, planted, found)


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
