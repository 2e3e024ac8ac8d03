"""Identification: from draws to one of four verdicts, anytime. Plans, sweeps, confirms, keeps the books; claims only what is paid for."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from engine.compute.cluster import Compute
from engine.errors import BadInput, Halted
from engine.evidence.chance import log2_tail
from engine.evidence.evalue import required_bits
from engine.evidence.power import clopper_pearson_lower
from engine.evidence.uniformity import collision_probability, match_probability, uniformity
from engine.evidence.verdict import decide
from engine.history.candidates import check_range, range_candidates
from engine.history.history import NO_TIME, History
from engine.recovery import states
from engine.recovery.linear import detect
from engine.search.algebra import plan_states
from engine.search.analysis import (
    Analysis,
    Controls,
    Excluded,
    NotTested,
    RangeCandidate,
    StoppedBy,
    Threshold,
)
from engine.search.cell import Cell
from engine.search.chunk import REAL, SHUFFLED, UNIFORM
from engine.search.claims import Claim, finite, hypothesis, score, settle
from engine.search.coverage import DoneChunk, Judged, block_digests, remaining, rows_of
from engine.search.design import LONGEST_BLOCK, Law
from engine.search.flood import FEW, one_a_value
from engine.search.plan import Material, Plan, make_plan, ordered
from engine.search.ranges import Range
from engine.search.readings import patterns, relatives, siblings
from engine.search.slips import followed, slip
from engine.search.space import Space
from engine.search.streams import labels, parts, stream_of, told
from engine.search.sweeper import ChunkOutcome, Sweeper, twin_stream
from hip_cuda_kernels.registry import resolve_families
from state.coverage import CoverageRow
from state.journal import Journal

FEWEST_DRAWS = 3
LEAST_POWER = 0.5  # proven on planted states: below it, what algebra did not find is not excluded


@dataclass(frozen=True)
class Progress:
    """What a progress line shows: where the search is, how fast, the best so far against chance."""

    cell: str
    cells_done: int
    cells: int
    hypotheses_done: int
    hypotheses: int
    rate: float
    eta: float | None
    best: str | None
    best_bits: float | None
    null_bits: float | None
    required_bits: float
    excluded_share: float


@dataclass
class Books:
    """Everything counted while searching; the evidence of every claim is computed from these books."""

    carried: dict[int, int] = field(default_factory=lambda: {REAL: 0, SHUFFLED: 0, UNIFORM: 0})
    best: Claim | None = None
    null_bits: float = -math.inf
    expected: float = 0.0
    planted: int = 0
    found: int = 0
    hypotheses: int = 0
    claims: list[Claim] = field(default_factory=list)
    power: dict[str, tuple[int, int]] = field(default_factory=dict)
    finished: list[Cell] = field(default_factory=list)
    done: dict[Cell, list[DoneChunk]] = field(default_factory=dict)
    flooded: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def leaders(self) -> tuple[Claim | None, float]:
        """Return the best survivor of the real draws, and the bits of the null twins' best."""
        return self.best, self.null_bits

    def improvement(self, outcome: ChunkOutcome) -> dict[str, Any]:
        """Return the leaders as the journal keeps them, with the chunk and the hypotheses after which they led."""
        best = self.best and self.best.record()
        return {
            "sweep": outcome.cell.key, "index": outcome.index, "hypotheses": str(self.hypotheses), "best": best,
            "null_bits": finite(self.null_bits),
        }  # fmt: skip


