"""The state of a generator linear over GF(2) from draws: every gap and every place in a cached block is one system of equations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from engine.recovery.answer import Answer, Found
from engine.recovery.leaks import rejected
from engine.recovery.observations import Ints, Observations, observe
from engine.recovery.recurrences.forms import Rows
from engine.recovery.recurrences.models import MODELS
from engine.recovery.recurrences.recurrence import Recurrence, State
from hip_cuda_kernels import gf2, host
from hip_cuda_kernels.lowering import HALVES, Call, lower_call
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of

ROUTE = "gf2"
Pattern = tuple[int, ...]
MOST_FREE = 8  # dimensions of a null space that are enumerated: 256 states
SMALL = 64 * gf2.MOST_LIMBS  # unknowns of a system that is solved among many
SPARE = 16  # equations beyond what tells all hypotheses apart: false solutions are then rare before they are verified
DEPENDENT = 32  # of large systems one equation in so many may follow from the others
UNLIKELY = 0.01  # chance of a rejected word, up to which none is assumed


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
        """Return the draws of these numbers that a state makes, read as the runtime reads."""
        calls = hypothesis.calls(draws)
        count = int(calls[-1]) + 1
        words = self.model.words(state, count * self.call.raw_words, hypothesis.place)
        return host.read(self.family, self.mapping, self.lo, self.hi, words, count)[calls]


def recover(problem: Problem, *, stop: gf2.Stop | None = None) -> Answer:
    """Return every state, gap pattern and place that reproduce the draws it is solved from, or the reason that there is no answer.

    Draws are taken from the first on until their exact bits tell all hypotheses apart; the later ones are left as evidence. The state
    0, at which every linear generator stands still, is no solution.
    """
    refused = _unfit(problem)
    if refused:
        return _answer(problem, reason=refused)
    seen = observe(problem.draws, problem.call, problem.lo, problem.model)
    if seen is None:
        return _answer(problem, exhausted=True, reason="a draw lies outside what the mapping can make")
    if seen.bits < problem.tried_bits - MOST_FREE:
        return _answer(problem, need=_need(problem, seen), reason=_too_few(problem, seen))
    return _solve(problem, seen, stop)


def _unfit(problem: Problem) -> str:
    """Return why the route cannot take a family or mapping, or nothing."""
    if problem.family not in MODELS:
        return f"no recurrence over GF(2) gives the words of {problem.family}"
    found = family_of(problem.family)
    if is_composed(parse_mapping(problem.mapping, found)):
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
    for draws in _prefixes(problem, seen):
        used = seen.shown_by(draws)
        outcome = (_many if problem.model.unknowns <= SMALL else _each)(problem, used, stop)
        if outcome.stopped or not outcome.open:
            break
    found = tuple(one for state in outcome.states for one in _verified(problem, draws, *state))
    if outcome.stopped:
        return _answer(problem, found, reason="stopped before every hypothesis was decided")
    if outcome.open:
        return _answer(problem, found, need=_more(problem, used), reason=_open(problem, used, outcome.rank))
    return _answer(problem, found, exhausted=rejected(problem.call) == 0.0, reason=_assumed(problem))


@dataclass(frozen=True)
class Outcome:
    """Solutions (origin state, hypothesis), how many hypotheses stay open for want of rank, the best rank among these."""

    states: list[tuple[State, Hypothesis]]
    open: int
    rank: int
    stopped: bool


def _prefixes(problem: Problem, seen: Observations) -> Iterator[Ints]:
    """Yield the draws that should suffice, and then all of them."""
    spare = SPARE if problem.model.unknowns <= SMALL else SPARE + problem.model.unknowns // DEPENDENT
    known = np.cumsum(seen.bits_by_draw(len(problem.draws)))
    enough = int(np.searchsorted(known, problem.tried_bits + spare)) + 1
    present = np.flatnonzero(problem.draws != -1)
    yield present[present < enough]
    if enough < len(problem.draws):
        yield present


def _many(problem: Problem, used: Observations, stop: gf2.Stop | None) -> Outcome:
    """Solve all hypotheses over one table of forms."""
    times = np.concatenate([problem.times(p, used) for p in problem.patterns]).astype(np.uint32)
    forms = problem.model.table(int(times.max()) + 1)
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


def _each(problem: Problem, used: Observations, stop: gf2.Stop | None) -> Outcome:
    """Solve one large system per hypothesis."""
    states: list[tuple[State, Hypothesis]] = []
    ranks, unknowns = [0], problem.model.unknowns
    for hypothesis in problem.hypotheses:
        times = problem.times(hypothesis.pattern, used)[hypothesis.place]
        rows = _rows(problem.model, problem.model.forms(times.tolist()), used)
        solved = gf2.solve(rows, unknowns, most_free=MOST_FREE, stop=stop)
        if solved.stopped:
            return Outcome(states, len(ranks) - 1, max(ranks), True)
        if solved.consistent and solved.dimension > MOST_FREE:
            ranks.append(solved.rank)
        elif solved.consistent:
            states += [(state, hypothesis) for state in _all_states(problem.model, solved)]
    return Outcome(states, len(ranks) - 1, max(ranks), False)


def _rows(model: Recurrence, forms: Iterable[Rows], used: Observations) -> Rows:
    """Return the equations of the known bits, the right side behind the unknowns."""
    rows = np.zeros((used.bits, model.unknowns // 64 + 1), dtype=np.uint64)
    end = 0
    for form, mask, value in zip(forms, used.masks.tolist(), used.values.tolist(), strict=True):
        places = [bit for bit in range(model.word_bits) if mask >> bit & 1]
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


def _verified(problem: Problem, draws: Ints, origin: State, hypothesis: Hypothesis) -> Iterator[Found]:
    """Yield the solution as a finding if it makes all the draws that it was solved from."""
    state = problem.model.advance(origin, int(problem.model.times(np.array([0]), hypothesis.place)[0]))
    if any(state) and np.array_equal(problem.made(state, hypothesis, draws), problem.draws[draws]):
        yield Found(
            problem.family, problem.mapping, problem.lo, problem.hi, problem.model.pack(state), hypothesis.pattern,
            tuple(draws.tolist()), problem.tried_bits, hypothesis.place,
        )  # fmt: skip


def _answer(
    problem: Problem,
    found: tuple[Found, ...] = (),
    *,
    exhausted: bool = False,
    need: int | None = None,
    reason: str = "",
) -> Answer:
    billed = problem.tried_bits if problem.family in MODELS else 0.0
    return Answer(ROUTE, problem.family, problem.mapping, found, billed, exhausted, need, reason)


def _need(problem: Problem, seen: Observations) -> int | None:
    """Return how many draws would show enough bits at the present rate, or None where they show none."""
    rate = seen.bits / len(problem.draws)
    wanted = problem.tried_bits + SPARE
    return max(math.ceil(wanted / rate), len(problem.draws) + 1) if rate else None


def _more(problem: Problem, used: Observations) -> int | None:
    """Return an eighth more draws, as the last ranks come slowly, or None where twice the equations did not bring them."""
    return len(problem.draws) * 9 // 8 + 1 if used.bits < 2 * problem.model.unknowns else None


def _too_few(problem: Problem, seen: Observations) -> str:
    if not seen.bits:
        return f"{problem.mapping} over {problem.hi - problem.lo + 1} values shows no bit of {problem.family} exactly"
    return (
        f"{len(problem.draws)} draws show {seen.bits} exact bits, {problem.model.unknowns} unknown bits under "
        f"{len(problem.hypotheses)} hypotheses ask for {math.ceil(problem.tried_bits)}"
    )


def _open(problem: Problem, used: Observations, rank: int) -> str:
    return f"{used.bits} equations have rank {rank} of {problem.model.unknowns}: the draws leave too many states open"


def _assumed(problem: Problem) -> str:
    chance = problem.slips
    return f"assumes that no word was rejected (chance of one: {chance:.2g})" if chance else ""
