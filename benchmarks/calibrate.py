"""Measure what seeding and a word of every family cost (the registry's `ops`) and write the numbers into families/*.py.

One draw that chance hardly ever matches is looked for at 1 and at WORDS successive words: what the second search takes more is the
words', the rest the seeding's. Numbers are vector operations on eight seeds (planning.OPERATION_SECONDS for each of the eight), medians of
interleaved runs by CPU time of one core with AVX2; the passes' own share (planning.py) is taken off. They steer speed only.
Run: python benchmarks/calibrate.py [FAMILY ...] [--seconds 0.2] [--write]
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

import hip_cuda_kernels
import hip_cuda_kernels._host as _host
from hip_cuda_kernels import host
from hip_cuda_kernels.errors import IncompatibleMapping
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.planning import OPERATION_SECONDS
from hip_cuda_kernels.registry import resolve_families

WORDS = 33
PASSES = 5.0  # operations that a word looked at costs beside its own: filter, store, comparison
FAMILIES = Path(hip_cuda_kernels.__file__).parent / "families"


def calls(family: Family) -> tuple[str, int, int]:
    """Return (mapping, largest draw, raw words a call) of a call that chance seldom matches and that rejects no word."""
    for name in ("mod", "shift(1)", *family.mappings):
        for bits in (24, 20, 14):
            try:
                host.check_mapping(family.id, name, 0, (1 << bits) - 1)
            except IncompatibleMapping:
                continue
            return name, (1 << bits) - 1, parse_mapping(name, family).words
    raise SystemExit(f"{family.id}: no mapping makes draws below 2^14")


def spent(family: Family, call: tuple[str, int, int], words: int, seeds: int) -> float:
    """Return the CPU seconds of a search over `seeds` seeds that looks at so many calls."""
    mapping, hi, _ = call
    first = min(1 << 30, 1 << (family.seed_bits - 1))
    begin = time.thread_time()
    host.sieve(
        family.id, mapping, 0, hi, np.array([[5]]), np.array([1]),
        seed_lo=first, seed_count=seeds, starts=(0, words - 1), gaps=(0, 0),
    )  # fmt: skip
    return time.thread_time() - begin


def measure(family: Family, seconds: float) -> tuple[int, int]:
    """Return the family's (seeding, word) in vector operations."""
    call = calls(family)
    sizes = {words: _seeds(family, call, words, seconds) for words in (1, WORDS)}
    runs = [[spent(family, call, words, seeds) / seeds for words, seeds in sizes.items()] for _ in range(5)]
    one, many = (median(column) / OPERATION_SECONDS for column in zip(*runs, strict=True))
    each = (many - one) / (WORDS - 1)
    if many < 1.05 * one:  # lost beside the seeding
        return round(one), family.ops[1]
    return max(0, round(one - each)), max(1, round((each - PASSES) / call[2]))


def _seeds(family: Family, call: tuple[str, int, int], words: int, seconds: float) -> int:
    """Return so many seeds that a run takes `seconds`, or all there are: a call's own cost is then lost beside theirs."""
    seeds, most = 1 << 10, min(1 << 28, 1 << (family.seed_bits - 1))
    while spent(family, call, words, seeds) < seconds and 2 * seeds <= most:
        seeds *= 2
    return seeds


def write(family: Family, ops: tuple[int, int]) -> None:
    """Put the numbers into the family's entry."""
    for path in FAMILIES.glob("*.py"):
        text = path.read_text()
        entry = re.compile(
            rf'(    Family\(\n        id="{re.escape(family.id)}",\n(?:        .*\n)*?        ops=)\([0-9]+, [0-9]+\)'
        )
        changed, count = entry.subn(rf"\g<1>({ops[0]}, {ops[1]})", text)
        if count:
            path.write_text(changed)
            return
    raise SystemExit(f"{family.id}: no entry with `ops=(seeding, word)` was found under {FAMILIES}")


def main() -> int:
    """Print what the registry says and what was measured; with --write put it there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=["all"])
    parser.add_argument("--seconds", type=float, default=0.02, help="CPU time of one run")
    parser.add_argument("--write", action="store_true", help="write the numbers into the registry")
    options = parser.parse_args()
    if "avx2" in _host.isas():
        host.isa = lambda: "avx2"  # type: ignore[assignment]
    print(f"{host.isa()}, one core; vector operations of seeding and of one word")
    for family in resolve_families(options.families or ["all"]):
        ops = measure(family, options.seconds)
        print(f"{family.id:32} registry {family.ops!s:>14}  measured {ops!s:>14}", flush=True)
        if options.write:
            write(family, ops)
    return 0


if __name__ == "__main__":
    sys.exit(main())
