"""The contract `coverage/1`: what was searched to its end and holds no generator of the draws, with power, and the holes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from engine.recovery import states
from engine.search.analysis import NotTested, Threshold
from engine.search.cell import Cell
from engine.search.conclusion import gap_bounds, power
from engine.search.coverage import Interval, rectangles, size
from engine.search.design import Scope
from engine.search.ledger import Shelf
from engine.search.question import Question
from engine.search.ranges import Range
from state.coverage import CoverageRow


def _gap_rule(gap: dict[str, Any]) -> dict[str, Any]:
    """Refuse a gap that is not its law, its unit and its two ends (and its period, where the law has one)."""
    texts, numbers = (gap.get("law"), gap.get("unit")), (gap.get("lo"), gap.get("hi"), gap.get("period", 1))
    if set(gap) - {"period"} != {"law", "unit", "lo", "hi"} or not all(isinstance(one, str) for one in texts):
        raise ValueError("a gap has law, unit, lo and hi")
    if not all(type(one) is int for one in numbers):
        raise ValueError("the ends of a gap are whole numbers")
    return gap


GapRule = Annotated[dict[str, Any], AfterValidator(_gap_rule)]


class Record(BaseModel):
    """Strict, immutable base of the contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rectangle(Record):
    """Excluded: seeds (or all states) x starts x gaps of one family and mapping under one rule.

    `session` is the stream's label (streams.py): `backward`, alone or before a session, where the newest draw stands first.
    `draws` is the digest of the search block; `confirmed`: survivors were judged on later draws (else on all draws);
    `power` is the 95 % lower bound of the chance that a true hypothesis would have been found; `kernel` the build that searched.
    `proofs` are the digests over the chunk results of each run, in the order of `runs`.
    """

    family: str
    mapping: str
    range: tuple[int, int]
    session: str | None
    seeds: list[str] = Field(min_length=1)
    starts: tuple[int, int]
    gap: GapRule
    draws: str
    threshold: Threshold
    confirmed: bool
    alpha: float
    hypotheses: int
    survivors: int
    planted: int
    found: int
    power: float
    chunks: int
    runs: list[str] = Field(min_length=1)
    proofs: list[str] = Field(min_length=1)
    kernel: str


class Hole(Record):
    """A part of the asked space that nothing excludes yet."""

    family: str
    mapping: str
    range: tuple[int, int]
    session: str | None
    seeds: str
    starts: tuple[int, int]
    gap: GapRule
    threshold: Threshold
    hypotheses: int
    seconds: float


class Totals(Record):
    """Sums; `share` is the excluded part of the asked hypotheses, null where no history was given."""

    rectangles: int
    excluded: int
    asked: int | None
    share: float | None
    holes: int
    planted: int
    found: int
    weakest_power: float | None


class Chain(Record):
    """The ledger's hash chain: its head names everything that was ever added."""

    seq: int = Field(ge=0, lt=1 << 63)
    head: str


class Certificate(Record):
    """The whole certificate; `sha256` is over the canonical JSON of everything else."""

    schema_: Literal["coverage/1"] = Field(default="coverage/1", alias="schema")
    history: str | None
    draws: int | None
    kernel: str
    totals: Totals
    rectangles: list[Rectangle]
    holes: list[Hole]
    not_identifiable: list[NotTested]
    chain: Chain
    sha256: str = ""
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    def sealed(self) -> Certificate:
        """Return the certificate with its own digest."""
        return self.model_copy(update={"sha256": digest(self.model_dump(mode="json"))})


