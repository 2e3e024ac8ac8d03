"""Planted truths are found: every family by every native mapping, at an unknown start and gap, with one draw in ten wrong."""

from __future__ import annotations

import numpy as np
import pytest

from hip_cuda_kernels import host
from hip_cuda_kernels.registry import FAMILIES

SEEDS, STARTS, GAPS = 1 << 11, (0, 2), (0, 4)
SEED, START, GAP = 1711, 1, 3
DRAWS, WRONG = 20, 2  # 18 of 20 by chance: below 10^-45 for a thousand values


@pytest.mark.parametrize(("name", "mapping"), [(f.id, m) for f in FAMILIES for m in f.mappings])
def test_a_planted_seed_is_found_and_nothing_else(name: str, mapping: str) -> None:
    draws = host.values(name, mapping, SEED, 0, 999, DRAWS, start=START, gap=GAP)
    rng = np.random.default_rng(SEED)
    wrong = rng.choice(DRAWS, WRONG, replace=False)
    draws[wrong] = (draws[wrong] + 1 + rng.integers(0, 999, WRONG)) % 1000
    found = host.sieve(
        name, mapping, 0, 999, draws[None, :], np.array([DRAWS - WRONG]),
        seed_lo=0, seed_count=SEEDS, starts=STARTS, gaps=GAPS,
    )  # fmt: skip
    hits = [(int(hit["seed"]), int(hit["start"]), int(hit["gap"])) for hit in found.hits]
    assert (SEED, START, GAP) in hits
    streams = [host.values(name, mapping, s, 0, 999, 200, start=start, gap=gap) for s, start, gap in hits]
    # a second hit can only be another name of the same draws
    assert all(np.array_equal(stream, streams[0]) for stream in streams)