class Identification:
    """One identification over one history; run it once, watch it through `progress`, read the Analysis."""

    def __init__(
        self,
        history: History,
        space: Space,
        *,
        run: str = "",
        progress: Callable[[Progress], None] | None = None,
        known: Iterable[CoverageRow] = (),
        kernel: str = "",
    ) -> None:
        """Check the history against the space and lay out the plan, before anything is started or written.

        What `known` rows of the coverage ledger exclude, as judged by the kernels of build `kernel`, is not planned again. Raise BadInput or UsageError, each naming the draw or the option.
        """
        if len(history) < FEWEST_DRAWS:
            raise BadInput(f"{history.source}: {len(history)} draws; at least {FEWEST_DRAWS} are needed")
        self.history, self.space, self.run_id = history, space, run
        self.progress = progress or (lambda _: None)
        self.ruled_out: list[tuple[tuple[int, int], str]] = []
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
        self.slips: list[str] = []
        self.plan = self._spare(known)
        self.books = Books()
        self.books.carried[REAL] = sum(row.survivors for row in self.known.values())
        self.streams = {
            (label, lo, hi): twin_stream(values, lo, hi, space.seed, label)
            for label, values in self.values.items()
            for (lo, hi), _ in self.candidates
        }
        self._began = time.monotonic()
        self._cell_rank = {cell.key: rank for rank, cell in enumerate(self.asked.cells, start=1)}

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
        return Plan(tuple(left), self.asked.unplanned)

    @property
    def spared(self) -> int:
        """Return how many hypotheses of the asked plan earlier runs excluded."""
        return self.asked.hypotheses - self.plan.hypotheses

    def coverage(self) -> list[CoverageRow]:
        """Return what this search excluded: whole chunks of families that no claim names, and states whose algebra proved itself."""
        claimed = {claim.cell.family for claim in self.books.claims}
        return [
            row
            for cell, chunks in self.books.done.items()
            if cell.family not in claimed and self._settled(cell)
            for row in rows_of(
                cell, chunks, self.digests[cell.session, cell.lo, cell.hi][cell.block], self.judged,
                run=self.run_id, history=self.history.digest,
            )
        ]  # fmt: skip

    async def run(self, compute: Compute, journal: Journal, *, under: str = "") -> Analysis:
        """Search until a claim is confirmed, the space is done, the time is up or a halt comes; `under` as in `identify`."""
        stopped: StoppedBy = "exhausted"
        self._began = time.monotonic()
        try:
            async with asyncio.timeout(self.space.time_limit):
                stopped = await self._search(
                    Sweeper(compute, journal, self.streams, self.space.seed, prefix=under)
                )
        except TimeoutError:
            stopped = "time"
        except Halted:
            stopped = "halt"
        return await asyncio.to_thread(
            self._analysis, stopped
        )  # bias and slips: up to half a second on a long history

    async def _search(self, sweeper: Sweeper) -> StoppedBy:
        async with aclosing(sweeper.run(self.plan.cells)) as outcomes:
            async for outcome in outcomes:
                before = self.books.leaders
                await self._entered(outcome)
                if self.books.leaders != before:
                    sweeper.journal.append("evidence.improved", self.books.improvement(outcome))
                self.progress(self._report(outcome.cell))
                if self.books.claims and not self.space.exhaust:
                    return "found"
        return "found" if self.books.claims else "exhausted"

    async def _entered(self, outcome: ChunkOutcome) -> None:
        """Book one chunk; many survivors are weighed off the loop, and to the end though the time be up, for the books are read then."""
        if len(outcome.hits) <= FEW:
            self._enter(outcome)
            return
        weighing = asyncio.ensure_future(asyncio.to_thread(self._enter, outcome))
        try:
            await asyncio.shield(weighing)
        except asyncio.CancelledError:
            await weighing
            raise

    def _enter(self, outcome: ChunkOutcome) -> None:
        """Book one chunk: controls, survivors of the real draws and of the twins, claims."""
        books, cell = self.books, outcome.cell
        planted, found = books.power.get(cell.key, (0, 0))
        books.power[cell.key] = (planted + outcome.meta["planted"], found + outcome.meta["found"])
        books.planted += outcome.meta["planted"]
        books.found += outcome.meta["found"]
        books.hypotheses += outcome.meta["hypotheses"]
        books.reasons[cell.key] = outcome.meta.get("reason", "")
        p = self._p(cell)
        tested = math.log2(max(1, outcome.meta["hypotheses"] * cell.untold))
        books.expected += 2.0 ** (tested + log2_tail(cell.block, cell.threshold, p))
        if outcome.meta["overflow"]:
            books.flooded.add(cell.key)
        else:
            books.done.setdefault(cell, []).append(_done(outcome))
        distinct = one_a_value(cell, outcome.hits, len(self.values[cell.session]))
        for vector, read, hit in survivors(replace(outcome, hits=distinct)):
            self._weigh(read, vector, hit)
        if outcome.last and cell.key not in books.flooded:
            books.finished.append(cell)

    def _weigh(self, cell: Cell, vector: int, hit: tuple[int, int, int]) -> None:
        """Score one survivor on the draws that the search never used; a real one that is paid for becomes a claim."""
        books = self.books
        books.carried[vector] += 1
        rank = books.carried[vector] if cell.confirm else self._cell_rank[cell.whole.key]
        claim = score(
            cell,
            hit,
            self.streams[cell.session, cell.lo, cell.hi].row(vector),
            self._p(cell),
            self.space.noise,
            rank,
        )
        if vector != REAL:
            books.null_bits = max(books.null_bits, claim.bits)
            return
        if books.best is None or claim.bits > books.best.bits:
            books.best = claim
        if claim.bits >= required_bits(self.space.alpha):
            books.claims.append(claim)
            self._examine_readings(claim, hit)

    def _examine_readings(self, claim: Claim, hit: tuple[int, int, int]) -> None:
        """Read the claimed stream through other mappings, ranges and patterns, and its seed through its kin; each look is carried and paid."""
        spans = [span for span, _ in self.candidates]
        for cell in [*siblings(claim, spans), *relatives(claim, resolve_families(self.space.families))]:
            self._look(cell, hit, 1)
        looks, best = patterns(claim, self.values[claim.cell.session])
        for cell, other in best:
            self._look(cell, other, looks)

    def _look(self, cell: Cell, hit: tuple[int, int, int], looks: int) -> None:
        """Score the best of so many looks at a claimed stream."""
        self.books.carried[REAL] += looks
        rank = self.books.carried[REAL]
        claim = score(cell, hit, self.values[cell.session], self._p(cell), self.space.noise, rank)
        if claim.bits >= required_bits(self.space.alpha):
            self.books.claims.append(claim)

    def _report(self, cell: Cell) -> Progress:
        books, elapsed = self.books, time.monotonic() - self._began
        rate = books.hypotheses / elapsed if elapsed > 0 else 0.0
        spent = sum(one.seconds for one in books.finished)
        left = sum(one.seconds for one in self.plan.cells) - spent
        eta = left * elapsed / spent if spent > 0 else None
        return Progress(
            cell=cell.key, cells_done=len(books.finished), cells=len(self.plan.cells), hypotheses_done=books.hypotheses,
            hypotheses=self.plan.hypotheses, rate=rate, eta=None if eta is None else min(eta, self._time_left()),
            best=books.best.line() if books.best else None, best_bits=books.best.bits if books.best else None,
            null_bits=finite(books.null_bits),
            required_bits=required_bits(self.space.alpha), excluded_share=self._excluded_share(),
        )  # fmt: skip

    def _time_left(self) -> float:
        return max(0.0, self.space.time_limit - (time.monotonic() - self._began))

    def _excluded_share(self) -> float:
        finished = sum(cell.tested for cell in self.books.finished)
        return (finished + self.spared) / max(1, self.asked.hypotheses)

    def _analysis(self, stopped: StoppedBy) -> Analysis:
        books, wanted = self.books, required_bits(self.space.alpha)
        settled = settle(books.claims, {label: len(values) for label, values in self.values.items()})
        slips = [
            slip(one, self.values[one.cell.session], self._p(one.cell), self.space.alpha)
            for one, _, _ in settled
        ]
        settled, self.slips = followed(settled, slips), [one.line() for one in slips if one is not None]
        best = max((claim for claim, _, _ in settled), key=lambda one: one.bits, default=books.best)
        span = (best.cell.lo, best.cell.hi) if settled and best else self.candidates[0][0]
        futures = {tuple(int(value) for value in future) for _, _, future in settled}
        verdict = decide(
            best_bits=best.bits if best else None, alpha=self.space.alpha, biased=self.bias is not None,
            identifiable_cells=len(self.asked.cells), total_cells=len(self.asked.cells) + len(self.asked.unplanned),
        )  # fmt: skip
        return Analysis(
            verdict=verdict, evidence_bits=round(best.bits, 2) if best and math.isfinite(best.bits) else 0.0,
            required_bits=round(wanted, 2), alpha=self.space.alpha,
            complete=len(books.finished) == len(self.plan.cells) and not self.plan.unplanned, stopped_by=stopped,
            need_draws=self._need() if verdict == "not_identifiable" else None, range=span,
            range_candidates=[
                RangeCandidate(range=one, reason=reason, chosen=one == span) for one, reason in [*self.candidates, *self.ruled_out]
            ],
            draws=len(self.history), sessions=list(self.history.sessions),
            hypotheses=[hypothesis(claim, equal, self._p(claim.cell)) for claim, equal, _ in settled],
            next_draws=list(futures.pop()) or None if len(futures) == 1 else None,
            excluded=[self._exclusion(cell) for cell in books.finished if self._settled(cell)] + [_known(row) for row in self.known.values()],
            excluded_before=self.spared, not_tested=self._not_tested(stopped),
            controls=Controls(
                null_best=max(books.carried[SHUFFLED], books.carried[UNIFORM]), null_expected=round(books.expected, 6),
                cells_planted=books.planted, cells_found=books.found,
            ),
            hypotheses_tested=books.hypotheses, elapsed_s=round(time.monotonic() - self._began, 3), run=self.run_id,
        )  # fmt: skip

    def _settled(self, cell: Cell) -> bool:
        """Say whether a finished cell excludes anything: algebra that misses too many planted states does not."""
        planted, found = self.books.power[cell.key]
        return cell.origin == "seed" or clopper_pearson_lower(found, planted) >= LEAST_POWER

    def _exclusion(self, cell: Cell) -> Excluded:
        planted, found = self.books.power[cell.key]
        return Excluded(
            family=cell.family, mapping=cell.mapping,
            origins={"kind": cell.kind, "range": cell.seeds.text()},
            starts=cell.starts, gap=gap_bounds(cell.law, *cell.gaps, cell.period),
            threshold=Threshold(matched=cell.threshold, of=cell.block),
            power=power(found, planted, cell.block, cell.threshold, cell.noise if cell.origin == "seed" else 0.0),
            direction=parts(cell.session)[1],
        )  # fmt: skip

    def _not_tested(self, stopped: StoppedBy) -> list[NotTested]:
        """Say what was left out: cells beyond the stop, flooded ones, and what these draws cannot identify."""
        finished = {cell.key for cell in self.books.finished}
        reason = {"found": "a claim was confirmed first", "time": "time limit", "halt": "halted"}.get(
            stopped, ""
        )
        rows = [
            NotTested(
                family=cell.family,
                mapping=cell.mapping,
                reason=f"{'too many survivors by chance' if cell.key in self.books.flooded else reason}: {cell.key}",
            )
            for cell in self.plan.cells
            if cell.key not in finished
        ]
        rows += [
            NotTested(
                family=cell.family, mapping=cell.mapping,
                reason=f"algebra finds {self.books.power[cell.key][1]} of {self.books.power[cell.key][0]} planted states: "
                f"{self.books.reasons[cell.key] or 'the draws leave them open'}: {cell.key}",
            )
            for cell in self.books.finished if not self._settled(cell)
        ]  # fmt: skip
        return rows + [
            NotTested(family=u.family, mapping=u.mapping, reason=u.reason) for u in self.plan.unplanned
        ]

    def _need(self) -> int | None:
        return min((one.need for one in self.plan.unplanned if one.need is not None), default=None)

    @cached_property
    def bias(self) -> str | None:
        """Return the failed randomness test and its effect as one line, or None.

        Draws are biased if no candidate range makes them look uniform, or if a bit that they leak follows a recurrence.
        """
        values = self._values(None)
        present = values[values >= 0]
        spans = [span for span, _ in self.candidates]
        tests = [uniformity(present, lo, hi, alpha=self.space.alpha) for lo, hi in spans]
        if all(test.biased for test in tests):
            first = tests[0]
            return f"{first.test}: p = {first.p_value:.2g}, effect size {first.effect:.2f}"
        paid = required_bits(self.space.alpha) + math.log2(len(spans))
        structures = [detect(values, lo, hi) for lo, hi in spans]
        return next((found.line() for found in structures if found is not None and found.bits >= paid), None)

    def _p(self, cell: Cell) -> float:
        return self.probability[cell.session, cell.lo, cell.hi]

    def _ranges(self) -> list[tuple[tuple[int, int], str]]:
        """Return the ranges to search, most plausible first; one that the draws rule out at alpha is only listed."""
        if self.space.range is not None:
            check_range(self.history, *self.space.range)
            return [(self.space.range, "asked")]
        listed = range_candidates(self.history.values)
        if not listed:
            raise BadInput(
                f"{self.history.source}: every draw is missing; at least {FEWEST_DRAWS} values are needed"
            )
        narrowest = min(hi - lo + 1 for lo, hi, _ in listed)
        present = int((self.history.values >= 0).sum())
        kept = []
        for lo, hi, reason in listed:
            # uniform draws on lo..hi would all fall into the narrowest candidate with this chance
            if present * math.log(narrowest / (hi - lo + 1)) >= math.log(self.space.alpha):
                kept.append(((lo, hi), reason))
            else:
                self.ruled_out.append(
                    ((lo, hi), f"{reason}, ruled out: {present} draws would not all miss the rest")
                )
        return kept

    def _values(self, label: str | None) -> np.ndarray:
        return told(self.history, label, self.space.gap_law)[0]

    def _material(self, label: str | None) -> Material:
        history = stream_of(self.history, label)
        first = int(history.times[0])
        spans = tuple((lo, hi, self.probability[label, lo, hi]) for (lo, hi), _ in self.candidates)
        moment = None if first == NO_TIME else first / 1e6
        present = int((self.values[label] >= 0).sum())
        return Material(label, present, spans, self.times.get(label), moment)


