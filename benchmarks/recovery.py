"""Measure every algebraic route on planted draws: the draws it takes, CPU time of one thread, and whether the truth is among its answers.

A case is one row of CASES; found means that a state follows the planted stream for the next 100 draws.
Run: python benchmarks/recovery.py [PART OF A LABEL ...] [--rounds 3]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from engine.recovery.answer import Answer, Found
from engine.recovery.elimination import recover
from engine.recovery.problem import Pattern, Problem, constant, periodic
from engine.recovery.seeding_f2 import seed_of
from engine.recovery.systems import Hypothesis, made
from hip_cuda_kernels import host

AFTER = 100  # draws that a state must follow


@dataclass(frozen=True)
class Planted:
    """Draws of a known seed, start and gap."""

    family: str
    mapping: str
    hi: int
    seed: int
    start: int
    gap: int

    def draws(self, count: int) -> np.ndarray:
        """Return the first `count` draws."""
        return host.values(
            self.family, self.mapping, self.seed, 0, self.hi, count, start=self.start, gap=self.gap
        )


@dataclass(frozen=True)
class Case:
    """One row: `solve` answers to `count` draws of `planted`, and `follow` gives the draws of a found state from the first on."""

    label: str
    planted: Planted
    count: int
    solve: Callable[[np.ndarray], Answer]
    follow: Callable[[Found, int], np.ndarray]


def gf2(label: str, planted: Planted, count: int, patterns: Sequence[Pattern]) -> Case:
    """Return a case of elimination over GF(2)."""

    def problem(draws: np.ndarray) -> Problem:
        return Problem(planted.family, planted.mapping, 0, planted.hi, patterns, draws=draws)

    def follow(found: Found, total: int) -> np.ndarray:
        posed = problem(planted.draws(count))
        which = Hypothesis(found.pattern, found.place)
        return made(posed, posed.model.unpack(found.state), which, np.arange(total))

    return Case(label, planted, count, lambda draws: recover(problem(draws)), follow)


V8 = Planted("v8_math_random/state52", "float(52)", 999, 12345, 777, 137)
NODE24 = Planted("v8_math_random/state53", "float(53)", 999, 99, 5001, 200)
MT = Planted("mt19937/init_genrand", "mod", 999, 4242, 10, 0)
XORSHIFT = Planted("xorshift128/marsaglia", "mod", 999, 7, 100, 33)

CASES = (
    gf2("V8 to 12, floor(u*1000), gaps 0..200, any place", V8, 21, constant(0, 200)),
    gf2("V8 13 to 14.1, floor(u*1000), gaps 0..200, any place", NODE24, 21, constant(0, 200)),
    gf2("MT19937, x % 1000, the gap known", MT, 6900, constant(0, 0)),
    gf2("xorshift128, x % 1000, gaps 0..200", XORSHIFT, 56, constant(0, 200)),
    gf2("xorshift128, x % 1000, patterns of 2 gaps 0..40", XORSHIFT, 56, periodic(2, 0, 40)),
)


def row(case: Case, rounds: int) -> str:
    """Measure one case; return its line."""
    stream = case.planted.draws(case.count + AFTER)
    seconds = []
    for _ in range(rounds):
        begin = time.thread_time()
        answer = case.solve(stream[: case.count])
        seconds.append(time.thread_time() - begin)
    right = [one for one in answer.found if np.array_equal(case.follow(one, len(stream)), stream)]
    origin = next(
        (one for one in map(seed_of, right) if one), None
    )  # of several places in a block one leads to the seed
    seed = f"seed {origin[0]}, start {origin[1]}" if origin else ""
    verdict = f"found among {len(answer.found)}" if right else f"NOT FOUND: {answer.reason}"
    return f"{case.label:56} {case.count:6} {median(seconds):8.2f} s  {answer.tried_bits:8.0f}  {verdict}  {seed}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="only cases whose label holds one of these")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{'':56} {'draws':>6} {'time':>10}  {'bits':>8}")
    for case in CASES:
        if not options.parts or any(part.casefold() in case.label.casefold() for part in options.parts):
            print(row(case, options.rounds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
