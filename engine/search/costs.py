"""What a cell costs before it runs: seconds of one core by the law of its gaps. They order and cut the plan; they steer no result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from engine.evidence.chance import log2_tail
from engine.search.design import Scope
from engine.search.ranges import Range
from engine.search.space import Level
from engine.search.turns import Ends, allowances, constant_part
from engine.search.words import word_seconds
from hip_cuda_kernels.composed import lower_composed
from hip_cuda_kernels.composed import seed_seconds as composed_seed_seconds
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import Mapping
from hip_cuda_kernels.planning import OPERATION_SECONDS, Workload, seed_seconds
from hip_cuda_kernels.variable_gaps import outlay

VECTORS = 4  # real, shuffled, uniform, planted: one generated stream serves all
SINGLE_SECONDS, JOIN_SECONDS, TALLY_SECONDS = (
    8e-10,
    3e-7,
    3e-8,
)  # where every draw has a seed of its own: one looked for, one match joined, one counted
LISTED_SECONDS = 2e-9  # a draw held against one place of a stream that is made seed by seed
WALK_SECONDS, STEP_SECONDS = 2e-5, 1e-7  # of a seed that is led back, and of each word
PROPOSAL_SECONDS, PLACE_SECONDS = (
    5e-5,
    5e-9,
)  # where gaps take turns: what one turn proposes, one draw of one pattern counted
CELL_SECONDS = (
    0.012  # what a cell costs however small: its planted truths, a task there and back, its records
)


def composed_seconds(
    family: Family, mapping: Mapping, level: Level, span: tuple[int, int], missable: int
) -> float:
    """Estimate the seconds on one core of a cell of draws that are made of several calls."""
    recipe = lower_composed(mapping, family, *span)
    each = composed_seed_seconds(recipe, family, missable, level.starts, level.gaps)
    return CELL_SECONDS + level.seeds.size * each


def cell_seconds(
    family: Family, mapping: Mapping, scope: Scope, block: int, threshold: int, starts: Ends, gaps: Ends
) -> float:
    """Estimate the seconds on one core of a cell that keeps `threshold` matches of `block` draws."""
    load = Workload(
        block, threshold, scope.p, scope.starts, scope.gaps, gaps[1] + 1, mapping.words, *family.ops, VECTORS
    )
    if scope.law == "range":
        alone = outlay(
            range(block), block - threshold, round(1 / scope.p), starts, gaps, family.ops[1], VECTORS
        )
        each = family.ops[0] * OPERATION_SECONDS + 1e-9 * alone.ns
    elif scope.law == "reseed":
        joined = SINGLE_SECONDS + scope.p * (1 + scope.gaps) * JOIN_SECONDS
        each = sum(family.ops) * OPERATION_SECONDS + VECTORS * scope.starts * block * joined
    elif scope.law == "periodic":

        def swept(draws: int, threshold: int, starts: int, gaps: int, stride: int) -> float:
            part = replace(load, draws=draws, threshold=threshold, starts=starts, gaps=gaps, stride=stride)
            return seed_seconds(part)

        each = _turns_seconds(block, threshold, scope, starts, gaps, swept)
    elif scope.law == "inverse":
        reach = starts[1] + block * (gaps[1] + 1)
        places = scope.alignments(block) * block * VECTORS
        each = WALK_SECONDS + reach * mapping.words * STEP_SECONDS + places * LISTED_SECONDS
    elif scope.law == "clock":
        looked = SINGLE_SECONDS + scope.p * TALLY_SECONDS
        each = block * (sum(family.ops) * OPERATION_SECONDS + VECTORS * scope.starts * looked)
    else:
        each = seed_seconds(load)
    return CELL_SECONDS + scope.seeds * each


def listed_seconds(
    mapping: Mapping, seeds: Range, scope: Scope, block: int, threshold: int, starts: Ends, gaps: Ends
) -> float:
    """Estimate the seconds on one core of a cell whose seeds are words: each one's stream is made, then held against the draws."""
    calls = starts[1] + block * (gaps[1] + 1)
    made = word_seconds(str(seeds.way), calls)
    if scope.law == "range":
        widest = scope.starts + block * (scope.gaps - 1)
        passes = 2 + math.ceil(math.log2(scope.gaps))
        held = block * passes * (scope.starts + widest) / 2 * VECTORS * LISTED_SECONDS
    elif scope.law == "periodic":
        held = _turns_seconds(block, threshold, scope, starts, gaps, _listed)
    else:
        held = scope.starts * scope.gaps * block * VECTORS * LISTED_SECONDS
    if scope.law == "inverse":
        made += WALK_SECONDS + calls * mapping.words * STEP_SECONDS
    return CELL_SECONDS + scope.seeds * (made + held)


def _listed(draws: int, threshold: int, starts: int, gaps: int, stride: int) -> float:
    return draws * starts * gaps * VECTORS * LISTED_SECONDS


def _turns_seconds(
    draws: int,
    threshold: int,
    scope: Scope,
    starts: Ends,
    gaps: Ends,
    constant: Callable[[int, int, int, int, int], float],
) -> float:
    """Estimate a seed's seconds under gaps that take turns: each turn's pass, and the patterns counted for what it proposes.

    `constant` are the seconds of a pass: draws, threshold, starts, gaps, stride.
    """
    spent, period = 0.0, scope.period
    counts = [len(range(turn, draws, period)) for turn in range(period)]
    for turn, misses in enumerate(allowances(counts, draws - threshold)):
        if misses < 0:
            continue
        part = constant_part(starts, gaps, period, turn)
        offered, apart = (ends[1] - ends[0] + 1 for ends in part)
        count, needed = counts[turn], counts[turn] - misses
        spent += constant(count, needed, offered, apart, part[1][1] + 1)
        proposed = VECTORS * offered * apart * 2.0 ** log2_tail(count, needed, scope.p)
        spent += proposed * (PROPOSAL_SECONDS + draws * PLACE_SECONDS * scope.gaps**period / apart)
    return spent
