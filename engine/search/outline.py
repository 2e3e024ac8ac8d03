"""The contract `plan/1`: what a search would do and what it would cost, before anything runs."""

from __future__ import annotations

from itertools import accumulate
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.search.analysis import NotTested, RangeCandidate, Threshold
from engine.search.cell import Cell
from engine.search.passes import units
from engine.search.question import Question
from engine.search.streams import Direction, parts


class Record(BaseModel):
    """Strict, immutable base of the contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedCell(Record):
    """One rectangle in the order of search.

    `threshold`: a hypothesis survives with so many matches of the search block; `confirm`: draws that the search never sees;
    `seconds`: on one core; `done_after`: on all workers, this cell and those before it; `prior`: its share of belief. So many cells as
    `together` says share one pass over their seeds, and equally its seconds; they are done at the same time.
    """

    family: str
    mapping: str
    range: tuple[int, int]
    session: str | None
    seeds: str
    starts: tuple[int, int]
    gaps: tuple[int, int]
    noise: float
    threshold: Threshold
    confirm: int
    hypotheses: int
    seconds: float
    done_after: float
    prior: float
    route: str
    together: int = 1
    direction: Direction = "forward"


class Totals(Record):
    """Sums over the cells; `excluded_before` hypotheses are not planned because earlier runs excluded them; `within` counts the cells that the time limit reaches on the given workers."""

    cells: int
    families: int
    hypotheses: int
    excluded_before: int
    core_seconds: float
    seconds: float
    within: int


class Outline(Record):
    """The whole plan of one history."""

    schema_: Literal["plan/1"] = Field(default="plan/1", alias="schema")
    draws: int
    sessions: list[str]
    range_candidates: list[RangeCandidate]
    alpha: float
    time_limit: float
    workers: int
    totals: Totals
    cells: list[PlannedCell]
    unplanned: list[NotTested]
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


def outline(question: Question, workers: int) -> Outline:
    """Describe the plan of a question, for so many worker processes."""
    plan, space = question.plan, question.space
    passes = list(units(plan.cells))
    whole = accumulate(sum(cell.seconds for cell in unit) for unit in passes)
    ends = [end / workers for unit, end in zip(passes, whole, strict=True) for _ in unit]
    return Outline(
        draws=len(question.history), sessions=list(question.history.sessions),
        range_candidates=[RangeCandidate(range=span, reason=why) for span, why in question.candidates],
        alpha=space.alpha, time_limit=space.time_limit, workers=workers,
        totals=Totals(
            cells=len(plan.cells), families=len({cell.family for cell in plan.cells}), hypotheses=plan.hypotheses,
            excluded_before=question.spared,
            core_seconds=round(sum(cell.seconds for cell in plan.cells), 3), seconds=round(max(ends, default=0.0), 3),
            within=sum(end <= space.time_limit for end in ends),
        ),
        cells=[_planned(cell, end) for cell, end in zip(plan.cells, ends, strict=True)],
        unplanned=[NotTested(family=one.family, mapping=one.mapping, reason=one.reason) for one in plan.unplanned],
    )  # fmt: skip


def _planned(cell: Cell, end: float) -> PlannedCell:
    session, direction = parts(cell.session)
    return PlannedCell(
        family=cell.family, mapping=cell.mapping, range=(cell.lo, cell.hi), session=session, direction=direction,
        seeds=cell.seeds.text(), starts=cell.starts, gaps=cell.gaps, noise=cell.noise,
        threshold=Threshold(matched=cell.threshold, of=cell.block), confirm=cell.confirm, hypotheses=cell.tested,
        seconds=round(cell.seconds, 3), done_after=round(end, 3), prior=cell.prior,
        together=cell.company, route=cell.route if cell.period == 1 else f"{cell.route}, patterns of {cell.period} gaps",
    )  # fmt: skip
