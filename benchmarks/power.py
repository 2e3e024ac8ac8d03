"""Measure the power of identification: planted truths of every family and native mapping, seeds below 2^24, starts 0..40, gaps 0..16.

Two tasks: exact draws below 1000, three more than the identifiability bound; and 120 draws below 10 of which one in ten is wrong.
What is measured: each history is planned over the whole space (all families), so rule, block and bill are those of the full search; the
kernel then runs on a neighbourhood of 64 seeds that holds the truth, at every start and gap. A truth counts as found if a survivor
reaches a claim's bits and foretells its next draws. The rank that a survivor pays is one more than all that chance is expected to bring
through the cells before its own. Not measured: the time of a full search, and cells that chance floods.
Run: python benchmarks/power.py [--families GLOB] [--cases 10] [--task exact|noisy]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from engine.evidence.chance import log2_tail
from engine.evidence.evalue import required_bits
from engine.evidence.identifiability import needed_draws
from engine.evidence.power import clopper_pearson_lower
from engine.history.history import History
from engine.search.cell import Cell
from engine.search.claims import Claim, predicted, score
from engine.search.identify import Identification
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import FAMILIES

SEEDS, STARTS, GAPS = Range(0, 2**24 - 1), Range(0, 40), Range(0, 16)
CODES = [(family.id, mapping.id) for family in FAMILIES for mapping in resolve_mappings(None, family)]
BITS = math.log2(SEEDS.size * STARTS.size * GAPS.size * len(CODES))
NEIGHBOURHOOD = 64
FORETOLD = 10
ALPHA = 1e-6


@dataclass(frozen=True)
class Task:
    """Histories of `draws` draws below `size`, a share `noise` of them wrong; `wanted` is the share to be found."""

    size: int
    draws: int
    noise: float
    wanted: float

    def space(self, families: tuple[str, ...] = ("all",), mappings: tuple[str, ...] | None = None) -> Space:
        """Return the searched space, or one family's part of it."""
        return Space(
            families=families, mappings=mappings, seeds=SEEDS, starts=STARTS, gaps=GAPS, range=(0, self.size - 1), alpha=ALPHA
        )  # fmt: skip


BOUND = needed_draws(BITS, 1 / 1000, alpha=ALPHA)
assert BOUND is not None
TASKS = {"exact": Task(1000, BOUND + 3, 0.0, 0.95), "noisy": Task(10, 120, 0.1, 0.90)}


def ranks(task: Task) -> dict[tuple[str, str, float], tuple[int, int]]:
    """Return, for each cell of the whole plan, its place and the rank that a survivor of it is expected to carry at most."""
    draws = np.random.default_rng(0).integers(0, task.size, task.draws)
    plan, carried = Identification(History.of(draws.tolist()), task.space()).plan, 0.0
    placed = {}
    for place, cell in enumerate(plan.cells, start=1):
        carried += cell.hypotheses * 2.0 ** log2_tail(cell.block, cell.threshold, 1 / task.size)
        placed[cell.family, cell.mapping, cell.noise] = place, 1 + math.ceil(carried)
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
    start, gap = int(rng.integers(STARTS.size)), int(rng.integers(GAPS.size))
    made = host.values(family, mapping, seed, 0, task.size - 1, task.draws + FORETOLD, start=start, gap=gap)
    draws = made[: task.draws].copy()
    wrong = rng.random(task.draws) < task.noise
    draws[wrong] = (draws[wrong] + rng.integers(1, task.size, int(wrong.sum()))) % task.size
    return Plant(seed, draws, tuple(made[task.draws :].tolist()))


def found(
    task: Task,
    family: str,
    mapping: str,
    hidden: Plant,
    placed: dict[tuple[str, str, float], tuple[int, int]],
) -> bool:
    """Return whether a cell of the plan claims the truth."""
    space = task.space((family,), (mapping,))
    asked = Identification(History.of(hidden.draws.tolist()), space)
    last = max(placed.values())  # for a cell that only uneven draws allow
    for cell in asked.plan.cells:
        place, rank = placed.get((family, mapping, cell.noise), last)
        p = asked.probability[None, cell.lo, cell.hi]
        for claim in claims(cell, hidden, p, rank if cell.confirm else place):
            told = predicted(cell, claim.seed, claim.start, claim.gap, task.draws + FORETOLD)[task.draws :]
            if claim.bits >= required_bits(ALPHA) and tuple(told.tolist()) == hidden.future:
                return True
    return False


def claims(cell: Cell, hidden: Plant, p: float, rank: int) -> Iterator[Claim]:
    """Search the truth's neighbourhood by the cell's own rule; yield what survives, weighed on the draws that were not searched."""
    first = max(cell.seeds.lo, hidden.seed - hidden.seed % NEIGHBOURHOOD)
    hits = host.sieve(
        cell.family, cell.mapping, cell.lo, cell.hi, hidden.draws[None, : cell.block], np.array([cell.threshold]),
        seed_lo=first, seed_count=min(NEIGHBOURHOOD, cell.seeds.hi - first + 1), starts=cell.starts, gaps=cell.gaps,
    ).hits  # fmt: skip
    for hit in hits:
        yield score(cell, (int(hit["seed"]), int(hit["start"]), int(hit["gap"])), hidden.draws, p, None, rank)


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
