"""The contract `analysis/1`: what one identification says, as strict records (DEFINITIONS of the README's JSON section)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.search.alignment import Alignment
from engine.search.streams import Direction

Verdict = Literal["identified", "biased", "no_evidence", "not_identifiable"]
StoppedBy = Literal["found", "exhausted", "time", "halt"]


class Record(BaseModel):
    """Strict, immutable base of the contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tally(Record):
    """Matches among scored draws."""

    matched: int
    scored: int


class Word(Record):
    """The word that a runtime was seeded with, and the way in which it became the origin's value (wordings.py)."""

    text: str
    way: str


class Hypothesis(Record):
    """One non-equivalent hypothesis that reached the required evidence; `word` where its seed was a word."""

    family: str
    aliases: list[str]
    mapping: str
    origin: dict[str, Any]
    start: int | None
    gap: dict[str, Any]
    session: str | None
    direction: Direction
    noise: float
    matched: int
    scored: int
    confirmed: Tally
    evidence_bits: float
    equivalents: int
    word: Word | None = None


class Threshold(Record):
    """A cell's rule: a hypothesis survives with at least `matched` of `of` search draws."""

    matched: int
    of: int


class Excluded(Record):
    """A searched part of the space that holds no generator of these draws, with its measured power; `run`: an earlier one did it."""

    family: str
    mapping: str
    origins: dict[str, Any]
    starts: tuple[int, int]
    gap: dict[str, Any]
    threshold: Threshold
    power: float
    run: str | None = None
    direction: Direction = "forward"


class NotTested(Record):
    """A part of the asked space that was not searched, and why."""

    family: str
    mapping: str
    reason: str


class Controls(Record):
    """What the twins saw in the same passes.

    `null_best`: survivors on the null twin that had most; `null_expected`: survivors that chance expects
    per twin; `cells_planted`, `cells_found`: planted truths run through the same kernels, and found.
    """

    null_best: int
    null_expected: float
    cells_planted: int
    cells_found: int


class RangeCandidate(Record):
    """One range of draws that was tried, and why."""

    range: tuple[int, int]
    reason: str
    chosen: bool = False


class Analysis(Record):
    """The whole answer; `next_draws` is null unless all hypotheses agree on them.

    `next_rows` are the next draws as numbers, where a draw is the rank of a row of several.
    `excluded_before` counts asked hypotheses that earlier runs had excluded on the same draws; they were not tested again.
    """

    schema_: Literal["analysis/1"] = Field(default="analysis/1", alias="schema")
    verdict: Verdict
    evidence_bits: float
    required_bits: float
    alpha: float
    complete: bool
    stopped_by: StoppedBy
    need_draws: int | None
    range: tuple[int, int]
    range_candidates: list[RangeCandidate]
    draws: int
    sessions: list[str]
    hypotheses: list[Hypothesis]
    next_draws: list[int] | None
    next_rows: list[list[int]] | None = None
    excluded: list[Excluded]
    excluded_before: int = 0
    not_tested: list[NotTested]
    controls: Controls
    hypotheses_tested: int
    elapsed_s: float
    run: str
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    def alignments(self) -> list[Alignment]:
        """Return the claimed hypotheses as alignments, best first."""
        return [
            Alignment(
                family=one.family,
                mapping=one.mapping,
                range=self.range,
                origin=one.origin,  # type: ignore[arg-type]
                start=one.start,
                gap=one.gap,  # type: ignore[arg-type]
                session=one.session,
                direction=one.direction,
            )
            for one in self.hypotheses
        ]