def chance_of(values: np.ndarray, lo: int, hi: int, law: Law) -> float:
    """Return how often a prediction meets one of these draws by chance: 1/M, or what their frequencies make of it.

    Evidence weighs uneven draws by their own frequencies, so the search is laid out for how often two of them agree. The average
    over patterns of varying gaps needs an upper bound.
    """
    chance = match_probability if law == "range" else collision_probability
    return chance(values[values >= 0], lo, hi)


def power(found: int, planted: int, block: int, threshold: int, noise: float) -> float:
    """Return the proven chance that a true hypothesis would have survived: found truths, and matches that noise leaves."""
    tolerance = 2.0 ** log2_tail(block, threshold, 1.0 - noise) if noise else 1.0
    return round(clopper_pearson_lower(found, planted) * tolerance, 4)


def gap_bounds(law: str, lo: int, hi: int, period: int) -> dict[str, Any]:
    """Return an interval of gaps as the records keep it."""
    return {"law": law, "unit": "call", "lo": lo, "hi": hi} | ({"period": period} if period > 1 else {})


def _done(outcome: ChunkOutcome) -> DoneChunk:
    survivors = int((outcome.hits["vector"] == REAL).sum())
    survivors += sum(row == REAL for row, *_ in outcome.meta.get("states", ()))
    seeds = outcome.seeds if outcome.cell.origin == "seed" else (0, 0)
    return DoneChunk(seeds, survivors, outcome.meta["planted"], outcome.meta["found"], outcome.digest)


