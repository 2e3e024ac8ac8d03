"""Measure the search under gaps that vary from draw to draw: 20 draws below 1000, each gap in 0..15, at 0, 3 and 6 misses.

Rates are million seeds per CPU second of one core, medians of interleaved rounds, for one draw vector and for four (a real one,
two null twins and a planted truth).
Run: python benchmarks/variable_gaps.py [FAMILY ...] [--isa avx2] [--rounds 5]
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import median

import numpy as np

import hip_cuda_kernels._host as _host
from hip_cuda_kernels import host, variable_gaps
from hip_cuda_kernels.registry import resolve_families

WIDTH, GAPS, VECTORS = 20, (0, 15), (1, 4)
SEEDS = {20: 1 << 24, 17: 1 << 22, 14: 1 << 21}


def rate(family: str, mapping: str, threshold: int, vectors: int) -> float:
    """Return seeds per CPU second of a search for random draws."""
    draws = np.random.default_rng(1).integers(0, 1000, (vectors, WIDTH))
    begin = time.thread_time()
    variable_gaps.sieve(
        family, mapping, 0, 999, draws, np.full(vectors, threshold),
        seed_lo=1 << 30, seed_count=SEEDS[threshold], starts=GAPS, gaps=GAPS,
    )  # fmt: skip
    return SEEDS[threshold] / (time.thread_time() - begin)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=["xorshift32/raw_seed", "lcg48/java"])
    parser.add_argument("--isa", choices=_host.isas(), help="instruction set (default: the best here)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.isa:
        host.isa = lambda: options.isa  # type: ignore[assignment]
    print(
        f"{host.isa()}, one core, million seeds per CPU second; {WIDTH} draws below 1000, gaps {GAPS[0]}..{GAPS[1]}"
    )
    for family in resolve_families(options.families):
        for threshold in SEEDS:
            rounds = [
                [rate(family.id, family.mappings[0], threshold, vectors) for vectors in VECTORS]
                for _ in range(options.rounds)
            ]
            one, four = (median(column) / 1e6 for column in zip(*rounds, strict=True))
            print(
                f"{family.id:24} {threshold} of {WIDTH}: one vector {one:8.3g}, four {four:8.3g}", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
