"""Looks at what a step left behind, on disk and on the record, and runs the detectors that need no knowledge of the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from engine.watcher import anomaly
from engine.watcher.evaluation import EvidenceRow, Finding
from state.errors import ArtifactRefused

if TYPE_CHECKING:
    from state.artifacts import ArtifactRef, ArtifactStore
    from state.journal import Journal

FINISHED = "step.finished"
LOOKED_BACK = 60
LONG_ENOUGH = 1.0
"""Shorter steps may take equally many milliseconds by chance."""
TELLING_NUMBERS = 3


class Outcome(Protocol):
    """What a step answers, as far as an inspection reads it."""

    step: str
    artifacts: list[ArtifactRef]
    evidence: list[EvidenceRow]
    seconds: float

    @property
    def status(self) -> str:
        """Return done, skipped or failed."""


class Inspector:
    """Inspects outcomes over one artifact store and one journal."""

    def __init__(
        self, artifacts: ArtifactStore, journal: Journal, code: Callable[[], str] | None = None
    ) -> None:
        """Remember where to look; `code()` returns the revision that runs now."""
        self._artifacts, self._journal, self._code = artifacts, journal, code

    def __call__(self, outcome: Outcome) -> list[Finding]:
        """Return what the detectors find."""
        found = [finding for ref in outcome.artifacts for finding in self._artifact(ref, outcome)]
        return [*found, *self._repeats(outcome)]

    def _artifact(self, ref: ArtifactRef, outcome: Outcome) -> Iterator[Finding]:
        lost = anomaly.link(ref.path) or anomaly.gone(ref.path)
        if lost is not None:
            yield lost
            return
        yield from self._other_code(ref)
        if outcome.status == "done":
            yield from self._older_than_inputs(ref)

    def _other_code(self, ref: ArtifactRef) -> Iterator[Finding]:
        """Compare the revision that made an artifact with the one that runs; what has no lineage is named elsewhere."""
        if self._code is None:
            return
        try:
            found = anomaly.other_code(ref.name, self._artifacts.lineage(ref.name).code, self._code())
        except ArtifactRefused:
            return
        if found is not None:
            yield found

    def _older_than_inputs(self, ref: ArtifactRef) -> list[Finding]:
        """Compare times of files: what a step has just written cannot be older than what it read."""
        try:
            inputs = self._artifacts.lineage(ref.name).inputs
        except ArtifactRefused as refused:
            return [Finding(code="artifact.gone", level="fail", text=str(refused))]
        paths = {name: self._artifacts.directory / name for name in inputs}
        times = {name: path.stat().st_mtime for name, path in paths.items() if path.is_file()}
        return anomaly.stale(ref.name, ref.path.stat().st_mtime, times)

    def _repeats(self, outcome: Outcome) -> list[Finding]:
        """Compare with the executions before: other runs that took exactly as long, or found exactly the same."""
        if outcome.status != "done" or outcome.seconds < LONG_ENOUGH:
            return []
        before = self._executions(outcome.step)
        runs = [(round(outcome.seconds, 3), _numbers(outcome.evidence))] + [
            (data["seconds"], _numbers([EvidenceRow.model_validate(row) for row in data["evidence"]]))
            for data in before
        ]
        last = runs[: anomaly.ENOUGH_REPEATS]
        found = anomaly.repeated_episodes([seconds for seconds, _ in last], [])
        return [one.model_copy(update={"level": "warn"}) for one in found] + _same_numbers(last)

    def _executions(self, step: str) -> list[dict[str, Any]]:
        """Return the newest executions of a step in other runs, newest first; its own record is the first of all."""
        events = self._journal.newest([FINISHED], LOOKED_BACK)
        done = [one.data for one in events if one.data["step"] == step and one.data["status"] == "done"]
        return done[1 : anomaly.ENOUGH_REPEATS]


def _numbers(evidence: list[EvidenceRow]) -> tuple[float, ...]:
    """Return the fractional numbers: counts and shares of 1 may well repeat, long fractions do not."""
    return tuple(
        row.value for row in evidence if isinstance(row.value, float) and not float(row.value).is_integer()
    )


def _same_numbers(runs: list[tuple[float, tuple[float, ...]]]) -> list[Finding]:
    numbers = {found for _, found in runs}
    if len(runs) < anomaly.ENOUGH_REPEATS or len(numbers) > 1 or len(runs[0][1]) < TELLING_NUMBERS:
        return []
    text = f"{len(runs)} executions in a row found exactly the same {len(runs[0][1])} numbers: new data may not arrive"
    return [Finding(code="episodes.metrics", level="warn", text=text)]
