"""Measure the power of identification: planted truths of every family and native mapping, seeds below 2^24.

Four tasks: exact draws below 1000, three more than the identifiability bound, and 120 draws below 10 of which one in ten is wrong
(starts 0..40, gaps 0..16); the same two where two or three gaps of 0..7 take turns (`turns`, `noisy-turns`; starts 0..15).
What is measured: each history is planned over the whole space (all families), so rule, block and bill are those of the full search; the
kernel then runs on a neighbourhood of 64 seeds that holds the truth, at every start and gap or pattern. A truth counts as found if a survivor
reaches a claim's bits and foretells its next draws. The rank that a survivor pays is one more than all that chance is expected to bring
through the cells before its own. Not measured: the time of a full search, and cells that chance floods.
Run: python benchmarks/power.py [--families GLOB] [--cases 10] [--task exact|noisy|turns|noisy-turns]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

import numpy as np

from engine.evidence.chance import log2_tail
from engine.evidence.evalue import required_bits
from engine.evidence.identifiability import needed_draws
from engine.evidence.power import clopper_pearson_lower
from engine.history.history import History
from engine.recovery.problem import calls_of
from engine.search.cell import Cell
from engine.search.claims import Claim, Hit, predicted, score
from engine.search.design import Law
from engine.search.laws import LAYOUTS
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space, periods
from hip_cuda_kernels import host
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import FAMILIES

SEEDS = Range(0, 2**24 - 1)
CODES = [(family.id, mapping.id) for family in FAMILIES for mapping in resolve_mappings(None, family)]
NEIGHBOURHOOD = 64
FORETOLD = 10
ALPHA = 1e-6


@dataclass(frozen=True)
class Ways:
    """How the draws may lie in a stream."""

    law: Law
    starts: Range
    gaps: Range

    @property
    def bits(self) -> float:
        """Return log2 of all hypotheses, families and mappings included."""
        patterns = sum(self.gaps.size**period for period, _ in periods(self.law))
        return math.log2(SEEDS.size * self.starts.size * patterns * len(CODES))

    def calls(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return the calls of so many draws under a random start and gap or pattern of gaps."""
        period = int(rng.choice([one for one, _ in periods(self.law)]))
        pattern = rng.integers(self.gaps.lo, self.gaps.hi, period, endpoint=True)
        return int(rng.integers(self.starts.size)) + calls_of(tuple(pattern.tolist()), np.arange(count))


@dataclass(frozen=True)
class Task:
    """Histories of draws below `size`, a share `noise` of them wrong; `wanted` is the share to be found.

    `stated` draws, or without it three more than the identifiability bound.
    """

    size: int
    noise: float
    wanted: float
    ways: Ways
    stated: int | None = None

    @cached_property
    def draws(self) -> int:
        """Return how many draws a history has."""
        bound = self.stated or needed_draws(self.ways.bits, 1 / self.size, alpha=ALPHA)
        assert bound is not None
        return bound if self.stated else bound + 3

    def space(self, families: tuple[str, ...] = ("all",), mappings: tuple[str, ...] | None = None) -> Space:
        """Return the searched space, or one family's part of it."""
        return Space(
            families=families, mappings=mappings, seeds=(SEEDS,), starts=self.ways.starts, gaps=self.ways.gaps,
            gap_law=self.ways.law, range=(0, self.size - 1), alpha=ALPHA,
        )  # fmt: skip


ONE_GAP, IN_TURN = Ways("constant", Range(0, 40), Range(0, 16)), Ways("periodic", Range(0, 15), Range(0, 7))
TASKS = {
    "exact": Task(1000, 0.0, 0.95, ONE_GAP), "noisy": Task(10, 0.1, 0.90, ONE_GAP, 120),
    "turns": Task(1000, 0.0, 0.95, IN_TURN), "noisy-turns": Task(10, 0.1, 0.90, IN_TURN, 120),
}  # fmt: skip
Placed = dict[tuple[str, str, float, int], tuple[int, int]]


def ranks(task: Task) -> Placed:
    """Return, for each cell of the whole plan, its place and the rank that a survivor of it is expected to carry at most."""
    draws = np.random.default_rng(0).integers(0, task.size, task.draws)
    plan, carried = Question(History.of(draws.tolist()), task.space()).plan, 0.0
    placed = {}
    for place, cell in enumerate(plan.cells, start=1):
        carried += cell.hypotheses * 2.0 ** log2_tail(cell.block, cell.threshold, 1 / task.size)
        placed[cell.family, cell.mapping, cell.noise, cell.period] = place, 1 + math.ceil(carried)
    return placed