def _known(row: CoverageRow) -> Excluded:
    """Return what an earlier run excluded, as this analysis lists it."""
    seeds = Range(row.seed_lo, row.seed_hi, row.unit)
    if row.origin == "state":
        seeds = Range(0, (1 << states.unknown_bits(row.family)) - 1)
    return Excluded(
        family=row.family, mapping=row.mapping,
        origins={"kind": seeds.kind if row.origin == "seed" else row.origin, "range": seeds.text()},
        starts=(row.start_lo, row.start_hi), gap=gap_bounds(row.law, row.gap_lo, row.gap_hi, row.period),
        threshold=Threshold(matched=row.threshold, of=row.block),
        power=power(row.found, row.planted, row.block, row.threshold, row.noise if row.origin == "seed" else 0.0), run=row.run,
        direction=parts(row.session)[1],
    )  # fmt: skip


def _plan(space: Space, materials: list[Material]) -> Plan:
    """Join what algebra decides and what is swept; stated seeds ask for a sweep alone."""
    swept = make_plan(space, materials) if space.methods != "algebra" else Plan((), ())
    wanted = space.methods == "algebra" or (space.methods == "all" and not space.stated)
    if not wanted or space.gap_law not in ("constant", "periodic"):
        return swept
    solved = plan_states(space, materials)
    return ordered([*swept.cells, *solved.cells], [*swept.unplanned, *solved.unplanned])


