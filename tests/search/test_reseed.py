"""A new seed before every draw: found on real workers with its step, equal to brute force, refused without a step."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.search.identify import identify
from engine.search.laws import LAYOUTS
from engine.search.layouts import reseeded
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from state.journal import Journal
from tests.search.by_definition import Running

Maker = Callable[[np.ndarray], History]


def test_the_draws_are_the_same_call_of_one_seed_after_another() -> None:
    draws = reseeded("lcg48/java", "java_bounded", 2**48 - 2, 0, 9, 4, 1, 1)
    seeds = [2**48 - 2, 2**48 - 1, 0, 1]
    assert draws.tolist() == [int(host.values("lcg48/java", "java_bounded", s, 0, 9, 2)[1]) for s in seeds]


def test_the_search_equals_brute_force() -> None:
    rng = np.random.default_rng(1)
    draws = np.vstack(
        [rng.integers(0, 4, (2, 6)), reseeded("msvc_rand/srand", "mod", 900, 0, 3, 6, 1, 3)[None, :]]
    )
    draws[0, 2] = -1
    params = {
        "family": "msvc_rand/srand", "mapping": "mod", "lo": 0, "hi": 3, "starts": [0, 1], "gaps": [1, 3], "threshold": 5,
    }  # fmt: skip
    found = LAYOUTS["reseed"].sieve(params, draws, 100, 20_000, Running())
    table = host.streams("msvc_rand/srand", "mod", range(100, 20_115), 0, 3, 2).T
    wanted = set()
    for start, values in enumerate(table):
        for step in (1, 2, 3):
            for row, wished in enumerate(draws):
                run = sum(
                    (values[p * step : p * step + 20_000] == draw) & (draw >= 0)
                    for p, draw in enumerate(wished)
                )
                wanted |= {
                    (row, int(run[s]), start, step, s + 100) for s in np.flatnonzero(run >= 5).tolist()
                }
    names = ("vector", "matched", "start", "gap", "seed")
    assert {tuple(int(hit[name]) for name in names) for hit in found.hits} == wanted
    assert (2, 6, 1, 3, 900) in wanted


@pytest.mark.asyncio(loop_scope="package")
async def test_a_reseeded_history_is_identified_with_its_step_and_next_draws(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = reseeded("mt19937/cpython", "top_reject", 5000, 0, 999, 50, 0, 7)
    space = Space(
        families=("python",), mappings=("top_reject",), seeds=Range(0, 2**13 - 1), gaps=Range(1, 9), gap_law="reseed",
        range=(0, 999),
    )  # fmt: skip
    found = await identify(make_history(draws[:40]), space, compute, journal, run="t")
    assert found.verdict == "identified"
    (best,) = found.hypotheses
    assert (int(best.origin["value"], 16), best.gap["law"], best.gap["value"]) == (5000, "reseed", 7)
    assert found.next_draws == draws[40:].tolist()
    assert found.controls.cells_found == found.controls.cells_planted >= 60


@pytest.mark.asyncio(loop_scope="package")
async def test_chance_is_not_claimed(compute: Compute, journal: Journal, make_history: Maker) -> None:
    draws = np.random.default_rng(5).integers(0, 10, 100)
    space = Space(
        families=("java",), seeds=Range(0, 2**13 - 1), gaps=Range(1, 4), gap_law="reseed", range=(0, 9)
    )
    found = await identify(make_history(draws), space, compute, journal, run="t")
    assert (found.verdict, found.complete) == ("no_evidence", True)
