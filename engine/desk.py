"""What the room's services share: the shelf of artifacts, and everything that work is done with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.alerts.book import Book
from engine.board import Board
from engine.status import VERDICT
from state.artifacts import ArtifactStore, Lineage

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.feedback.acceptance import Acceptance
    from engine.feedback.cycle import Cycle
    from engine.feedback.epochs import Epochs
    from engine.feedback.intake import Intake
    from engine.feedback.pools import Pools
    from engine.feedback.reacquirer import Reacquirer
    from engine.halt import Halt
    from engine.history.history import History
    from engine.llm.advisor import Advisor
    from engine.parameters import Parameters
    from engine.pipeline.artifacts import Pool
    from engine.pipeline.scored import Scored
    from engine.replay import Past
    from engine.rigs.fleet import Fleet
    from engine.search.analysis import Analysis
    from engine.search.space import Space
    from engine.selfplay.candidate import Candidate
    from engine.watcher.fingerprints import Fingerprints
    from engine.watcher.policies import Policies
    from engine.workbench import Workbench
    from state.journal import Journal
    from state.requests import RequestRow


class Shelf:
    """The room's artifacts, read back under their contracts; None where one was never written."""

    def __init__(self, state: Path, journal: Journal) -> None:
        """Use `artifacts/` under the state directory."""
        self.artifacts, self._journal = ArtifactStore(state / "artifacts"), journal

    def keep_analysis(self, mark: str, analysis: Analysis, digest: str) -> None:
        """Store an analysis under the fingerprint of what was searched."""
        lineage = Lineage(schema=analysis.schema_, inputs={"history": digest}, run=analysis.run)
        self.artifacts.write_json(analysis_name(mark), analysis.model_dump(mode="json"), lineage)

    def analysis(self, mark: str) -> Analysis | None:
        """Return the analysis with this fingerprint."""
        from engine.search.analysis import Analysis

        if not self.artifacts.exists(analysis_name(mark)):
            return None
        return Analysis.model_validate(self.artifacts.read_json(analysis_name(mark), schema="analysis/1"))

    def last_verdict(self, since: int | None = None) -> dict[str, Any] | None:
        """Return the last published verdict; with `since`, None unless it is about the draws from that one on."""
        event = self._journal.last([VERDICT])
        if event is None or (since is not None and event.data.get("since", 0) != since):
            return None
        return event.data

    def last_analysis(self, since: int) -> Analysis | None:
        """Return the analysis behind the last published verdict on the draws from `since` on."""
        verdict = self.last_verdict(since)
        return None if verdict is None else self.analysis(verdict["fingerprint"])

    def pool(self) -> Pool | None:
        """Return step 6's last pool."""
        from engine.pipeline.artifacts import POOL, Pool

        return Pool.parse(self.artifacts.read_json(POOL), POOL) if self.artifacts.exists(POOL) else None

    def scored(self) -> tuple[Scored, str] | None:
        """Return step 3's last table and its sha-256."""
        from engine.pipeline.artifacts import SCORED
        from engine.pipeline.scored import Scored

        if not self.artifacts.exists(SCORED):
            return None
        ref = self.artifacts.ref(SCORED)
        return Scored.from_bytes(self.artifacts.read_bytes(ref)), ref.sha256

    def keep_candidate(self, candidate: Candidate) -> None:
        """Store a candidate as an artifact; it is judged elsewhere."""
        lineage = Lineage(schema=candidate.schema_, inputs={"scores": candidate.table}, run=candidate.run)
        self.artifacts.write_json(f"{candidate.id}.json", candidate.model_dump(mode="json"), lineage)


