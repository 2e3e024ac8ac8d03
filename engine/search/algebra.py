"""Cells that algebra decides: a generator's whole state space under constant or periodic gaps. How they are planned and handed to a worker."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.compute.task import Task
from engine.evidence.chance import smallest_count
from engine.evidence.evalue import log2_evidence, required_bits
from engine.recovery import states
from engine.recovery.methods import METHODS, Method, method_for, why_not
from engine.recovery.problem import Patterns, Problem, constant
from engine.search.cell import Cell
from engine.search.costs import CELL_SECONDS
from engine.search.design import DESIGN_BITS, Scope, confirm_draws
from engine.search.plan import Material, Plan, Unplanned, codes, ordered
from engine.search.ranges import Range
from engine.search.space import PERIODS, UNSTATED_GAPS, Space
from hip_cuda_kernels.errors import IncompatibleMapping

POWER_SECONDS, FEWEST_PLANTS, MOST_PLANTS = (
    0.4,
    5,
    59,
)  # planted states: 5 found prove 54 % power, 59 prove 95 %
MOST_PAYING = 1 << 20  # draws beyond which a state counts as not identifiable
TOO_WIDE = "algebra up to gap {}: a word drawn again is likely in between, or the equations are too many; narrow --gaps"
ONE_VALUE = "draws that can only be {} say nothing of a state"
TOO_MANY = "algebra over {} patterns of gaps would take {:.0f} minutes; narrow --gaps"
MOST_SECONDS = 3600.0
VECTORS = 3  # the draws and two null twins


def plan_states(space: Space, materials: Sequence[Material]) -> Plan:
    """Lay out one cell for every family, mapping and range whose state algebra can solve from these draws."""
    cells: list[Cell] = []
    unplanned: list[Unplanned] = []
    for family, mapping, weight in codes(space):
        for material in materials:
            for lo, hi, p, belief in material.ranges:
                if lo == hi:
                    if space.methods == "algebra":
                        unplanned.append(Unplanned(family.id, mapping.id, ONE_VALUE.format(lo), None))
                    continue
                problem = Problem(family.id, mapping.id, lo, hi, noise=space.noise or 0.0)
                method = _method(problem)
                if method is None:
                    if space.methods == "algebra":
                        unplanned.append(Unplanned(family.id, mapping.id, _refusal(problem), None))
                    continue
                for patterns, share in _asked(space, method, family.id):
                    asked = replace(problem, patterns=patterns)
                    if not method.fits(asked):
                        reason = TOO_WIDE.format(patterns.hi)
                        unplanned.append(Unplanned(family.id, mapping.id, reason, None))
                        continue
                    prior = weight * family.unseeded * share * belief / len(materials)
                    made = _cell(asked, patterns, method, material, p, space.alpha, prior)
                    (cells if isinstance(made, Cell) else unplanned).append(made)  # type: ignore[arg-type]
    return ordered(cells, unplanned)


def _asked(space: Space, method: Method, family: str) -> list[tuple[Patterns, float]]:
    """Return the patterns of gaps that a space asks for, each set with its share of belief."""
    if space.gap_law == "periodic":
        lo, hi = (space.gaps.lo, space.gaps.hi) if space.gaps else UNSTATED_GAPS["periodic"]
        return [(Patterns(lo, hi, period), share) for period, share in PERIODS]
    if space.gaps:
        return [(constant(space.gaps.lo, space.gaps.hi), 1.0)]
    return [(constant(lo, hi), share) for lo, hi, share in method.usual_gaps(family)]


def _refusal(problem: Problem) -> str:
    try:
        return f"no algebra for these states, {why_not(problem)}"
    except IncompatibleMapping as error:
        return str(error)


def _method(problem: Problem) -> Method | None:
    """Return the method that reads through the mapping on this range, or None."""
    try:
        return None if problem.composed else method_for(problem)
    except IncompatibleMapping:
        return None


def _cell(
    problem: Problem,
    patterns: Patterns,
    method: Method,
    material: Material,
    p: float,
    alpha: float,
    prior: float,
) -> Cell | Unplanned:
    """Solve from the fewest draws that settle a state and confirm on the rest; with few draws, use and pay for all."""
    bits = states.unknown_bits(problem.family)
    least, draws = method.least_draws(problem), material.draws
    scope = Scope(1, 1, 1, "constant", p, problem.noise, alpha)
    confirm = confirm_draws(scope)
    tried = bits + math.log2(len(patterns))
    if confirm is not None and draws >= least + confirm:
        block = least
    elif draws >= least and _worth(draws, problem.noise, p) - tried - DESIGN_BITS >= required_bits(alpha):
        block = draws
    else:
        paying = _paying(tried + DESIGN_BITS + required_bits(alpha), problem.noise, p)
        need = None if paying is None else max(least, paying)
        enough = f"need at least {need}" if need else "no number of draws would do"
        text = f"the state is not identifiable with {draws} draws of {problem.hi - problem.lo + 1} values; {enough}"
        return Unplanned(problem.family, problem.mapping, text, need)
    solving = VECTORS * method.seconds(problem, block)
    if solving > MOST_SECONDS:
        return Unplanned(problem.family, problem.mapping, TOO_MANY.format(len(patterns), solving / 60), None)
    seconds = CELL_SECONDS + POWER_SECONDS + solving
    threshold = block if not problem.noise else smallest_count(-tried, block, p) or block
    return Cell(
        problem.family, problem.mapping, problem.lo, problem.hi, Range(0, (1 << bits) - 1), (0, 0), (patterns.lo, patterns.hi),
        problem.noise, block, threshold, draws - block, material.session, prior, seconds, route=method.name, origin="state",
        law="constant" if patterns.period == 1 else "periodic", period=patterns.period,
    )  # fmt: skip


def _worth(draws: int, noise: float, p: float) -> float:
    """Return the evidence of so many draws, all matched but the expected wrong ones."""
    return log2_evidence(math.floor(draws * (1.0 - noise) + 1e-9), draws, p)


def _paying(bits: float, noise: float, p: float) -> int | None:
    """Return the fewest draws whose evidence is worth so many bits; None for draws that are nearly constant."""
    draws = bisect_left(range(MOST_PAYING), bits, key=lambda n: _worth(n, noise, p))
    return draws if draws < MOST_PAYING else None


def _plants(cell: Cell) -> int:
    """Return how many planted states prove the cell: as many as POWER_SECONDS allow at the dearest gaps."""
    widest = (cell.gaps[1],) * cell.period
    problem = Problem(
        cell.family, cell.mapping, cell.lo, cell.hi, Patterns(*cell.gaps, cell.period), cell.noise
    )
    problem = replace(problem, patterns=problem.near(widest))
    each = METHODS[cell.route].seconds(problem, cell.block)
    return max(FEWEST_PLANTS, min(MOST_PLANTS, int(POWER_SECONDS / each)))


def task(cell: Cell, draws: np.ndarray, key: str, seed: int) -> Task:
    """Return the work of a cell on int64 (rows, n) draws and twins that hold its block of present ones."""
    params = {
        "route": cell.route, "family": cell.family, "mapping": cell.mapping, "lo": cell.lo, "hi": cell.hi,
        "gaps": list(cell.gaps), "period": cell.period, "noise": cell.noise, "plants": _plants(cell), "rng": seed,
    }  # fmt: skip
    return Task(kind="states", key=key, params=params, arrays={"draws": draws})
