"""States from draws of which some are wrong: small random subsets are solved until one holds right draws alone, the rest judges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.evidence.chance import smallest_count
from engine.recovery.answer import Answer, Found
from engine.recovery.elimination import SPARE, answer, seen_by
from engine.recovery.observations import Ints, Observations
from engine.recovery.problem import Problem
from engine.recovery.recurrences.recurrence import State
from engine.recovery.systems import SMALL, Hypothesis, made, solve_together, tabulate, verified
from hip_cuda_kernels import gf2

BUDGET_BITS = (
    20.0  # a state is reported where the other draws that it makes are this unlikely, all subsets paid
)
MOST_DRAWS = 256  # the table of forms grows with them


def recover_among_wrong(
    problem: Problem, subsets: int, rng: np.random.Generator, *, stop: gf2.Stop | None = None
) -> Answer:
    """Return the states found from up to `subsets` random subsets of the draws, of which a share `noise` is taken to be wrong.

    It ends at the first subset that leads to a state; `tried_bits` pays for the subsets. The reason says with what probability some
    subset held right draws alone. Large states are refused: so many draws are hardly ever all right.
    """
    problem = replace(problem, draws=problem.draws[:MOST_DRAWS])
    seen = seen_by(problem)
    if isinstance(seen, Answer):
        return seen
    size = _size(problem, seen)
    others = len(problem.present) - size
    least = (
        smallest_count(_log2_budget(problem, subsets), others, 1.0 / problem.call.size)
        if others > 0
        else None
    )
    if problem.model.unknowns > SMALL:
        return answer(
            problem,
            reason=f"tolerates no wrong draw: {size} draws are all right with probability {(1 - problem.noise) ** size:.2g}",
        )
    if least is None:
        return answer(
            problem,
            need=len(problem.draws) + size,
            reason=f"{others} draws beside a subset of {size} cannot judge it",
        )
    return _sample(problem, seen, (size, least, subsets), rng, stop)


def _sample(
    problem: Problem,
    seen: Observations,
    plan: tuple[int, int, int],
    rng: np.random.Generator,
    stop: gf2.Stop | None,
) -> Answer:
    """Solve subset after subset."""
    size, least, subsets = plan
    gathered, forms = tabulate(problem, seen)
    for tried in range(1, subsets + 1):
        draws = np.sort(rng.choice(problem.present, size, replace=False))
        outcome = solve_together(problem, gathered.shown_by(draws), forms, stop)
        if outcome.stopped:
            return answer(problem, reason=f"stopped after {tried - 1} of {subsets} subsets")
        billed = problem.tried_bits + math.log2(tried)
        found = [one for state in outcome.states for one in _judged(problem, draws, least, *state)]
        if found:
            return answer(
                problem,
                tuple(replace(one, tried_bits=billed) for one in found),
                reason=_chance(problem.noise, size, tried),
            )
    return answer(problem, reason=_chance(problem.noise, size, subsets))


def _size(problem: Problem, seen: Observations) -> int:
    """Return how many draws show enough bits, at their average."""
    shown = seen.bits_by_draw(len(problem.draws))
    average = float(shown.sum()) / len(problem.present)
    return math.ceil((problem.tried_bits + SPARE / 2) / average)


def _log2_budget(problem: Problem, subsets: int) -> float:
    return -BUDGET_BITS - math.log2(len(problem.patterns) * problem.model.block * subsets)


def _judged(problem: Problem, draws: Ints, least: int, origin: State, one: Hypothesis) -> Iterator[Found]:
    """Yield the solution if it makes its own draws and at least so many of the others."""
    for found in verified(problem, draws, origin, one):
        others = np.setdiff1d(problem.present, draws)
        told = made(problem, problem.model.unpack(found.state), one, others)
        if len(told) == len(others) and int((told == problem.draws[others]).sum()) >= least:
            yield found


def _chance(wrong: float, size: int, subsets: int) -> str:
    right = 1.0 - (1.0 - (1.0 - wrong) ** size) ** subsets
    return f"{subsets} subsets of {size} draws: one is all right with probability {right:.3g} at {wrong:.0%} wrong draws"
