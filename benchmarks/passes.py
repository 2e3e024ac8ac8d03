"""Measure searches of the same seeds in one pass, where a seed's words are made once, against the same searches one by one.

Every mapping of a family that its runtime has, draws of 1 to 100 read as 0..99 and as 1..100 (four vectors, all draws must match: five at gap 0, six at
gaps 0..16). CPU time of one core, interleaved, medians. Run: python benchmarks/passes.py [--rounds 3] [--seconds 0.2] [FAMILY …]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from hip_cuda_kernels import host, together
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import is_composed, resolve_mappings
from hip_cuda_kernels.registry import family as family_of

FAMILIES = (
    "mt19937/init_genrand", "mt19937_php/mt_srand", "mt19937/cpython", "mt19937_64/std", "net_random/knuth", "r_mersenne/set_seed",
    "go_alfg/new_source", "pcg64/seed_sequence", "chacha/std_rng", "lcg48/java",
)  # fmt: skip
SPANS = ((0, 99), (1, 100))
SHAPES = (((0, 0), 5), ((0, 16), 6))
"""Gaps, and the draws that must all match."""
VECTORS = 4


def spent(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def readings(found: Family, gaps: tuple[int, int], block: int) -> list[together.Reading]:
    """Return a reading for every mapping and span."""
    draws = np.random.default_rng(1).integers(1, 100, (VECTORS, block), endpoint=True)
    made = []
    for mapping in resolve_mappings(None, found):
        for span in SPANS:
            try:
                host.check_mapping(found.id, mapping.id, *span)
            except KernelError:
                continue
            if not is_composed(mapping):
                all_match = np.full(VECTORS, block, np.uint32)
                made.append(together.Reading(mapping.id, *span, draws, all_match, (0, 0), gaps))
    return made


def line(name: str, gaps: tuple[int, int], block: int, rounds: int, seconds: float) -> str:
    """Measure one family at one shape; return its row of the table."""
    asked = readings(family_of(name), gaps, block)

    def alone(one: together.Reading, seeds: int) -> None:
        host.sieve(
            name, one.mapping, one.lo, one.hi, one.draws, one.thresholds, seed_lo=0, seed_count=seeds, starts=one.starts, gaps=one.gaps
        )  # fmt: skip

    seeds = 1 << 12
    while spent(partial(alone, asked[0], seeds)) < seconds and seeds < 1 << 28:
        seeds *= 2
    one_by_one, at_once = [], []
    for _ in range(rounds):
        one_by_one.append([spent(partial(alone, one, seeds)) for one in asked])
        at_once.append(spent(partial(together.search, name, asked, seed_lo=0, seed_count=seeds)))
    whole = median(sum(each) for each in one_by_one)
    dearest = median(max(each) for each in one_by_one)
    added = (median(at_once) - dearest) / max(1, len(asked) - 1) / dearest
    return (
        f"| {name} | {gaps[0]}..{gaps[1]} | {len(asked)} | {seeds / dearest / 1e6:.1f} | {whole / median(at_once):.1f} | {added:.0%} |"
    )  # fmt: skip


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("families", nargs="*", default=FAMILIES, metavar="FAMILY")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=0.2, help="of the search that sets the number of seeds"
    )
    asked = parser.parse_args()
    print(
        f"{host.isa()}, million seeds a second of the dearest search alone; one by one / together; what one more adds"
    )
    print("| family | gaps | searches | alone | gain | one more |")
    print("|---|---|---|---|---|---|")
    for name in asked.families:
        for gaps, block in SHAPES:
            print(line(name, gaps, block, asked.rounds, asked.seconds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
