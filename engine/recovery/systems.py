"""Every pattern of gaps and every place in a cached block as one system of equations over GF(2), solved together or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from engine.recovery.answer import Found
from engine.recovery.observations import Observations
from engine.recovery.problem import Ints, Pattern, Problem, calls_of
from engine.recovery.recurrences.forms import Rows
from engine.recovery.recurrences.recurrence import Recurrence, State
from hip_cuda_kernels import gf2, host

MOST_FREE = 8  # dimensions of a null space that are enumerated: 256 states
AGAIN = 8  # calls' worth of words, for those that are read again
SMALL = 64 * gf2.MOST_LIMBS  # unknowns of a system that is solved among many


@dataclass(frozen=True)
class Hypothesis:
    """A pattern of gaps, and how many words of the cached block were used before the first draw."""

    pattern: Pattern
    place: int


def hypothesis(problem: Problem, number: int) -> Hypothesis:
    """Return one hypothesis of all patterns at all places, the places of one pattern together."""
    which, place = divmod(number, problem.model.block)
    return Hypothesis(problem.patterns[which], place)


def times(problem: Problem, pattern: Pattern, seen: Observations) -> Ints:
    """Return when each observed word is made, counted from the start of the first draw's block: int64 (places, words)."""
    handed = calls_of(pattern, seen.draws) * problem.call.raw_words + seen.offsets
    return problem.model.times(handed, np.arange(problem.model.block)[:, None])


def made(problem: Problem, state: State, one: Hypothesis, draws: Ints) -> Ints:
    """Return the draws of these numbers that a state makes, read as the runtime reads; fewer where it reads many words again."""
    calls = calls_of(one.pattern, draws)
    count = int(calls[-1]) + 1
    words = problem.model.words(state, (count + AGAIN) * problem.call.raw_words, one.place)
    read = host.read(problem.family, problem.mapping, problem.lo, problem.hi, words, count)
    return read[calls[calls < len(read)]]


@dataclass(frozen=True)
class Outcome:
    """Solutions (origin state, hypothesis), how many hypotheses stay open for want of rank, the best rank among these."""

    states: list[tuple[State, Hypothesis]]
    open: int
    rank: int
    stopped: bool


def tabulate(problem: Problem, seen: Observations) -> tuple[Observations, Rows]:
    """Return what is seen with its bits side by side, and the forms of those bits at every time that a hypothesis asks for."""
    bits = seen.places
    last = max(int(times(problem, p, seen).max()) for p in problem.patterns)
    return seen.gathered(bits), problem.model.table(last + 1, bits)


def solve_together(problem: Problem, used: Observations, forms: Rows, stop: gf2.Stop | None) -> Outcome:
    """Solve all hypotheses of a small model over one table (`tabulate`)."""
    when = np.concatenate([times(problem, p, used) for p in problem.patterns]).astype(np.uint32)
    solved = gf2.solve_many(forms, when, used.masks, used.values, stop=stop)
    states: list[tuple[State, Hypothesis]] = []
    ranks = [0]
    for at in np.flatnonzero(solved.ranks[: solved.done] >= 0).tolist():
        rank, one = int(solved.ranks[at]), hypothesis(problem, at)
        if problem.model.unknowns - rank > MOST_FREE:
            ranks.append(rank)
        elif rank == problem.model.unknowns:
            states.append((problem.model.assemble(solved.solutions[at]), one))
        else:
            rows = _rows(problem.model, [forms[t] for t in when[at]], used)
            whole = gf2.solve(rows, problem.model.unknowns, most_free=MOST_FREE)
            states += [(state, one) for state in _all_states(problem.model, whole)]
    return Outcome(states, len(ranks) - 1, max(ranks), solved.done < len(when))


def solve_apart(problem: Problem, used: Observations, stop: gf2.Stop | None) -> Outcome:
    """Solve one large system per hypothesis."""
    states: list[tuple[State, Hypothesis]] = []
    ranks, unknowns = [0], problem.model.unknowns
    for number in range(len(problem.patterns) * problem.model.block):
        one = hypothesis(problem, number)
        when = times(problem, one.pattern, used)[one.place]
        rows = _rows(problem.model, _until(stop, problem.model.forms(when.tolist())), used)
        solved = gf2.solve(rows, unknowns, most_free=MOST_FREE, stop=stop)
        if solved.stopped:
            return Outcome(states, len(ranks) - 1, max(ranks), True)
        if solved.consistent and solved.dimension > MOST_FREE:
            ranks.append(solved.rank)
        elif solved.consistent:
            states += [(state, one) for state in _all_states(problem.model, solved)]
    return Outcome(states, len(ranks) - 1, max(ranks), False)


def _until(stop: gf2.Stop | None, forms: Iterable[Rows]) -> Iterator[Rows]:
    return takewhile(lambda _: not (stop and stop.asked), forms)


def _rows(model: Recurrence, forms: Iterable[Rows], used: Observations) -> Rows:
    """Return the equations of the known bits, the right side behind the unknowns; zeros where the forms end early."""
    rows = np.zeros((used.bits, model.unknowns // 64 + 1), dtype=np.uint64)
    end = 0
    for form, mask, value in zip(forms, used.masks.tolist(), used.values.tolist(), strict=False):
        places = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
        begin, end = end, end + len(places)
        rows[begin:end, : form.shape[1]] = form[places]
        right = np.array([value >> bit & 1 for bit in places], dtype=np.uint64)
        rows[begin:end, model.unknowns // 64] |= right << np.uint64(model.unknowns % 64)
    return rows


def _all_states(model: Recurrence, solved: gf2.Solved) -> Iterator[State]:
    """Yield every state that solves a system: one solution plus each sum of null vectors."""
    sums = [solved.solution]
    for vector in solved.null:
        sums += [one ^ vector for one in sums]
    return map(model.assemble, sums)


def verified(problem: Problem, draws: Ints, origin: State, one: Hypothesis) -> Iterator[Found]:
    """Yield the solution as a finding if it makes all the draws that it was solved from."""
    state = problem.model.advance(origin, int(problem.model.times(np.array([0]), one.place)[0]))
    if any(state) and np.array_equal(made(problem, state, one, draws), problem.draws[draws]):
        yield Found(
            problem.family, problem.mapping, problem.lo, problem.hi, problem.model.pack(state), one.pattern,
            tuple(draws.tolist()), problem.tried_bits, one.place,
        )  # fmt: skip
