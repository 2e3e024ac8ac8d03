"""The sieve's hit set is exact: compared with a count over the scalar draw streams, for every family, mapping and corner."""

from __future__ import annotations

import numpy as np
import pytest

from hip_cuda_kernels import _host, host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import FAMILIES, family
from hip_cuda_kernels.task import Scope, build_task

NATIVE = [(f.id, m) for f in FAMILIES for m in f.mappings]
Hits = set[tuple[int, int, int, int, int]]


def brute_force(
    name: str, mapping: str, lo: int, hi: int, draws: np.ndarray, thresholds: np.ndarray, scope: Scope
) -> Hits:
    """Count matches of every alignment on each seed's own draw stream."""
    (start_lo, start_hi), (gap_lo, gap_hi) = scope.starts, scope.gaps
    calls = start_hi + (draws.shape[1] - 1) * (gap_hi + 1) + 1
    present, places, hits = draws != -1, np.arange(draws.shape[1]), set()
    for seed in range(scope.seed_lo, scope.seed_lo + scope.seed_count):
        stream = host.values(name, mapping, seed, lo, hi, calls)
        for start in range(start_lo, start_hi + 1):
            for gap in range(gap_lo, gap_hi + 1):
                matched = ((stream[start + places * (gap + 1)] == draws) & present).sum(axis=1)
                hits |= {(int(v), int(matched[v]), start, gap, seed) for v in np.flatnonzero(matched >= thresholds)}
    return hits


def found_by_sieve(
    name: str, mapping: str, lo: int, hi: int, draws: np.ndarray, thresholds: np.ndarray, scope: Scope
) -> Hits:
    result = host.sieve(
        name, mapping, lo, hi, draws, thresholds,
        seed_lo=scope.seed_lo, seed_count=scope.seed_count, starts=scope.starts, gaps=scope.gaps,
    )  # fmt: skip
    assert (result.seeds_done, result.stopped, result.overflow) == (scope.seed_count, False, False)
    return as_set(result.hits)


def as_set(hits: np.ndarray) -> Hits:
    assert len(hits) == len(np.unique(hits)), "a hit was reported twice"
    return {(int(h["vector"]), int(h["matched"]), int(h["start"]), int(h["gap"]), int(h["seed"])) for h in hits}


def planted(name: str, mapping: str, lo: int, hi: int, scope: Scope, vectors: int = 3, width: int = 8) -> np.ndarray:
    """Draw vectors of seeds inside the scope at its corners, each with a wrong and a missing draw, and one of noise."""
    rng = np.random.default_rng(7)
    rows = []
    for v in range(vectors - 1):
        seed = scope.seed_lo + (v + 1) * (scope.seed_count - 1) // vectors
        row = host.values(name, mapping, seed, lo, hi, width, start=scope.starts[v % 2], gap=scope.gaps[(v + 1) % 2])
        row[rng.integers(width)] = rng.integers(lo, hi + 1)
        row[rng.integers(width)] = -1
        rows.append(row)
    return np.array([*rows, rng.integers(lo, hi + 1, width)])


@pytest.mark.parametrize("modulus", [7, 12, 16, 100])
@pytest.mark.parametrize(("name", "mapping"), NATIVE)
def test_hit_set_equals_brute_force(name: str, mapping: str, modulus: int) -> None:
    bits = family(name).seed_bits
    scope = Scope(0 if bits == 32 else (1 << 32) - 75, 150, (2, 4), (0, 3))
    draws = planted(name, mapping, 5, 4 + modulus, scope)
    thresholds = np.array([4, 5, 3]) - (modulus > 12)
    expected = brute_force(name, mapping, 5, 4 + modulus, draws, thresholds, scope)
    assert {h[0] for h in expected} >= {0, 1}, "the planted seeds must be among the hits"
    assert found_by_sieve(name, mapping, 5, 4 + modulus, draws, thresholds, scope) == expected
