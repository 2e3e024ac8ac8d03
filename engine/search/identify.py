"""Identification: from a question to one of four verdicts, anytime. Sweeps, enters the books, says where it is, stops when a claim is paid."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from engine.compute.cluster import Compute
from engine.errors import Halted
from engine.evidence.evalue import required_bits
from engine.history.history import History
from engine.search.analysis import Analysis, StoppedBy
from engine.search.books import Books
from engine.search.cell import Cell
from engine.search.claims import finite
from engine.search.conclusion import conclude
from engine.search.flood import FEW
from engine.search.question import Question
from engine.search.space import Space
from engine.search.sweeper import ChunkOutcome, Sweeper
from state.coverage import CoverageRow
from state.journal import Journal


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


class Identification:
    """One search for one question; run it once, watch it through `progress`, read the Analysis."""

    def __init__(
        self, question: Question, *, run: str = "", progress: Callable[[Progress], None] | None = None
    ) -> None:
        """Open the books; nothing is started or written."""
        self.question, self.run_id = question, run
        self.books = Books(question)
        self.slips: list[str] = []
        self.progress = progress or (lambda _: None)
        self._began = time.monotonic()

    def coverage(self) -> list[CoverageRow]:
        """Return what this search excluded so far."""
        return self.books.coverage(self.run_id)

    async def run(self, compute: Compute, journal: Journal, *, under: str = "") -> Analysis:
        """Search until a claim is confirmed, the space is done, the time is up or a halt comes; `under` as in `identify`."""
        stopped: StoppedBy = "exhausted"
        question = self.question
        self._began = time.monotonic()
        try:
            async with asyncio.timeout(question.space.time_limit):
                stopped = await self._search(
                    Sweeper(compute, journal, question.streams, question.space.seed, prefix=under)
                )
        except TimeoutError:
            stopped = "time"
        except Halted:
            stopped = "halt"
        analysis, self.slips = await asyncio.to_thread(
            lambda: conclude(self.books, stopped, run=self.run_id, elapsed=self._elapsed)
        )
        return analysis

    async def _search(self, sweeper: Sweeper) -> StoppedBy:
        books = self.books
        async with aclosing(sweeper.run(self.question.plan.cells)) as outcomes:
            async for outcome in outcomes:
                before = books.leaders
                await self._entered(outcome)
                if books.leaders != before:
                    sweeper.journal.append("evidence.improved", books.improvement(outcome))
                self.progress(self._report(outcome.cell))
                if books.claims and not outcome.more and not self.question.space.exhaust:
                    return "found"
        return "exhausted"

    async def _entered(self, outcome: ChunkOutcome) -> None:
        """Book one chunk; many survivors are weighed off the loop, and to the end though the time be up, for the books are read then."""
        if len(outcome.hits) <= FEW:
            self.books.enter(outcome)
            return
        weighing = asyncio.ensure_future(asyncio.to_thread(self.books.enter, outcome))
        try:
            await asyncio.shield(weighing)
        except asyncio.CancelledError:
            await weighing
            raise

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _report(self, cell: Cell) -> Progress:
        books, question, elapsed = self.books, self.question, self._elapsed
        spent = sum(one.seconds for one in books.finished)
        left = sum(one.seconds for one in question.plan.cells) - spent
        eta = left * elapsed / spent if spent > 0 else None
        excluded = sum(one.tested for one in books.finished) + question.spared
        return Progress(
            cell=cell.key, cells_done=len(books.finished), cells=len(question.plan.cells), hypotheses_done=books.hypotheses,
            hypotheses=question.plan.hypotheses, rate=books.hypotheses / elapsed if elapsed > 0 else 0.0,
            eta=None if eta is None else min(eta, max(0.0, question.space.time_limit - elapsed)),
            best=books.best.line() if books.best else None, best_bits=books.best.bits if books.best else None,
            null_bits=finite(books.null_bits), required_bits=required_bits(question.space.alpha),
            excluded_share=excluded / max(1, question.asked.hypotheses),
        )  # fmt: skip


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
    question = await asyncio.to_thread(Question, history, space)  # plans for a while
    return await Identification(question, run=run, progress=progress).run(compute, journal, under=under)
