"""Measure the sieve against a plain search of the same task, family by family, as ratios of one run (CPU time, one core).

The plain search seeds anew for every start and gap, never gives up early and takes `%`; both run in the same extension.
The bound is what the vector units allow: operations counted by hand from the headers (the registry's `ops`) and the passes
(planning.py). Routes have a benchmark of their own (routes.py), and their inner loops a count from the disassembly (inner_loops.py).
Run: python benchmarks/sieve.py [FAMILY ...] [--seconds 0.3] [--ghz 3.2] [--isa avx2] [--machine] [--check]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from multiprocessing import get_context
from statistics import median
from typing import Any

import numpy as np
from inner_loops import REGISTERS, UNITS

import hip_cuda_kernels._host as _host
from hip_cuda_kernels import host
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.planning import Workload, cost
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.registry import resolve_families
from hip_cuda_kernels.task import Scope, build_task

# What issue tables ask of the noisy task, as ratios to the plain search: the measured prototypes' less a tenth.
WANTED = {
    "xorshift32/raw_seed": 198, "lcg48/java": 163, "lcg31/minstd48271": 190, "mt19937/init_genrand": 279, "glibc_random/type3": 607,
    "philox4x32/key": 94, "xoshiro128pp/splitmix64": 63, "pcg32/pcg_basic": 31.5, "splitmix64/raw_seed": 11.7,
}  # fmt: skip
# Ratios that must hold for the noisy task (7 of 10 draws, gaps 0..16, M = 1000, one vector).
REQUIRED = {"mt19937/init_genrand": 150.0, "xorshift32/raw_seed": 100.0}


@dataclass(frozen=True)
class Job:
    """One search: `matches` of ten draws below 1000 at gaps 0..`gap`, `vectors` draw vectors at once."""

    family: Family
    matches: int
    gap: int
    vectors: int = 1
    by: str = ""

    def mapping(self) -> str:
        """Return the asked mapping, else the family's first native one that takes a modulus or, failing that, its first."""
        if self.by:
            return self.by
        native = self.family.mappings
        return "mod" if "mod" in native else native[0]

    def first(self) -> int:
        """Return the seed that is searched first: 2^30, or the middle of fewer seeds."""
        return min(1 << 30, 1 << (self.family.seed_bits - 1))

    def draws(self) -> np.ndarray:
        """Return draws of a seed that the measured interval does not hold, and random twins of them."""
        rng = np.random.default_rng(1)
        real = host.values(self.family.id, self.mapping(), 777, 0, 999, 10)
        return np.array([real, *rng.integers(0, 1000, (self.vectors - 1, 10))])

    def sieve(self, seeds: int) -> None:
        """Run the sieve over `seeds` seeds from the first on."""
        host.sieve(
            self.family.id, self.mapping(), 0, 999, self.draws(), np.full(self.vectors, self.matches),
            seed_lo=self.first(), seed_count=seeds, starts=(0, 0), gaps=(0, self.gap),
        )  # fmt: skip

    def bound(self, ghz: float) -> float:
        """Return the seeds a second that the counted vector operations allow at most."""
        words = parse_mapping(self.mapping(), self.family).words
        gaps = self.gap + 1
        load = Workload(10, self.matches, 1e-3, 1, gaps, gaps, words, *self.family.ops, self.vectors)
        return REGISTERS[host.isa()][1] * UNITS * ghz * 1e9 / cost(load) if host.isa() in REGISTERS else nan

    def naive(self, seeds: int) -> None:
        """Run the plain search over `seeds` seeds from the first on."""
        scope = Scope(self.first(), seeds, (0, 0), (0, self.gap))
        mapping = parse_mapping(self.mapping(), self.family)
        task = build_task(
            self.family, mapping, 0, 999, self.draws(), np.full(self.vectors, self.matches), scope
        )
        assert task is not None
        _host.naive(self.family.id, *task.packed(), self.first(), seeds)


def rate(run: Callable[[int], None], seconds: float, most: int) -> float:
    """Return seeds per CPU second: the median of three runs of about a third of `seconds` each, of at most `most` seeds."""
    seeds = _fitting(run, seconds, most)
    return median(seeds / _cpu(run, seeds) for _ in range(3))


def rates(jobs: list[Job], seconds: float, most: int) -> list[float]:
    """Return the seeds per CPU second of the sieve for several jobs, from five interleaved rounds."""
    seeds = _fitting(jobs[0].sieve, seconds, most)
    rounds = [[seeds / _cpu(job.sieve, seeds) for job in jobs] for _ in range(5)]
    return [median(column) for column in zip(*rounds, strict=True)]


