"""The conclusion of a search: what was asked and what stands in its books become the record `analysis/1`."""

from __future__ import annotations

import math
from typing import Any

from engine.evidence.chance import log2_tail
from engine.evidence.evalue import required_bits
from engine.evidence.power import clopper_pearson_lower
from engine.evidence.verdict import decide
from engine.recovery import states
from engine.search.analysis import (
    Analysis,
    Controls,
    Excluded,
    NotTested,
    RangeCandidate,
    StoppedBy,
    Threshold,
)
from engine.search.books import Books
from engine.search.cell import Cell
from engine.search.chunk import SHUFFLED, UNIFORM
from engine.search.claims import hypothesis, settle
from engine.search.ranges import Range
from engine.search.slips import followed, slip
from engine.search.streams import parts
from state.coverage import CoverageRow

REASONS: dict[StoppedBy, str] = {
    "found": "a claim was confirmed first",
    "time": "time limit",
    "halt": "halted",
}
"""Why a cell was not searched to its end, by what stopped the search."""


def conclude(books: Books, stopped: StoppedBy, *, run: str, elapsed: float) -> tuple[Analysis, list[str]]:
    """Return the analysis of a search that lasted `elapsed` seconds, and each slip of its claims as a line.

    Bias and slips take up to half a second on a long history.
    """
    question = books.question
    space, values = question.space, question.values
    settled = settle(books.claims, {label: len(draws) for label, draws in values.items()})
    slips = [slip(one, values[one.cell.session], question.p(one.cell), space.alpha) for one, _, _ in settled]
    settled = followed(settled, slips)
    best = max((claim for claim, _, _ in settled), key=lambda one: one.bits, default=books.best)
    span = (best.cell.lo, best.cell.hi) if settled and best else question.candidates[0][0]
    futures = {tuple(int(value) for value in future) for _, _, future in settled}
    asked, unplanned = question.asked.cells, question.asked.unplanned
    verdict = decide(
        best_bits=best.bits if best else None, alpha=space.alpha, biased=question.bias is not None,
        identifiable_cells=len(asked), total_cells=len(asked) + len(unplanned),
    )  # fmt: skip
    need = min((one.need for one in unplanned if one.need is not None), default=None)
    analysis = Analysis(
        verdict=verdict, evidence_bits=round(best.bits, 2) if best and math.isfinite(best.bits) else 0.0,
        required_bits=round(required_bits(space.alpha), 2), alpha=space.alpha,
        complete=len(books.finished) == len(question.plan.cells) and not unplanned, stopped_by=stopped,
        need_draws=need if verdict == "not_identifiable" else None, range=span,
        range_candidates=[
            RangeCandidate(range=one, reason=reason, chosen=one == span) for one, reason in [*question.candidates, *question.ruled_out]
        ],
        draws=len(question.history), sessions=list(question.history.sessions),
        hypotheses=[hypothesis(claim, equal, question.p(claim.cell)) for claim, equal, _ in settled],
        next_draws=list(futures.pop()) or None if len(futures) == 1 else None,
        excluded=[_excluded(books, cell) for cell in books.finished if books.settled(cell)]
        + [_excluded_before(row) for row in question.known.values()],
        excluded_before=question.spared, not_tested=_not_tested(books, stopped),
        controls=Controls(
            null_best=max(books.carried[SHUFFLED], books.carried[UNIFORM]), null_expected=round(books.expected, 6),
            cells_planted=books.recall.planted, cells_found=books.recall.found,
        ),
        hypotheses_tested=books.hypotheses, elapsed_s=round(elapsed, 3), run=run,
    )  # fmt: skip
    return analysis, [one.line() for one in slips if one is not None]


def power(found: int, planted: int, block: int, threshold: int, noise: float) -> float:
    """Return the proven chance that a true hypothesis would have survived: found truths, and matches that noise leaves."""
    tolerance = 2.0 ** log2_tail(block, threshold, 1.0 - noise) if noise else 1.0
    return round(clopper_pearson_lower(found, planted) * tolerance, 4)


def gap_bounds(law: str, lo: int, hi: int, period: int) -> dict[str, Any]:
    """Return an interval of gaps as the records keep it."""
    return {"law": law, "unit": "call", "lo": lo, "hi": hi} | ({"period": period} if period > 1 else {})


def _excluded(books: Books, cell: Cell) -> Excluded:
    """Return what this search excluded, as its analysis lists it."""
    planted, found = books.power[cell.key]
    return Excluded(
        family=cell.family, mapping=cell.mapping,
        origins={"kind": cell.kind, "range": cell.seeds.text()},
        starts=cell.starts, gap=gap_bounds(cell.law, *cell.gaps, cell.period),
        threshold=Threshold(matched=cell.threshold, of=cell.block),
        power=power(found, planted, cell.block, cell.threshold, cell.noise if cell.origin == "seed" else 0.0),
        direction=parts(cell.session)[1],
    )  # fmt: skip


def _excluded_before(row: CoverageRow) -> Excluded:
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


def _not_tested(books: Books, stopped: StoppedBy) -> list[NotTested]:
    """Say what was left out: cells beyond the stop, flooded ones, algebra that proved too little, and what these draws cannot identify."""
    finished = {cell.key for cell in books.finished}
    unfinished = [
        NotTested(
            family=cell.family, mapping=cell.mapping,
            reason=f"{'too many survivors by chance' if cell.key in books.flooded else REASONS.get(stopped, '')}: {cell.key}",
        )
        for cell in books.question.plan.cells if cell.key not in finished
    ]  # fmt: skip
    unproven = [
        NotTested(
            family=cell.family, mapping=cell.mapping,
            reason=f"algebra finds {books.power[cell.key].found} of {books.power[cell.key].planted} planted states: "
            f"{books.reasons[cell.key] or 'the draws leave them open'}: {cell.key}",
        )
        for cell in books.finished if not books.settled(cell)
    ]  # fmt: skip
    unplanned = [
        NotTested(family=one.family, mapping=one.mapping, reason=one.reason)
        for one in books.question.plan.unplanned
    ]
    return unfinished + unproven + unplanned