@dataclass(frozen=True)
class Plant:
    """A hidden truth: its seed, and the draws that it gives to the search and after it."""

    seed: int
    draws: np.ndarray
    future: tuple[int, ...]


def plant(task: Task, family: str, mapping: str, rng: np.random.Generator) -> Plant:
    """Hide a random seed, start and gap, and make a share of the draws wrong."""
    seed_bits = next(one.seed_bits for one in FAMILIES if one.id == family)
    seed = int(rng.integers(min(SEEDS.hi, 2**seed_bits - 1), endpoint=True))
    calls = task.ways.calls(task.draws + FORETOLD, rng)
    made = host.values(family, mapping, seed, 0, task.size - 1, int(calls[-1]) + 1)[calls]
    draws = made[: task.draws].copy()
    wrong = rng.random(task.draws) < task.noise
    draws[wrong] = (draws[wrong] + rng.integers(1, task.size, int(wrong.sum()))) % task.size
    return Plant(seed, draws, tuple(made[task.draws :].tolist()))


def found(
    task: Task,
    family: str,
    mapping: str,
    hidden: Plant,
    placed: Placed,
) -> bool:
    """Return whether a cell of the plan claims the truth."""
    space = task.space((family,), (mapping,))
    asked = Question(History.of(hidden.draws.tolist()), space)
    last = max(placed.values())  # for a cell that only uneven draws allow
    for cell in asked.plan.cells:
        place, rank = placed.get((family, mapping, cell.noise, cell.period), last)
        p = asked.probability[None, cell.lo, cell.hi]
        for claim in claims(cell, hidden, p, rank if cell.confirm else place):
            told = predicted(cell, claim.seed, claim.start, claim.gap, task.draws + FORETOLD)[task.draws :]
            if claim.bits >= required_bits(ALPHA) and tuple(told.tolist()) == hidden.future:
                return True
    return False


class Unhurried:
    """A stop flag that nobody raises."""

    array = np.zeros(1, dtype=np.uint32)
    generation = 0

    def asked(self) -> bool:
        """Say no."""
        return False


def claims(cell: Cell, hidden: Plant, p: float, rank: int) -> Iterator[Claim]:
    """Search the truth's neighbourhood by the cell's own rule; yield what survives, weighed on the draws that were not searched."""
    first = max(cell.seeds.lo, hidden.seed - hidden.seed % NEIGHBOURHOOD)
    params = {
        "family": cell.family, "mapping": cell.mapping, "lo": cell.lo, "hi": cell.hi, "starts": cell.starts, "gaps": cell.gaps,
        "threshold": cell.threshold, "period": cell.period, "window": 0,
    }  # fmt: skip
    count = min(NEIGHBOURHOOD, cell.seeds.hi - first + 1)
    hits = LAYOUTS[cell.law].sieve(params, hidden.draws[None, : cell.block], first, count, Unhurried()).hits
    for hit in hits:
        yield score(
            cell, Hit(int(hit["seed"]), int(hit["start"]), int(hit["gap"])), hidden.draws, p, None, rank
        )


def measure(name: str, glob: str, cases: int) -> bool:
    """Print the share found per code where some are missed, and over all; return whether it is what is wanted."""
    task, placed, rng = TASKS[name], ranks(TASKS[name]), np.random.default_rng(24)
    codes = [code for code in CODES if fnmatchcase(code[0], glob)]
    total = 0
    for family, mapping in codes:
        got = sum(
            found(task, family, mapping, plant(task, family, mapping, rng), placed) for _ in range(cases)
        )
        total += got
        if got < cases:
            print(f"{name}: {family} {mapping}: {got} of {cases}", flush=True)
    planted = cases * len(codes)
    share, least = total / planted, clopper_pearson_lower(total, planted)
    print(
        f"{name}: {task.draws} draws below {task.size}, {task.noise:.0%} wrong: found {total} of {planted}, {share:.1%} (at least {least:.1%})"
    )
    return share >= task.wanted


def main() -> int:
    """Run the command line; 0 when the shares are reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", default="*", metavar="GLOB")
    parser.add_argument("--cases", type=int, default=10, help="truths for each family and mapping")
    parser.add_argument("--task", choices=sorted(TASKS))
    asked = parser.parse_args()
    names = [asked.task] if asked.task else list(TASKS)
    return int(not all([measure(name, asked.families, asked.cases) for name in names]))


if __name__ == "__main__":
    sys.exit(main())
