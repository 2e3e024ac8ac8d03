"""Measure every route against the sieve and a plain search of the same task (CPU time of one core, interleaved, medians).

The plain search seeds anew for every start and gap, never gives up early and takes `%`. Where a route does not take its seeds in
order, it is timed on the whole space and the others on a piece of it. Composed draws have no plain search (`sieve` is the interpreter on
every seed), nor have varying gaps. MT19937 against php_mt_seed: peer.py.
Run: python benchmarks/routes.py [ROUTE ...] [--rounds 5] [--ghz 3.2]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from statistics import median

import numpy as np
from inner_loops import bounds

import hip_cuda_kernels._host as _host
from hip_cuda_kernels import host, routes, variable_gaps, variable_routes
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import Scope, build_task

SIEVE_SEEDS, PLAIN_SEEDS, INTERPRETED = 1 << 22, 1 << 13, 1 << 17


@dataclass(frozen=True)
class Job:
    """One task: `matches` of `width` draws in 0..hi at gaps 0..`gap`, over `space` seeds; the route is timed on `seeds` of them."""

    route: str
    family: str
    mapping: str
    hi: int
    matches: int
    width: int
    gap: int
    space: int
    seeds: int
    wanted: str = ""
    varying: bool = False

    def label(self) -> str:
        """Return the task in words."""
        size = f"2^{self.hi.bit_length()}" if (self.hi + 1).bit_count() == 1 else str(self.hi + 1)
        gaps = f", gaps {'vary ' * self.varying}0..{self.gap}" if self.gap else ""
        return f"{self.matches} of {self.width} draws below {size}{gaps}"

    def draws(self) -> np.ndarray:
        """Return draws of a seed that the timed seeds need not hold, as many of them wrong as the task allows."""
        row = host.values(self.family, self.mapping, 777, 0, self.hi, self.width, gap=self.gap // 2)
        row[: self.width - self.matches] ^= 1
        return row[None, :]

    @property
    def composed(self) -> bool:
        """Whether a draw is more than one call."""
        return is_composed(parse_mapping(self.mapping, family_of(self.family)))

    @property
    def starts(self) -> tuple[int, int]:
        """Return the starts: as many as there are gaps where those vary."""
        return (0, self.gap) if self.varying else (0, 0)

    def choice(self) -> routes.Route:
        """Return the planner's own choice for the whole space."""
        choose = variable_routes.choose if self.varying else routes.choose
        asked = self.family, self.mapping, 0, self.hi, self.draws(), np.array([self.matches])
        return choose(*asked, seed_lo=0, seed_count=self.space, starts=self.starts, gaps=(0, self.gap))

    def run(self, route: str, seeds: int) -> None:
        """Search `seeds` seeds by a route."""
        search = variable_gaps.sieve if self.varying else host.sieve
        asked = self.family, self.mapping, 0, self.hi, self.draws(), np.array([self.matches])
        search(*asked, seed_lo=0, seed_count=seeds, starts=self.starts, gaps=(0, self.gap), route=route)

    def plain(self, seeds: int) -> None:
        """Search `seeds` seeds as one writes it first."""
        found = family_of(self.family)
        scope = Scope(0, seeds, (0, 0), (0, self.gap))
        mapping = parse_mapping(self.mapping, found)
        task = build_task(found, mapping, 0, self.hi, self.draws(), np.array([self.matches]), scope)
        assert task is not None
        _host.naive(found.id, *task.packed(), 0, seeds)


