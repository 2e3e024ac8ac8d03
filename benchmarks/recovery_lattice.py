"""Truncated congruential states from draws under an unknown constant gap: draws and seconds of one core, medians of planted states.

python benchmarks/recovery_lattice.py [--planted 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass

import numpy as np

from engine.recovery.congruences import MODELS
from engine.recovery.cuts import cut_of
from engine.recovery.lattice import solve
from engine.recovery.problem import Problem, constant
from hip_cuda_kernels import host


@dataclass(frozen=True)
class Case:
    """What is planted: draws on 0 .. size - 1 at a gap within `gaps`, a share `noise` of them wrong; and what was asked for."""

    family: str
    mapping: str
    size: int
    draws: int
    gaps: tuple[int, int]
    noise: float = 0.0
    most_seconds: float | None = None


@dataclass(frozen=True)
class Row:
    """What came of a case: how many of the planted states were found, all states listed, median and worst seconds."""

    case: Case
    planted: int
    found: int
    listed: int
    seconds: float
    worst: float

    def __str__(self) -> str:
        c = self.case
        noise = f", {c.noise:.0%} wrong" if c.noise else ""
        asked = "" if c.most_seconds is None else f" (asked {c.most_seconds:g})"
        return (
            f"| {c.family} | {c.mapping} | {c.size} | {c.gaps[0]}..{c.gaps[1]}{noise} | {c.draws} "
            f"| {self.found}/{self.planted} | {self.listed} | {self.seconds:.2f}{asked} | {self.worst:.2f} |"
        )


def cases() -> list[Case]:
    """Return the cases of the table in README.md."""
    return [
        Case("lcg48/drand48", "float(48)", 1000, 8, (0, 1000), most_seconds=1.0),
        Case("lcg48/drand48", "float(48)", 1000, 6, (0, 1000)),
        Case("lcg48/drand48", "float(48)", 10, 24, (0, 256)),
        Case("lcg48/drand48", "float(48)", 6, 30, (0, 256)),
        Case("lcg48/drand48", "float(48)", 1000, 60, (0, 256), noise=0.1),
        Case("lcg48/java", "java_bounded", 1000, 12, (0, 256), most_seconds=2.0),
        Case("lcg48/java", "java_bounded", 1000, 7, (0, 256)),
        Case("lcg48/java", "java_bounded", 999, 8, (0, 256), most_seconds=2.0),
        Case("lcg48/java", "java_bounded", 999, 6, (0, 256)),
        Case("lcg48/java", "java_bounded", 49, 14, (0, 256)),
        Case("lcg48/java", "java_bounded", 10, 24, (0, 256)),
        Case("lcg48/java", "java_bounded", 6, 30, (0, 256)),
        Case("lcg48/java", "java_bounded", 1024, 8, (0, 256)),
        Case("lcg48/java", "float(53)", 1000, 8, (0, 256)),
        Case("lcg48/java", "java_bounded", 1000, 60, (0, 16), noise=0.1),
        Case("knuth_lcg64/musl", "mod", 1000, 10, (0, 256)),
        Case("knuth_lcg64/musl", "mod", 1000, 8, (0, 256)),
        Case("knuth_lcg64/musl", "mod", 100, 14, (0, 256)),
        Case("knuth_lcg64/musl", "float(31)", 1000, 10, (0, 256)),
        Case("knuth_lcg64/newlib", "mod", 1000, 10, (0, 256)),
        Case("gforth_random/seed", "mod", 1000, 13, (0, 256)),
        Case("msvc_rand/srand", "mod", 1000, 6, (0, 256)),
        Case("lcg31/minstd16807", "mod", 1000, 6, (0, 256)),
    ]


def measure(case: Case, planted: int) -> Row:
    """Plant states at random gaps and solve for them."""
    rng = np.random.default_rng(1)
    found, listed, seconds = 0, 0, []
    for _ in range(planted):
        state, gap, draws = _plant(case, rng)
        began = time.process_time()
        answer = solve(
            Problem(case.family, case.mapping, 0, case.size - 1, constant(*case.gaps), case.noise, draws)
        )
        seconds.append(time.process_time() - began)
        found += (state, (gap,)) in {(one.state, one.pattern) for one in answer.found}
        listed += len(answer.found)
    return Row(case, planted, found, listed, statistics.median(seconds), max(seconds))


def _plant(case: Case, rng: np.random.Generator) -> tuple[int, int, np.ndarray]:
    cut = cut_of(case.family, case.mapping, 0, case.size - 1)
    assert cut is not None
    model = MODELS[case.family]
    state = int.from_bytes(rng.bytes(8), "little") % model.modulus
    gap = int(rng.integers(*case.gaps, endpoint=True))
    words = model.words(state, case.draws * (gap + 1) * cut.words + 64)
    draws = host.read(case.family, case.mapping, 0, case.size - 1, words, case.draws, gap=gap)
    wrong = rng.random(case.draws) < case.noise
    mixed = np.where(wrong, rng.integers(0, case.size, case.draws), draws)
    return state % cut.model.modulus, gap, mixed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planted", type=int, default=5, help="states planted per case")
    planted = parser.parse_args().planted
    print("| family | mapping | M | gaps | draws | found | listed | seconds, median | worst |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in cases():
        print(measure(case, planted), flush=True)


if __name__ == "__main__":
    main()