def digest(record: dict[str, Any]) -> str:
    """Return the sha-256 of a certificate's JSON without its `sha256`: keys sorted, no spaces."""
    content = {key: value for key, value in record.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def of_ledger(shelf: Shelf, kernel: str) -> Certificate:
    """Return everything that the ledger holds, of whatever history."""
    made = _rectangles(shelf.rows)
    return Certificate(
        history=None, draws=None, kernel=kernel, totals=_totals(made, None, None, 0), rectangles=made, holes=[],
        not_identifiable=[], chain=Chain(seq=shelf.seq, head=shelf.head),
    ).sealed()  # fmt: skip


def of_history(question: Question, shelf: Shelf, kernel: str) -> Certificate:
    """Return what is excluded on the draws of one history of the asked families, and the holes in the space that would be searched."""
    blocks = {name for digests in question.digests.values() for name in digests.values()}
    asked = question.asked
    codes = {(one.family, one.mapping) for one in asked.cells} | {
        (one.family, one.mapping) for one in asked.unplanned
    }
    made = _rectangles(
        [row for row in shelf.rows if row.draws in blocks and (row.family, row.mapping) in codes]
    )
    holes = [_hole(cell) for cell in question.plan.cells]
    totals = _totals(made, asked.hypotheses, question.spared, len(holes))
    return Certificate(
        history=question.history.digest, draws=len(question.history), kernel=kernel, totals=totals,
        rectangles=made, holes=holes,
        not_identifiable=[
            NotTested(family=one.family, mapping=one.mapping, reason=one.reason)
            for one in asked.unplanned
        ],
        chain=Chain(seq=shelf.seq, head=shelf.head),
    ).sealed()  # fmt: skip


def _totals(made: list[Rectangle], asked: int | None, excluded: int | None, holes: int) -> Totals:
    return Totals(
        rectangles=len(made), asked=asked, holes=holes,
        excluded=sum(one.hypotheses for one in made) if excluded is None else excluded,
        share=None if asked is None or excluded is None else excluded / max(1, asked),
        planted=sum(one.planted for one in made), found=sum(one.found for one in made),
        weakest_power=min((one.power for one in made), default=None),
    )  # fmt: skip


def _rectangles(rows: Sequence[CoverageRow]) -> list[Rectangle]:
    return [_rectangle(*group) for group in rectangles(rows)]


def _rectangle(row: CoverageRow, seeds: list[Interval], rows: list[CoverageRow]) -> Rectangle:
    planted, found = sum(one.planted for one in rows), sum(one.found for one in rows)
    starts, gaps = row.start_hi - row.start_lo + 1, row.gap_hi - row.gap_lo + 1
    scope = Scope(size(seeds), starts, gaps, row.law, 1.0, row.noise, row.alpha, row.period)  # type: ignore[arg-type]
    of_seeds = row.origin == "seed"
    return Rectangle(
        family=row.family, mapping=row.mapping, range=(row.range_lo, row.range_hi), session=row.session,
        seeds=[Range(lo, hi, row.unit).text() for lo, hi in seeds] if of_seeds else [every_state(row.family)], starts=(row.start_lo, row.start_hi),
        gap=gap_bounds(row.law, row.gap_lo, row.gap_hi, row.period), draws=row.draws,
        threshold=Threshold(matched=row.threshold, of=row.block), confirmed=row.confirm > 0, alpha=row.alpha,
        hypotheses=scope.hypotheses(row.block), survivors=sum(one.survivors for one in rows), planted=planted, found=found,
        power=power(found, planted, row.block, row.threshold, max(one.noise for one in rows) if of_seeds else 0.0),
        chunks=sum(one.chunks for one in rows), runs=[one.run for one in rows], proofs=[one.proof for one in rows],
        kernel=row.kernel,
    )  # fmt: skip


def every_state(family: str) -> str:
    """Say which states algebra decides, in place of an interval of seeds."""
    return f"all 2^{states.unknown_bits(family)} states"


def _hole(cell: Cell) -> Hole:
    return Hole(
        family=cell.family, mapping=cell.mapping, range=(cell.lo, cell.hi), session=cell.session,
        seeds=cell.seeds.text() if cell.origin == "seed" else every_state(cell.family),
        starts=cell.starts, gap=gap_bounds(cell.law, *cell.gaps, cell.period),
        threshold=Threshold(matched=cell.threshold, of=cell.block), hypotheses=cell.tested,
        seconds=round(cell.seconds, 3),
    )  # fmt: skip
