"""What a cell costs on one core, by its law: estimates that order the plan and cut chunks, and change no result."""

from __future__ import annotations

from engine.search.design import Scope
from engine.search.space import Level
from engine.search.words import PLACE_SECONDS
from hip_cuda_kernels.composed import lower_composed
from hip_cuda_kernels.composed import seed_seconds as composed_seed_seconds
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import Mapping
from hip_cuda_kernels.planning import OPERATION_SECONDS, Workload, seed_seconds
from hip_cuda_kernels.variable_gaps import outlay

Ends = tuple[int, int]
VECTORS = 4  # real, shuffled, uniform, planted: one generated stream serves all
CELL_SECONDS = (
    0.012  # what a cell costs however small: its planted truths, a task there and back, its records
)
SINGLE_SECONDS, JOIN_SECONDS, TALLY_SECONDS = (
    8e-10,
    3e-7,
    3e-8,
)  # where every draw has a seed of its own: one looked for, one match joined, one counted
WALK_SECONDS, STEP_SECONDS = 2e-5, 1e-7  # of a seed that is led back, and of each word


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
    elif scope.law == "inverse":
        reach = starts[1] + block * (gaps[1] + 1)
        each = (
            WALK_SECONDS
            + reach * mapping.words * STEP_SECONDS
            + scope.alignments(block) * block * VECTORS * PLACE_SECONDS
        )
    elif scope.law == "clock":
        looked = SINGLE_SECONDS + scope.p * TALLY_SECONDS
        each = block * (sum(family.ops) * OPERATION_SECONDS + VECTORS * scope.starts * looked)
    elif scope.law == "reseed":
        joined = SINGLE_SECONDS + scope.p * (1 + scope.gaps) * JOIN_SECONDS
        each = sum(family.ops) * OPERATION_SECONDS + VECTORS * scope.starts * block * joined
    else:
        each = seed_seconds(load)
    return CELL_SECONDS + scope.seeds * each
