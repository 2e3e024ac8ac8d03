"""Measure searches of rows of numbers against the making of their draws alone, and against what the planner expects of them.

A search holds every start and gap against four vectors; it has to seed, and to make the draws up to the last that may be wanted. CPU time of one core,
interleaved, medians. Run: python benchmarks/composed.py [--rounds 5] [--seeds 4096]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from hip_cuda_kernels import host
from hip_cuda_kernels.composed import lower_composed, seed_seconds
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import family as family_of

SIX = math.comb(49, 6)
CASES = (
    ("msvc_rand/srand", "sample(6,pool,sorted,mod)", SIX),
    ("mt19937/cpython", "sample(6,pool,sorted,top_reject)", SIX),
    ("lcg48/java", "sample(6,shuffle,sorted,java_bounded)", SIX),
    ("glibc_random/type3", "sample(6,reject,sorted,mod)", SIX),
    ("xorshift32/raw_seed", "digits(3,mod)", 1000),
)
SHAPES = (((0, 7), (0, 1), 3, 1), ((0, 127), (0, 31), 5, 2))
"""Starts, gaps, draws of the search block and matches that survive: the first two rungs of the ladder for forty rows."""
VECTORS, MADE = 4, 1 << 16


def spent(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def line(
    case: tuple[str, str, int],
    shape: tuple[tuple[int, int], tuple[int, int], int, int],
    rounds: int,
    seeds: int,
) -> str:
    """Measure one search; return its row of the table."""
    (name, mapping, size), (starts, gaps, block, least) = case, shape
    draws = np.random.default_rng(1).integers(0, size, (VECTORS, block))
    reach = starts[1] + (block - least) * (gaps[1] + 1) + 1

    def search() -> None:
        host.sieve(
            name, mapping, 0, size - 1, draws, np.full(VECTORS, least), seed_lo=0, seed_count=seeds, starts=starts, gaps=gaps
        )  # fmt: skip

    def make() -> None:
        host.values(name, mapping, 1, 0, size - 1, MADE)

    timed = [(spent(search) / seeds, spent(make) / MADE * reach) for _ in range(rounds)]
    searched, made = (median(column) * 1e6 for column in zip(*timed, strict=True))
    family = family_of(name)
    recipe = lower_composed(parse_mapping(mapping, family), family, 0, size - 1)
    expected = seed_seconds(recipe, family, block - least, starts, gaps) * 1e6
    label = f"{name} {mapping}, starts 0..{starts[1]}, gaps 0..{gaps[1]}, {least} of {block}"
    return f"| {label} | {searched:.2f} | {searched / made:.2f} | {searched / expected:.2f} |"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=4096)
    asked = parser.parse_args()
    print(
        "| search | microseconds a seed | against making the draws | against the planner |\n|---|---|---|---|"
    )
    for case in CASES:
        for shape in SHAPES:
            print(line(case, shape, asked.rounds, asked.seeds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
