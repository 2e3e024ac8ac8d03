"""Every pattern of gaps and every place in a cached block as one system of equations over GF(2), solved together or one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product, takewhile

import numpy as np

from engine.recovery.answer import Found
from engine.recovery.leaks import rejected
from engine.recovery.observations import Ints, Observations
from engine.recovery.recurrences.forms import Rows
from engine.recovery.recurrences.models import MODELS
from engine.recovery.recurrences.recurrence import Recurrence, State
from hip_cuda_kernels import gf2, host
from hip_cuda_kernels.lowering import Call, lower_call
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import family as family_of

Pattern = tuple[int, ...]
MOST_FREE = 8  # dimensions of a null space that are enumerated: 256 states
AGAIN = 8  # calls' worth of words, for those that are read again
SMALL = 64 * gf2.MOST_LIMBS  # unknowns of a system that is solved among many


def constant(lo: int, hi: int) -> list[Pattern]:
    """Return the constant gaps lo..hi as patterns."""
    return [(gap,) for gap in range(lo, hi + 1)]


def rotations(pattern: Pattern) -> list[Pattern]:
    """Return a periodic pattern at each of its phases."""
    return sorted({pattern[k:] + pattern[:k] for k in range(len(pattern))})


def periodic(period: int, lo: int, hi: int) -> list[Pattern]:
    """Return all (hi - lo + 1)^period patterns of gaps lo..hi: the phases are among them."""
    return list(product(range(lo, hi + 1), repeat=period))


@dataclass(frozen=True)
class Hypothesis:
    """A pattern of gaps, and how many words of the cached block were used before the first draw."""

    pattern: Pattern
    place: int

    def calls(self, draws: Ints) -> Ints:
        """Return the numbers of the calls that made these draws, 0 the one of draw 0."""
        whole, rest = np.divmod(draws, len(self.pattern))
        strides = np.concatenate([[0], np.cumsum(np.array(self.pattern) + 1)])
        calls: Ints = whole * strides[-1] + strides[rest]
        return calls


@dataclass(frozen=True)
class Problem:
    """One family, mapping and range with the draws (int64, -1: missing) and the patterns that are asked."""

    draws: Ints
    family: str
    mapping: str
    lo: int
    hi: int
    patterns: Sequence[Pattern]

    @cached_property
    def model(self) -> Recurrence:
        """Return the family's recurrence."""
        return MODELS[self.family]

    @cached_property
    def call(self) -> Call:
        """Return the mapping call in numbers."""
        found = family_of(self.family)
        return lower_call(parse_mapping(self.mapping, found), found, self.lo, self.hi)

    @cached_property
    def hypotheses(self) -> list[Hypothesis]:
        """Return every pattern at every place, the places of one pattern together."""
        return [Hypothesis(p, place) for p in self.patterns for place in range(self.model.block)]

    @cached_property
    def tried_bits(self) -> float:
        """Return log2 of all states and hypotheses: so many equations tell them apart, so many bits are the bill."""
        return self.model.unknowns + math.log2(len(self.hypotheses))

    @cached_property
    def slips(self) -> float:
        """Return the chance that a word between the first draw and the last is rejected, for the longest pattern."""
        last = max(int(Hypothesis(p, 0).calls(np.array([len(self.draws)]))[0]) for p in self.patterns)
        return 1.0 - (1.0 - rejected(self.call)) ** last

    def times(self, pattern: Pattern, seen: Observations) -> Ints:
        """Return when each observed word is made, counted from the start of the first draw's block: int64 (places, words)."""
        handed = Hypothesis(pattern, 0).calls(seen.draws) * self.call.raw_words + seen.offsets
        return self.model.times(handed, np.arange(self.model.block)[:, None])

    def made(self, state: State, hypothesis: Hypothesis, draws: Ints) -> Ints:
        """Return the draws of these numbers that a state makes, read as the runtime reads; fewer where it reads many words again."""
        calls = hypothesis.calls(draws)
        count = int(calls[-1]) + 1
        words = self.model.words(state, (count + AGAIN) * self.call.raw_words, hypothesis.place)
        read = host.read(self.family, self.mapping, self.lo, self.hi, words, count)
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
    last = max(int(problem.times(p, seen).max()) for p in problem.patterns)
    return seen.gathered(bits), problem.model.table(last + 1, bits)


def solve_together(problem: Problem, used: Observations, forms: Rows, stop: gf2.Stop | None) -> Outcome:
    """Solve all hypotheses of a small model over one table (`tabulate`)."""
    times = np.concatenate([problem.times(p, used) for p in problem.patterns]).astype(np.uint32)
    solved = gf2.solve_many(forms, times, used.masks, used.values, stop=stop)
    states: list[tuple[State, Hypothesis]] = []
    ranks = [0]
    for at in np.flatnonzero(solved.ranks[: solved.done] >= 0).tolist():
        rank, hypothesis = int(solved.ranks[at]), problem.hypotheses[at]
        if problem.model.unknowns - rank > MOST_FREE:
            ranks.append(rank)
        elif rank == problem.model.unknowns:
            states.append((problem.model.assemble(solved.solutions[at]), hypothesis))
        else:
            rows = _rows(problem.model, [forms[t] for t in times[at]], used)
            whole = gf2.solve(rows, problem.model.unknowns, most_free=MOST_FREE)
            states += [(state, hypothesis) for state in _all_states(problem.model, whole)]
    return Outcome(states, len(ranks) - 1, max(ranks), solved.done < len(times))


def solve_apart(problem: Problem, used: Observations, stop: gf2.Stop | None) -> Outcome:
    """Solve one large system per hypothesis."""
    states: list[tuple[State, Hypothesis]] = []
    ranks, unknowns = [0], problem.model.unknowns
    for hypothesis in problem.hypotheses:
        times = problem.times(hypothesis.pattern, used)[hypothesis.place]
        rows = _rows(problem.model, _until(stop, problem.model.forms(times.tolist())), used)
        solved = gf2.solve(rows, unknowns, most_free=MOST_FREE, stop=stop)
        if solved.stopped:
            return Outcome(states, len(ranks) - 1, max(ranks), True)
        if solved.consistent and solved.dimension > MOST_FREE:
            ranks.append(solved.rank)
        elif solved.consistent:
            states += [(state, hypothesis) for state in _all_states(problem.model, solved)]
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


def verified(problem: Problem, draws: Ints, origin: State, hypothesis: Hypothesis) -> Iterator[Found]:
    """Yield the solution as a finding if it makes all the draws that it was solved from."""
    state = problem.model.advance(origin, int(problem.model.times(np.array([0]), hypothesis.place)[0]))
    if any(state) and np.array_equal(problem.made(state, hypothesis, draws), problem.draws[draws]):
        yield Found(
            problem.family, problem.mapping, problem.lo, problem.hi, problem.model.pack(state), hypothesis.pattern,
            tuple(draws.tolist()), problem.tried_bits, hypothesis.place,
        )  # fmt: skip