BITS32, BITS48, XORSHIFT = 1 << 32, 1 << 48, "xorshift32/raw_seed"
PHP, GLIBC, JAVA = "mt19937/init_genrand", "glibc_random/type3", "lcg48/java"
JOBS = (
    Job("twister_chain", PHP, "shift(1)", (1 << 31) - 1, 1, 1, 0, BITS32, 1 << 25),
    Job("twister_chain", PHP, "php_range", 999, 10, 10, 0, BITS32, 1 << 25, ">= 88 % of the bound"),
    Job("twister_chain", PHP, "php_range", 999, 7, 10, 0, BITS32, 1 << 25),
    Job("lehmer_sums", GLIBC, "mod", (1 << 31) - 1, 1, 1, 0, BITS32, 1 << 28, ">= 500 M/s"),
    Job("lehmer_sums", GLIBC, "mod", 999, 10, 10, 0, BITS32, 1 << 28),
    Job("lehmer_sums", GLIBC, "mod", 999, 9, 10, 0, BITS32, 1 << 27),
    Job("low_bits", JAVA, "java_bounded", 999, 10, 10, 0, BITS48, BITS48, "<= 5 s"),
    Job("low_bits", JAVA, "java_bounded", 999, 10, 10, 16, BITS48, BITS48),
    Job("low_bits", JAVA, "java_bounded", 999, 7, 10, 0, BITS48, BITS48),
    Job("gf2", XORSHIFT, "mod", 999, 7, 10, 16, BITS32, BITS32, "<= 0.3 s"),
    Job("orbit", XORSHIFT, "mod", 998, 7, 10, 16, BITS32, BITS32, "<= 4 s"),
    Job("orbit", "lcg31/minstd48271", "mod", 999, 7, 10, 16, BITS32, BITS32),
    Job("orbit", "msvc_rand/srand", "mod", 999, 7, 10, 16, BITS32, BITS32),
    Job("sieve", XORSHIFT, "mod", 999, 20, 20, 15, BITS32, 1 << 25, ">= 221 M/s", varying=True),
    Job("sieve", XORSHIFT, "mod", 999, 17, 20, 15, BITS32, 1 << 23, ">= 36 M/s", varying=True),
    Job("sieve", XORSHIFT, "mod", 999, 14, 20, 15, BITS32, 1 << 22, ">= 15 M/s", varying=True),
    Job("orbit", XORSHIFT, "mod", 999, 14, 20, 15, BITS32, BITS32, ">= 866 M/s", varying=True),
    Job("pinned", XORSHIFT, "digits(3,mod)", 999, 6, 6, 16, BITS32, 1 << 24),
    Job("pinned", XORSHIFT, "digits(3,mod)", 999, 7, 10, 16, BITS32, 1 << 23),
    Job("pinned", JAVA, "digits(3,java_bounded)", 999, 6, 6, 16, BITS32, 1 << 24),
    Job("pinned", PHP, "digits(3,php_range)", 999, 6, 6, 16, BITS32, 1 << 22),
    Job("pinned", XORSHIFT, "formula(floor(100/(1.0001-u)))", 9999, 8, 8, 16, BITS32, 1 << 24),
    Job("pinned", GLIBC, "sample(6,pool,ordered,mod)", 10068347519, 3, 3, 16, BITS32, 1 << 22),
    Job("pinned", XORSHIFT, "sample(6,pool,sorted,mod)", 13983815, 3, 3, 0, BITS32, 1 << 24),
)


def rate(run: Callable[[int], None], seeds: int) -> float:
    """Return seeds per CPU second."""
    begin = time.thread_time()
    run(seeds)
    return seeds / (time.thread_time() - begin)


def row(job: Job, rounds: int, bound: float | None) -> str:
    """Measure one task; return its line of the table."""
    measured = [
        (
            rate(lambda n: job.run(job.route, n), job.seeds),
            rate(lambda n: job.run("sieve", n), INTERPRETED if job.composed else SIEVE_SEEDS),
            nan if job.composed or job.varying else rate(job.plain, PLAIN_SEEDS),
        )
        for _ in range(rounds)
    ]
    own, sieve, plain = (median(column) for column in zip(*measured, strict=True))
    share = f"{own / bound:8.0%}" if bound else f"{'':8}"
    whole = job.choice()
    cells = f"{job.space / own:9.3g} {own / 1e6:10.4g} {own / sieve:9.3g} {own / plain:9.3g} {share}"
    asked = f"{job.label()} {job.mapping}" if job.composed else job.label()
    return f"{job.route:14} {job.family:21} {asked:38} {cells} {job.wanted:>20}  {whole.name} {whole.seconds:.3g} s"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("routes", nargs="*", help="only these")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ghz", type=float, default=3.2, help="clock of one core under load, for the bound")
    options = parser.parse_args()
    print(f"{host.isa()}, one core, CPU time; the whole space in seconds, rates in million seeds a second")
    heads = ("whole", "rate", "/ sieve", "/ plain", "of bound")
    print(
        f"{'':14} {'':21} {'':38} {heads[0]:>9} {heads[1]:>10} {heads[2]:>9} {heads[3]:>9} {heads[4]} {'wanted':>20}  planned"
    )
    most = bounds(options.ghz)
    for job in JOBS:
        if not options.routes or job.route in options.routes:
            print(row(job, options.rounds, most.get(job.route)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