def survivors(outcome: ChunkOutcome) -> Iterator[tuple[int, Cell, tuple[int, int, int]]]:
    """Yield (row of the draws, the cell as it is read, (origin, start, gap)) of each survivor.

    A solved state whose seed is known is read from its seed, and a word from the seed that it becomes; they still pay for all.
    """
    cell = outcome.cell
    for hit in outcome.hits:
        where = int(hit["start"]), int(hit["gap"])
        if cell.seeds.way is None:
            yield int(hit["vector"]), cell, (int(hit["seed"]), *where)
        else:
            told = cell.worded(int(hit["seed"]))
            yield int(hit["vector"]), told, (told.seeds.lo, *where)
    for row, state, gap, seed, start in outcome.meta.get("states", ()):
        if seed is None:
            yield row, cell, (int(state, 16), 0, gap)
        else:
            one = int(seed, 16)
            seeds = Range(one, one)
            yield (
                row,
                replace(cell, seeds=seeds, starts=(start, start), origin="seed", part=cell),
                (one, start, gap),
            )


async def identify(
    history: History,
    space: Space,
    compute: Compute,
    journal: Journal,
    *,
    run: str,
    progress: Callable[[Progress], None] | None = None,
    under: str = "",
) -> Analysis:
    """Search `space` for the generator of `history`; everything finished is in `journal`, so a second call resumes.

    A cell's name does not tell its draws: where one journal holds searches of several histories, `under` must name this one, or
    results of other draws would be taken for its own.
    """
    made = await asyncio.to_thread(
        Identification, history, space, run=run, progress=progress
    )  # plans for a while
    return await made.run(compute, journal, under=under)
