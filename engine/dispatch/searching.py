"""Find what explains a run's history: searched now, or the verdict that stands. A search is published with its fingerprint, once."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from engine.dispatch.aside import gpu_phase
from engine.errors import Halted, Skipped
from engine.status import VERDICT, SearchAt, StepAt
from engine.verdicts import verdict_record
from engine.watcher.fingerprints import Tried, fingerprint
from engine.watcher.work import Rejected

if TYPE_CHECKING:
    from engine.compute.cluster import Compute
    from engine.desk import Desk
    from engine.history.history import History
    from engine.search.analysis import Analysis
    from engine.search.identify import Progress
    from engine.search.space import Space
    from state.runs import RunRow


class Obey(Protocol):
    """Raise Halted or Cancelled between two pieces of work when somebody asked for that."""

    def __call__(self, point: str = "checkpoint") -> None:
        """Look once; `point` "end" lies between two whole steps."""


class Searching:
    """Searches with what lies on the desk."""

    def __init__(self, desk: Desk, obey: Obey) -> None:
        """Take the desk."""
        self._desk, self._obey = desk, obey

    async def identified(self, run: RunRow, history: History, compute: Compute, *, search: bool) -> Analysis:
        """Return the verdict for the run: searched now, or the last one where nothing asks for a new search."""
        if not search:
            known = self._desk.shelf.last_analysis(since(run))
            if known is not None:
                return known
        try:
            return await self._search(run, history, compute)
        except Skipped as skipped:
            known = self._desk.shelf.last_analysis(since(run))
            if known is None:
                raise Rejected(f"{skipped}: no earlier search of these draws has ended") from skipped
            return known

    async def _search(self, run: RunRow, history: History, compute: Compute) -> Analysis:
        from engine.search.identify import identify

        desk, space = self._desk, self._desk.space()
        mark = fingerprint(
            history.digest, space.families, space.mappings or ("native",), space.model_dump(mode="json")
        )
        if desk.fingerprints.find(mark) is not None:
            known = desk.shelf.analysis(mark)
            if known is not None and known.stopped_by in ("found", "exhausted"):
                return known
        self._step_one(run)
        try:
            async with gpu_phase(desk, f"search {run.id}"):
                analysis = await identify(
                    history,
                    space,
                    compute,
                    desk.journal,
                    run=run.id,
                    progress=self._searching,
                    under=f"{mark[:16]}|",
                )
                # Raised here: nobody waits for a model to load before the halt is reached.
                if analysis.stopped_by == "halt" and desk.board.skip is not None:
                    raise Skipped(f"step {desk.board.skip} is skipped")
                if analysis.stopped_by == "halt":
                    raise Halted(f"{run.id}: halted while searching; finished chunks are recorded")
        finally:
            desk.board.search = desk.board.step = None
        self._publish_verdict(mark, run, history, space, analysis)
        return analysis

    def _step_one(self, run: RunRow) -> None:
        """Say that step 1 runs: what it looks for among windows is searched first, and takes the longest."""
        self._desk.board.step = StepAt("1", 0, 0, time.monotonic(), "plans the search")
        self._desk.journal.runs.step(run.id, "1", "running")

    def _publish_verdict(
        self, mark: str, run: RunRow, history: History, space: Space, analysis: Analysis
    ) -> None:
        self._desk.shelf.keep_analysis(mark, analysis, history.digest)
        told = verdict_record(analysis, self._desk.board.last_search, run.id, mark, since(run))
        tried = Tried(
            fingerprint=mark, data=history.digest, families=space.families, mappings=space.mappings or ("native",),
            parameters=space.model_dump(mode="json"), outcome=analysis.verdict, run=run.id,
        )  # fmt: skip
        with self._desk.journal.transaction():
            self._desk.journal.append(VERDICT, told)
            self._desk.fingerprints.record(tried)

    def _searching(self, at: Progress) -> None:
        names = SearchAt.__dataclass_fields__
        board = self._desk.board
        board.search = board.last_search = SearchAt(**{name: getattr(at, name) for name in names})
        if board.step is not None:
            board.step = replace(
                board.step, done=at.cells_done, total=at.cells, left=at.eta, best=at.best_bits, null=at.null_bits,
                note="cells searched",
            )  # fmt: skip
        self._obey()


def since(run: RunRow) -> int:
    """Return the first draw of the epoch that a run is about."""
    return int(run.spec.get("since", 0))
