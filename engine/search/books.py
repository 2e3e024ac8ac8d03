"""The books of a search: every chunk entered once, its controls counted, its survivors weighed, what is paid for claimed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from engine.evidence.chance import log2_tail
from engine.evidence.evalue import required_bits
from engine.evidence.power import clopper_pearson_lower
from engine.search.cell import Cell
from engine.search.chunk import REAL, SHUFFLED, UNIFORM
from engine.search.claims import Claim, Hit, finite, score
from engine.search.coverage import DoneChunk, rows_of
from engine.search.flood import one_a_value
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.readings import patterns, relatives, siblings
from engine.search.sweeper import ChunkOutcome
from hip_cuda_kernels.registry import resolve_families
from state.coverage import CoverageRow

LEAST_POWER = 0.5  # proven on planted states: below it, what algebra did not find is not excluded


class Recall(NamedTuple):
    """How many truths were planted, and how many of them came back."""

    planted: int = 0
    found: int = 0

    def plus(self, planted: int, found: int) -> Recall:
        """Return both counts enlarged."""
        return Recall(self.planted + planted, self.found + found)


class Books:
    """Everything counted while searching; the evidence of every claim is computed from these books."""

    def __init__(self, question: Question) -> None:
        """Open the books of one question; survivors that earlier runs carried are carried on."""
        self.question = question
        self.carried = {REAL: sum(row.survivors for row in question.known.values()), SHUFFLED: 0, UNIFORM: 0}
        self.best: Claim | None = None
        self.null_bits = -math.inf
        self.expected = 0.0
        self.recall = Recall()
        self.hypotheses = 0
        self.claims: list[Claim] = []
        self.power: defaultdict[str, Recall] = defaultdict(Recall)
        self.finished: list[Cell] = []
        self.done: dict[Cell, list[DoneChunk]] = {}
        self.flooded: set[str] = set()
        self.reasons: dict[str, str] = {}
        self._rank = {cell.key: rank for rank, cell in enumerate(question.asked.cells, start=1)}

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

    def enter(self, outcome: ChunkOutcome) -> None:
        """Book one chunk: controls, survivors of the real draws and of the twins, claims."""
        cell, meta = outcome.cell, outcome.meta
        self.power[cell.key] = self.power[cell.key].plus(meta["planted"], meta["found"])
        self.recall = self.recall.plus(meta["planted"], meta["found"])
        self.hypotheses += meta["hypotheses"]
        self.reasons[cell.key] = meta.get("reason", "")
        tested = math.log2(max(1, meta["hypotheses"] * cell.untold))
        self.expected += 2.0 ** (tested + log2_tail(cell.block, cell.threshold, self.question.p(cell)))
        if meta["overflow"]:
            self.flooded.add(cell.key)
        else:
            self.done.setdefault(cell, []).append(_done(outcome))
        distinct = one_a_value(cell, outcome.hits, len(self.question.values[cell.session]))
        for vector, read, hit in survivors(replace(outcome, hits=distinct)):
            self._weigh(read, vector, hit)
        if outcome.last and cell.key not in self.flooded:
            self.finished.append(cell)

    def settled(self, cell: Cell) -> bool:
        """Say whether a finished cell excludes anything: algebra that misses too many planted states does not."""
        planted, found = self.power[cell.key]
        return cell.origin == "seed" or clopper_pearson_lower(found, planted) >= LEAST_POWER

    def coverage(self, run: str) -> list[CoverageRow]:
        """Return what this search excluded: whole chunks of families that no claim names, and states whose algebra proved itself."""
        claimed, question = {claim.cell.family for claim in self.claims}, self.question
        return [
            row
            for cell, chunks in self.done.items()
            if cell.family not in claimed and self.settled(cell)
            for row in rows_of(
                cell, chunks, question.digest(cell), question.judged, run=run, history=question.history.digest
            )
        ]

    def _weigh(self, cell: Cell, vector: int, hit: Hit) -> None:
        """Score one survivor on the draws that the search never used; a real one that is paid for becomes a claim."""
        self.carried[vector] += 1
        rank = self.carried[vector] if cell.confirm else self._rank[cell.whole.key]
        draws = self.question.streams[cell.session, cell.lo, cell.hi].row(vector)
        claim = score(cell, hit, draws, self.question.p(cell), self.question.space.noise, rank)
        if vector != REAL:
            self.null_bits = max(self.null_bits, claim.bits)
            return
        if self.best is None or claim.bits > self.best.bits:
            self.best = claim
        if self._paid(claim):
            self._examine_readings(claim, hit)

    def _examine_readings(self, claim: Claim, hit: Hit) -> None:
        """Read the claimed stream through other mappings, ranges and patterns, and its seed through its kin; each look is carried and paid."""
        spans = [span for span, _ in self.question.candidates]
        kin = relatives(claim, resolve_families(self.question.space.families))
        for cell in [*siblings(claim, spans), *kin]:
            self._look(cell, hit, 1)
        looks, best = patterns(claim, self.question.values[claim.cell.session])
        for cell, other in best:
            self._look(cell, other, looks)

    def _look(self, cell: Cell, hit: Hit, looks: int) -> None:
        """Score the best of so many looks at a claimed stream."""
        self.carried[REAL] += looks
        question = self.question
        draws, rank = question.values[cell.session], self.carried[REAL]
        self._paid(score(cell, hit, draws, question.p(cell), question.space.noise, rank))

    def _paid(self, claim: Claim) -> bool:
        """Keep a claim whose evidence pays for all that was carried, and say whether it does."""
        paid = claim.bits >= required_bits(self.question.space.alpha)
        if paid:
            self.claims.append(claim)
        return paid


def survivors(outcome: ChunkOutcome) -> Iterator[tuple[int, Cell, Hit]]:
    """Yield (row of the draws, the cell as it is read, where it lies) of each survivor.

    A solved state whose seed is known is read from its seed, and a word from the seed that it becomes; they still pay for all.
    """
    cell = outcome.cell
    for hit in outcome.hits:
        vector, seed, start, gap = (int(hit[name]) for name in ("vector", "seed", "start", "gap"))
        if cell.seeds.way is None:
            yield vector, cell, Hit(seed, start, gap)
        else:
            told = cell.worded(seed)
            yield vector, told, Hit(told.seeds.lo, start, gap)
    for row, state, gap, seed, start in outcome.meta.get("states", ()):
        if seed is None:
            yield row, cell, Hit(int(state, 16), 0, gap)
        else:
            one = int(seed, 16)
            read = replace(cell, seeds=Range(one, one), starts=(start, start), origin="seed", part=cell)
            yield row, read, Hit(one, start, gap)


def _done(outcome: ChunkOutcome) -> DoneChunk:
    survivors = int((outcome.hits["vector"] == REAL).sum())
    survivors += sum(row == REAL for row, *_ in outcome.meta.get("states", ()))
    seeds = outcome.seeds if outcome.cell.origin == "seed" else (0, 0)
    return DoneChunk(seeds, survivors, outcome.meta["planted"], outcome.meta["found"], outcome.digest)
