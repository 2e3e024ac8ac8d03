"""Floods of survivors: halves of the seeds add up, what foretells one value throughout is one hypothesis, nothing else is dropped."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.search import books, flood, identify
from engine.search.cell import Cell
from engine.search.claims import score
from engine.search.design import NEXT_DRAWS
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from state.journal import Journal
from tests.search.by_definition import Running

CODE, TOLD = ("squares/key32", "mulshift"), 20  # small keys give 0 for a while, the smaller the longer
PARAMS: dict[str, Any] = {
    "family": CODE[0], "mapping": CODE[1], "lo": 0, "hi": 999, "law": "constant", "starts": [0, 9], "gaps": [0, 3], "told": TOLD,
    "window": 0,
}  # fmt: skip


def zeros(seeds: int) -> np.ndarray:
    """Return what two rows of six zeros meet among the first seeds."""
    where: dict[str, Any] = {"seed_lo": 0, "seed_count": seeds, "starts": (0, 9), "gaps": (0, 3)}
    return host.sieve(*CODE, 0, 999, np.zeros((2, 6), np.int64), np.full(2, 6, np.uint32), **where).hits


def stories(hits: np.ndarray) -> list[tuple[int, bytes]]:
    """Return each hit's row with the draws that it foretells."""
    return [
        (int(hit["vector"]), host.values(*CODE, int(hit["seed"]), 0, 999, TOLD, start=int(hit["start"]), gap=int(hit["gap"])).tobytes())
        for hit in hits
    ]  # fmt: skip


def test_of_a_seed_s_alignments_one_is_left_to_every_story() -> None:
    hits = zeros(150)
    left = flood.one_a_seed(PARAMS, hits)
    assert 0 < len(left) < len(hits) / 3
    whole = {(int(hit["seed"]), *story) for hit, story in zip(hits, stories(hits), strict=True)}
    kept = [(int(hit["seed"]), *story) for hit, story in zip(left, stories(left), strict=True)]
    assert set(kept) == whole
    constant = [one for one in kept if one[2] == bytes(8 * TOLD)]
    assert len(constant) == len(set(constant)) > 10
    first = [hit for hit in left if hit["seed"] == 1]
    assert [(hit["start"], hit["gap"], hit["vector"]) for hit in first] == [(0, 0, 0), (0, 0, 1)]


def test_of_all_seeds_one_is_left_to_a_story_of_one_value() -> None:
    hits = zeros(150)
    cell = Cell(*CODE, 0, 999, Range(0, 149), (0, 9), (0, 3), 0.0, 6, 6, 4, None, 1.0, 1.0)
    left = flood.one_a_value(cell, hits, TOLD - NEXT_DRAWS)
    kept = stories(left)
    assert set(kept) == set(stories(hits))
    assert sum(story == bytes(8 * TOLD) for _, story in kept) == 2, "one a row"
    assert len(flood.one_a_value(cell, hits[:3], 0)) == 3, "few are weighed one by one"


def test_halves_of_the_seeds_add_up_to_what_overflowed() -> None:
    class Narrow:
        """Finds every third seed twice, and no more than four hits at a time."""

        calls = 0

        def sieve(self, params: Any, draws: Any, first: int, count: int, stop: Any) -> host.SieveResult:
            self.calls += 1
            seeds = np.repeat([seed for seed in range(first, first + count) if seed % 3 == 0], 2)
            hits = np.zeros(min(4, len(seeds)), host.HIT)
            hits["seed"] = seeds[:4]
            return host.SieveResult(hits, count, False, len(seeds) > 4)

    layout = Narrow()
    found = flood.searched(layout, PARAMS, np.empty(0), 0, 30, Running(), lambda hits: hits[::2])  # type: ignore[arg-type]
    assert found.hits["seed"].tolist() == list(range(0, 30, 3))
    assert (found.seeds_done, found.stopped, found.overflow) == (30, False, False)
    assert layout.calls < 20


@pytest.mark.asyncio(loop_scope="package")
async def test_many_survivors_are_weighed_off_the_loop(
    compute: Compute, journal: Journal, make_history: Callable[..., History], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify, "FEW", -1)
    weigh, threads = score, []

    def noted(*what: Any) -> Any:
        threads.append(threading.get_ident())
        return weigh(*what)

    monkeypatch.setattr(books, "score", noted)
    draws = host.values("lcg48/java", "java_bounded", 900, 0, 999, 40)
    space = Space(families=("java",), mappings=("java_bounded",), seeds=(Range(0, 1023),), range=(0, 999))
    found = await identify.identify(make_history(draws), space, compute, journal, run="t")
    assert found.verdict == "identified"
    assert threads
    assert threading.get_ident() not in threads