@dataclass
class Desk:
    """Everything that work is done with. Services get the desk, never each other."""

    state: Path
    settings: Settings
    journal: Journal
    halt: Halt
    bench: Workbench
    shelf: Shelf
    intake: Intake
    parameters: Parameters
    policies: Policies
    fingerprints: Fingerprints
    advisor: Advisor
    acceptance: Acceptance
    epochs: Epochs
    board: Board = field(default_factory=Board)
    why: Callable[[RequestRow], str] = lambda row: row.why
    held: Callable[[RequestRow], bool] = lambda row: False
    fleet: Fleet | None = None
    _pools: Pools | None = None
    _cycle: Cycle | None = None
    _reacquirer: Reacquirer | None = None
    _space: Space | None = None
    _alerts: Book | None = None
    _past: Past | None = None

    @property
    def alerts(self) -> Book:
        """Return the book of alerts."""
        if self._alerts is None:
            self._alerts = Book(self.journal)
        return self._alerts

    @property
    def past(self) -> Past:
        """Return the room as it was at earlier events."""
        if self._past is None:
            from engine.replay import Past

            self._past = Past(self.journal)
        return self._past

    @property
    def pools(self) -> Pools:
        """Return the holder of the pool in force."""
        if self._pools is None:
            from engine.feedback.pools import Pools

            self._pools = Pools(self.journal, self.intake.store)
        return self._pools

    def cycle(self) -> Cycle:
        """Return the live loop, made with the first draw."""
        if self._cycle is None:
            from engine.feedback.cycle import Cycle

            asked = self.settings.feedback
            self._cycle = Cycle(
                self.journal, self.intake.store, self.pools.reissue, self.epochs,
                false_alarm=asked.false_alarm, cooldown=asked.cooldown_draws,
            )  # fmt: skip
        return self._cycle

    def reacquirer(self, told: Callable[[], None]) -> Reacquirer:
        """Return what looks for a missed stream, made with the first pool; `told()` asks the live loop for a turn."""
        if self._reacquirer is None:
            from engine.feedback.reacquirer import Reacquirer

            self._reacquirer = Reacquirer(
                self.journal, self.intake.store, self.pools, self.bench, self.epochs, self.space, told
            )
        return self._reacquirer

    def publish(self, pool: Pool, since: int) -> bool:
        """Put a pool made from the draws from `since` on in force; False where what is in force stays.

        It stays where the generator changed while the pool was made, and where a stream that still hits would give
        way to a pool that trusts none.
        """
        if since != self.epochs.now.since:
            return False
        if self._reacquirer is not None and self._reacquirer.outranks(pool):
            return False
        self.pools.publish(pool, since)
        return True

    @property
    def searching(self) -> bool:
        """Say whether a missed stream is looked for."""
        return self._reacquirer is not None and self._reacquirer.searching

    def space(self) -> Space:
        """Return the hypothesis space that the settings ask for, at the error rate that this epoch may spend."""
        if self._space is None:
            self._space = _space(self.settings)
        alpha = self.epochs.now.alpha(self._space.alpha)
        return self._space if alpha == self._space.alpha else self._space.model_copy(update={"alpha": alpha})

    def history(self, draws: int, since: int = 0) -> History:
        """Return the draws from `since` on, as they were when `draws` had come."""
        return self.intake.store.snapshot().head(draws).tail(since)


def analysis_name(mark: str) -> str:
    """Return the artifact's name of the analysis with a fingerprint."""
    return f"analysis-{mark[:16]}.json"


def _space(settings: Settings) -> Space:
    from engine.search.ranges import parse_range
    from engine.search.space import Space

    asked = settings.search
    given: dict[str, Any] = {}
    for name, highest in (("seeds", 2**64 - 1), ("starts", 2**20), ("gaps", 2**16)):
        text = getattr(asked, name)
        given[name] = None if text is None else parse_range(text, what=f"search.{name}", highest=highest)
    if settings.history.range is not None:
        span = parse_range(settings.history.range, what="history.range", highest=2**32 - 1)
        given["range"] = (span.lo, span.hi)
    return Space(
        families=asked.families or ("all",),
        mappings=asked.mappings,
        noise=asked.noise,
        alpha=asked.alpha,
        time_limit=asked.time_limit_s,
        **given,
    )