def _fitting(run: Callable[[int], None], seconds: float, most: int) -> int:
    """Return how many seeds take about a third of `seconds`."""
    seeds = 1 << 10
    run(seeds)  # the first call pays for imports and tables
    while (spent := _cpu(run, seeds)) < seconds / 30 and 4 * seeds <= most:
        seeds *= 4
    return max(1024, min(most, int(seeds * seconds / 3 / spent)))


def _cpu(run: Callable[[int], None], seeds: int) -> float:
    begin = time.thread_time()
    run(seeds)
    return time.thread_time() - begin


def row(family: Family, seconds: float, ghz: float) -> tuple[str, float]:
    """Measure one family; return its line of the table and its ratio on the noisy task."""
    exact, noisy = Job(family, 10, 0), Job(family, 7, 16)
    most = min(1 << 31, (1 << family.seed_bits) - exact.first())
    slow, plain = (rate(job.naive, seconds, most) for job in (noisy, exact))
    one, two, four = rates([Job(family, 10, 0, vectors) for vectors in (1, 2, 4)], seconds, most)
    fast, twin, room = rates([Job(family, 7, 16, vectors) for vectors in (1, 2, 4)], seconds, most)
    cells = (one / 1e6, one / plain, 100 * one / exact.bound(ghz), one / two, one / four)
    cells += (fast / 1e6, fast / slow, 100 * fast / noisy.bound(ghz), fast / twin, fast / room)
    return f"{family.id:28} {exact.mapping():16}" + "".join(f"{c:10.4g}" for c in cells), fast / slow


def real_against_plain(seconds: float) -> str:
    """Return java's nextInt with its rejection as a share of the plain modulo's rate, exact and noisy."""
    java = family_of("lcg48/java")
    shares = []
    for matches, gap in ((10, 0), (7, 16)):
        real, plain = rates(
            [Job(java, matches, gap, by=by) for by in ("java_bounded", "shift(1)")], seconds, 1 << 31
        )
        shares.append(real / plain)
    return f"java's nextInt / plain modulo: exact {shares[0]:.2f}, noisy {shares[1]:.2f} (wanted: 0.90)"


def _busy(job: Job, seeds: int, begin: Any, took: Any) -> None:
    job.sieve(1 << 10)
    begin.wait()
    since = time.monotonic()
    job.sieve(seeds)
    took.put(time.monotonic() - since)


def _abreast(job: Job, seeds: int, processes: int) -> float:
    """Return the seconds until so many processes have each searched `seeds` seeds, begun together."""
    context = get_context("spawn")
    begin, took = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=_busy, args=(job, seeds, begin, took)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    slowest = max(float(took.get()) for _ in workers)
    for worker in workers:
        worker.join()
    return slowest


def two_cores(seconds: float) -> str:
    """Return what two processes do in the time of one, by the clock: it takes a machine at rest."""
    cells = []
    for name, matches, gap in (("xorshift32/raw_seed", 7, 16), ("mt19937/init_genrand", 10, 0)):
        job = Job(family_of(name), matches, gap)
        seeds = _fitting(job.sieve, 6 * seconds, 1 << 30)
        gain = median(2 * _abreast(job, seeds, 1) / _abreast(job, seeds, 2) for _ in range(3))
        cells.append(f"{name} {gain:.2f}")
    return f"two cores / one: {', '.join(cells)} (wanted: 1.90)"


def main() -> int:
    """Print the table; with --check fail when a required ratio is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--ghz", type=float, default=3.2, help="clock of one core under load, for the bound")
    parser.add_argument("--isa", choices=_host.isas(), help="instruction set (default: the best here)")
    parser.add_argument("--check", action="store_true")
    parser.add_argument(
        "--machine",
        action="store_true",
        help="also java's nextInt against the plain modulo, and two cores against one",
    )
    options = parser.parse_args()
    if options.isa:
        host.isa = lambda: options.isa  # type: ignore[assignment]
    print(f"{host.isa()}, one core; rates in million seeds per CPU second; M = 1000")
    head = ("exact", "/ plain", "% bound", "x2 costs", "x4", "noisy", "/ plain", "% bound", "x2 costs", "x4")
    print(f"{'family':28} {'mapping':16}" + "".join(f"{h:>10}" for h in head))
    missed = []
    for family in resolve_families(options.families or ["all"]):
        line, ratio = row(family, options.seconds, options.ghz)
        wanted = WANTED.get(family.id)
        print(line + (f"   wanted: {wanted} noisy / plain" if wanted else ""), flush=True)
        if ratio < REQUIRED.get(family.id, 0.0):
            missed.append(f"{family.id}: {ratio:.0f} of {REQUIRED[family.id]:.0f}")
    if not options.families or options.machine:
        print(real_against_plain(options.seconds), two_cores(options.seconds), sep="\n")
    if options.check and missed:
        print("missed: " + "; ".join(missed), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
