"""Varying gaps along the orbit: the hits of the search seed by seed, offered where it is sound and cheaper, stopped at once."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from hip_cuda_kernels import host, variable_gaps, variable_routes

WHOLE = {"seed_lo": 0, "seed_count": 1 << 32, "starts": (0, 15), "gaps": (0, 15)}
PROMPT_S = 1.0
DRAWS = np.random.default_rng(1).integers(0, 1000, (1, 20))


def route(family: str, mapping: str, **where: object) -> str:
    draws = DRAWS % 1000
    return variable_routes.choose(family, mapping, 0, 999, draws, np.array([14]), **WHOLE | where).name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "first"),
    [("msvc_rand/srand", 0), ("xorshift32/raw_seed", 0), ("lcg31/minstd48271", (1 << 31) - (1 << 21))],
)
def test_chains_along_the_orbit_are_the_hits_of_the_search_seed_by_seed(family: str, first: int) -> None:
    """Take 6 to 12 s each: a whole cycle, with matches close together."""
    rng, size = np.random.default_rng(2), 300
    calls = np.cumsum([2, *(rng.integers(0, 3, 7) + 1)])
    truth = host.values(family, "mod", first + 777, 0, size - 1, int(calls[-1]) + 1)[calls]
    draws = np.vstack([truth, rng.integers(0, size, 8)]).astype(np.int64)
    draws[0, 3], draws[1, 0] = -1, -1
    job = (family, "mod", 0, size - 1, draws, np.array([4, 4]))
    scope = {"seed_lo": first, "seed_count": 1 << 22, "starts": (1, 3), "gaps": (0, 2)}
    each = variable_gaps.sieve(*job, **scope)
    along = variable_gaps.sieve(*job, **scope, route="orbit")
    assert len(each.hits) > 5
    assert np.array_equal(each.hits, along.hits)
    assert first + 777 in along.hits["seed"]
    assert along.seeds_done == 1 << 22


def test_the_orbit_is_taken_for_a_whole_cycle_alone() -> None:
    assert route("xorshift32/raw_seed", "mod") == "orbit"
    assert route("lcg31/minstd48271", "mod") == "orbit"
    assert route("xorshift32/raw_seed", "mod", seed_count=1 << 20) == "sieve"


@pytest.mark.parametrize(
    ("family", "mapping", "where"),
    [
        ("lcg48/java", "java_bounded", {}),  # no cycle of 32 bits
        ("xorshift32/raw_seed", "lemire", {}),  # a word drawn again moves the rest
        ("xorshift32/raw_seed", "mod", {"gaps": (0, 4000)}),  # too many matches to remember
    ],
)
def test_the_orbit_is_left_out_where_it_is_not_sound(
    family: str, mapping: str, where: dict[str, object]
) -> None:
    assert route(family, mapping, **where) == "sieve"


def test_a_stop_ends_the_walk_at_once_and_nothing_counts() -> None:
    stop, progress = np.zeros(1, np.uint32), np.zeros(1, np.uint64)
    threading.Timer(0.1, lambda: stop.__setitem__(0, 1)).start()
    began = time.monotonic()
    found = variable_gaps.sieve(
        "xorshift32/raw_seed", "mod", 0, 999, DRAWS, np.array([14]), **WHOLE, route="orbit", stop=stop, progress=progress
    )  # fmt: skip
    assert time.monotonic() - began < 0.1 + PROMPT_S
    assert (found.stopped, found.seeds_done, len(found.hits), progress[0]) == (True, 0, 0, 0)
