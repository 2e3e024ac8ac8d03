"""What one search asks: the streams of a history, the ranges of its draws, and the plan of what earlier runs left open. Nothing has run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from engine.errors import BadInput
from engine.evidence.evalue import required_bits
from engine.evidence.uniformity import collision_probability, match_probability, uniformity
from engine.history.candidates import check_range, range_candidates
from engine.history.history import NO_TIME, History
from engine.recovery.linear import detect
from engine.search.algebra import plan_states
from engine.search.cell import Cell
from engine.search.coverage import Judged, block_digests, remaining
from engine.search.design import LONGEST_BLOCK, Law
from engine.search.passes import joined
from engine.search.plan import DrawRange, Material, Plan, make_plan, ordered
from engine.search.space import Space
from engine.search.streams import labels, stream_of, told
from engine.search.twins import twin_stream
from state.coverage import CoverageRow

FEWEST_DRAWS = 3


class Question:
    """A history held against a space: laid out once, read by the search and by all that only describes it."""

    def __init__(
        self, history: History, space: Space, *, known: Iterable[CoverageRow] = (), kernel: str = ""
    ) -> None:
        """Check the history against the space and lay out the plan.

        What `known` rows of the coverage ledger exclude, as judged by the kernels of build `kernel`, is not planned again. Raise BadInput or UsageError, each naming the draw or the option.
        """
        if len(history) < FEWEST_DRAWS:
            raise BadInput(f"{history.source}: {len(history)} draws; at least {FEWEST_DRAWS} are needed")
        self.history, self.space = history, space
        self.ruled_out: list[tuple[tuple[int, int], str]] = []
        self._shares: dict[tuple[int, int], float] = {}
        self.candidates = self._ranges()
        streams = {
            label: told(history, label, space.gap_law)
            for label in labels(history, space.sessions, space.direction)
        }
        self.values = {label: values for label, (values, _) in streams.items()}
        self.times = (
            {label: times for label, (_, times) in streams.items()} if space.gap_law == "clock" else {}
        )
        self._check_clock()
        self.probability = {
            (label, lo, hi): chance_of(values, lo, hi, space.gap_law)
            for label, values in self.values.items()
            for (lo, hi), _ in self.candidates
        }
        self.asked: Plan = _plan(space, [self._material(label) for label in self.values])
        self.judged = Judged(kernel, space.alpha, space.noise)
        longest = max(
            [LONGEST_BLOCK, *(cell.block for cell in self.asked.cells)]
        )  # states of few values take more draws
        self.digests = {
            (label, lo, hi): block_digests(values, lo, hi, 0, longest, self.times.get(label))
            for label, values in self.values.items()
            for (lo, hi), _ in self.candidates
        }
        self.known: dict[int, CoverageRow] = {}
        self.plan = self._spare(known)
        self.streams = {
            (label, lo, hi): twin_stream(values, lo, hi, space.seed, label)
            for label, values in self.values.items()
            for (lo, hi), _ in self.candidates
        }

    @property
    def spared(self) -> int:
        """Return how many hypotheses of the asked plan earlier runs excluded."""
        return self.asked.hypotheses - self.plan.hypotheses

    @cached_property
    def bias(self) -> str | None:
        """Return the failed randomness test and its effect as one line, or None.

        Draws are biased if no candidate range makes them look uniform, or if a bit that they leak follows a recurrence.
        """
        values = told(self.history, None, self.space.gap_law)[0]
        present = values[values >= 0]
        spans = [span for span, _ in self.candidates]
        tests = [uniformity(present, lo, hi, alpha=self.space.alpha) for lo, hi in spans]
        if all(test.biased for test in tests):
            first = tests[0]
            return f"{first.test}: p = {first.p_value:.2g}, effect size {first.effect:.2f}"
        paid = required_bits(self.space.alpha) + math.log2(len(spans))
        structures = [detect(values, lo, hi) for lo, hi in spans]
        return next((found.line() for found in structures if found is not None and found.bits >= paid), None)

    def p(self, cell: Cell) -> float:
        """Return how often a prediction meets a draw of this cell's stream by chance."""
        return self.probability[cell.session, cell.lo, cell.hi]

    def digest(self, cell: Cell) -> str:
        """Return the name of the draws that a cell is searched on."""
        return self.digests[cell.session, cell.lo, cell.hi][cell.block]

    def _ranges(self) -> list[tuple[tuple[int, int], str]]:
        """Return the ranges to search, most plausible first; one that the draws rule out at alpha is only listed."""
        if self.space.range is not None:
            check_range(self.history, *self.space.range)
            self._shares[self.space.range] = 1.0
            return [(self.space.range, "asked")]
        listed = range_candidates(self.history.values)
        if not listed:
            raise BadInput(
                f"{self.history.source}: every draw is missing; at least {FEWEST_DRAWS} values are needed"
            )
        narrowest = min(one.hi - one.lo + 1 for one in listed)
        present = int((self.history.values >= 0).sum())
        kept = []
        for lo, hi, reason, share in listed:
            self._shares[lo, hi] = share
            # uniform draws on lo..hi would all fall into the narrowest candidate with this chance
            if present * math.log(narrowest / (hi - lo + 1)) >= math.log(self.space.alpha):
                kept.append(((lo, hi), reason))
            else:
                self.ruled_out.append(
                    ((lo, hi), f"{reason}, ruled out: {present} draws would not all miss the rest")
                )
        return kept

    def _check_clock(self) -> None:
        """Refuse streams whose draws have no times, where these are the seeds."""
        for label, times in self.times.items():
            timed = int((times != NO_TIME).sum())
            if timed < FEWEST_DRAWS:
                named = "" if label is None else f" of {label}"
                raise BadInput(
                    f"{self.history.source}: --gap-law clock takes each draw's time for its seed, and {timed} draws{named} have one; "
                    f"at least {FEWEST_DRAWS} are needed: name their column with --time-column"
                )

    def _material(self, label: str | None) -> Material:
        first = int(stream_of(self.history, label).times[0])
        spans = tuple(
            DrawRange(*span, self.probability[label, *span], self._shares[span])
            for span, _ in self.candidates
        )
        moment = None if first == NO_TIME else first / 1e6
        present = int((self.values[label] >= 0).sum())
        return Material(label, present, spans, self.times.get(label), moment)

    def _spare(self, known: Iterable[CoverageRow]) -> Plan:
        """Cut from the asked plan what earlier runs excluded on these very draws, and remember by which rows."""
        rows: dict[tuple[str, str], list[CoverageRow]] = {}
        for row in known:
            if self.judged.accepts(row):
                rows.setdefault((row.family, row.mapping), []).append(row)
        left: list[Cell] = []
        for cell in self.asked.cells:
            digests = self.digests[cell.session, cell.lo, cell.hi]
            parts, used = remaining(cell, rows.get((cell.family, cell.mapping), ()), digests)
            left += parts
            self.known |= {row.seq: row for row in used}
        return Plan(joined(left), self.asked.unplanned)


def chance_of(values: np.ndarray, lo: int, hi: int, law: Law) -> float:
    """Return how often a prediction meets one of these draws by chance: 1/M, or what their frequencies make of it.

    Evidence weighs uneven draws by their own frequencies, so the search is laid out for how often two of them agree. The average
    over patterns of varying gaps needs an upper bound.
    """
    chance = match_probability if law == "range" else collision_probability
    return chance(values[values >= 0], lo, hi)


def _plan(space: Space, materials: list[Material]) -> Plan:
    """Join what algebra decides and what is swept; stated seeds ask for a sweep alone."""
    swept = make_plan(space, materials) if space.methods != "algebra" else Plan((), ())
    wanted = space.methods == "algebra" or (space.methods == "all" and not space.stated)
    if not wanted or space.gap_law not in ("constant", "periodic"):
        return swept
    solved = plan_states(space, materials)
    return ordered([*swept.cells, *solved.cells], [*swept.unplanned, *solved.unplanned])
