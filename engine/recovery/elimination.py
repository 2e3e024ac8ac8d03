"""The state of a generator linear over GF(2) from draws: every gap and every place in a cached block is one system of equations."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.recovery.answer import Answer, Found
from engine.recovery.leaks import bits_per_draw, lane_masks, rejected
from engine.recovery.observations import Ints, Observations, observe
from engine.recovery.problem import Problem
from engine.recovery.recurrences.models import MODELS
from engine.recovery.systems import MOST_FREE, SMALL, solve_apart, solve_together, tabulate, verified
from hip_cuda_kernels import gf2
from hip_cuda_kernels.lowering import HALVES

ROUTE = "gf2"
SPARE = 16  # equations beyond what tells all hypotheses apart: false solutions are then rare before they are verified
DEPENDENT = 32  # of large systems one equation in so many may follow from the others,
PREFIXED = 3  # and where a draw shows a prefix that is now longer, now shorter: MT19937's float(53) takes 3,050 draws at gap 0, float(32) 3,200
LARGE = 4096  # unknowns from which that was measured
UNLIKELY = 0.01  # chance of a rejected word, up to which none is assumed


def recover(problem: Problem, *, stop: gf2.Stop | None = None) -> Answer:
    """Return every state, gap pattern and place that reproduce the draws it is solved from, or the reason that there is no answer.

    Draws are taken from the first on until their exact bits tell all hypotheses apart; the later ones are left as evidence. The state
    0, at which every linear generator stands still, is no solution.
    """
    seen = seen_by(problem)
    return seen if isinstance(seen, Answer) else _solve(problem, seen, stop)


def seen_by(problem: Problem) -> Observations | Answer:
    """Return what the draws show, or the answer that the route cannot serve the problem."""
    refused = _unfit(problem)
    if refused:
        return answer(problem, reason=refused)
    seen = observe(problem.draws, problem.call, problem.lo, problem.model)
    if seen is None:
        return answer(problem, exhausted=True, reason="a draw lies outside what the mapping can make")
    if seen.bits < problem.tried_bits - MOST_FREE:
        return answer(problem, need=_need(problem, seen), reason=_too_few(problem, seen))
    return seen


def _unfit(problem: Problem) -> str:
    """Return why the route cannot take a family or mapping, or nothing."""
    if problem.family not in MODELS:
        return f"no recurrence over GF(2) gives the words of {problem.family}"
    if problem.composed:
        return f"{problem.mapping} makes a draw of several calls"
    if problem.call.view == HALVES:
        return (
            f"{problem.mapping} uses each word twice, so the place of the first draw in its word is unknown"
        )
    if problem.model.exact == 0:
        return (
            f"{problem.family} shows the upper bits of a sum of two words: none of them is linear over GF(2)"
        )
    if problem.slips > UNLIKELY:
        return (
            f"{problem.mapping} rejects words ({problem.slips:.2g} likely within these draws), so the gaps are unknown: "
            "a seed search steps over them"
        )
    return ""


def _solve(problem: Problem, seen: Observations, stop: gf2.Stop | None) -> Answer:
    """Solve from the first draws that suffice, and from all where those leave too much open."""
    ranks: list[int] = []
    for draws in _prefixes(problem, seen):
        used = seen.shown_by(draws)
        if problem.model.unknowns <= SMALL:
            outcome = solve_together(problem, *tabulate(problem, used), stop)
        else:
            outcome = solve_apart(problem, used, stop)
        ranks.append(outcome.rank)
        if outcome.stopped or not outcome.open:
            break
    found = tuple(one for state in outcome.states for one in verified(problem, draws, *state))
    if outcome.stopped:
        return answer(problem, found, reason="stopped before every hypothesis was decided")
    if outcome.open:
        return answer(problem, found, need=_more(problem, ranks), reason=_open(problem, used, outcome.rank))
    return answer(problem, found, exhausted=rejected(problem.call) == 0.0, reason=_assumed(problem))


def spare_equations(problem: Problem) -> int:
    """Return how many equations beyond the unknown bits make the rank whole, as far as is known before the draws are seen."""
    unknowns = problem.model.unknowns
    if unknowns <= SMALL:
        return SPARE
    fixed = sum(mask.bit_count() for mask in lane_masks(problem.call))
    prefixed = unknowns > LARGE and bits_per_draw(problem.call) > fixed + 1e-9
    return SPARE + unknowns // (PREFIXED if prefixed else DEPENDENT)


def _prefixes(problem: Problem, seen: Observations) -> Iterator[Ints]:
    """Yield the draws that should suffice, and then all of them."""
    known = np.cumsum(seen.bits_by_draw(len(problem.draws)))
    enough = int(np.searchsorted(known, problem.tried_bits + spare_equations(problem))) + 1
    yield problem.present[problem.present < enough]
    if enough < len(problem.draws):
        yield problem.present


def answer(
    problem: Problem,
    found: tuple[Found, ...] = (),
    *,
    exhausted: bool = False,
    need: int | None = None,
    reason: str = "",
) -> Answer:
    """Return the answer to a problem, with its bill."""
    billed = problem.tried_bits if problem.family in MODELS else 0.0
    return Answer(ROUTE, problem.family, problem.mapping, found, billed, exhausted, need, reason)


def _need(problem: Problem, seen: Observations) -> int | None:
    """Return how many draws would show enough bits at the present rate, or None where they show none."""
    rate = seen.bits / len(problem.draws)
    wanted = problem.tried_bits + SPARE
    return max(math.ceil(wanted / rate), len(problem.draws) + 1) if rate else None


def _more(problem: Problem, ranks: list[int]) -> int | None:
    """Return two draws more for each missing rank, as the last come slowly; None where the later draws brought none."""
    if len(ranks) > 1 and ranks[-1] == ranks[-2]:
        return None
    return len(problem.draws) + 2 * (problem.model.unknowns - ranks[-1])


def _too_few(problem: Problem, seen: Observations) -> str:
    if not seen.bits:
        return f"{problem.mapping} over {problem.hi - problem.lo + 1} values shows no bit of {problem.family} exactly"
    return (
        f"{len(problem.draws)} draws show {seen.bits} exact bits, {problem.model.unknowns} unknown bits under "
        f"{len(problem.patterns) * problem.model.block} hypotheses ask for {math.ceil(problem.tried_bits)}"
    )


def _open(problem: Problem, used: Observations, rank: int) -> str:
    return f"{used.bits} equations have rank {rank} of {problem.model.unknowns}: the draws leave too many states open"


def _assumed(problem: Problem) -> str:
    chance = problem.slips
    return f"assumes that no word was rejected (chance of one: {chance:.2g})" if chance else ""
