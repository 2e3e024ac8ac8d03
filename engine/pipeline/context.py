"""What a step is given and what it answers: the run's context, its progress, its outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import MimicryError, UsageError
from engine.pipeline.parameters import PipelineParameters
from engine.pipeline.seedtree import SeedTree
from engine.watcher.evaluation import EvidenceRow, Finding, Number, Operator

if TYPE_CHECKING:
    from engine.compute.cluster import Compute
    from engine.history.history import History
    from engine.search.space import Space
    from state.artifacts import ArtifactRef, ArtifactStore
    from state.journal import Journal

STEP_IDS: tuple[str, ...] = ("1", "2.5", "3", "4", "5", "6")
STEP_FINISHED = "step.finished"  # the event that holds a step's outcome
Status = Literal["done", "skipped", "failed"]


def normal_steps(steps: Sequence[str]) -> list[str]:
    """Return step ids in order, `2` read as `2.5`; UsageError names an unknown one."""
    wanted = ["2.5" if step == "2" else step for step in steps]
    unknown = [step for step in wanted if step not in STEP_IDS]
    if unknown:
        raise UsageError(f"step {unknown[0]!r} does not exist; steps are {', '.join(STEP_IDS)}")
    return [step for step in STEP_IDS if step in wanted]


class StepRefused(MimicryError):
    """A step's result breaks a rule that later steps rely on: a leak, a lost row, an unread output."""


@dataclass(frozen=True)
class RunContext:
    """One run over one immutable history; every step of it sees the same."""

    history: History
    compute: Compute
    journal: Journal
    artifacts: ArtifactStore
    run: str
    seeds: SeedTree
    parameters: PipelineParameters
    space: Space
    looked: dict[str, set[str]] = field(default_factory=dict)
    """Per artifact, the fields that later steps looked at in this process; the lineage check reads it."""


@dataclass(frozen=True)
class StepProgress:
    """Where a step is: pieces done of all, the best so far and the best of the null twins."""

    step: str
    done: int
    total: int
    note: str = ""
    best: float | None = None
    null: float | None = None


Progress = Callable[[StepProgress], None]


@dataclass
class StepOutcome:
    """A step's answer: what it wrote, what it measured, what the content checks saw."""

    step: str
    status: Status = "done"
    artifacts: list[ArtifactRef] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    evidence: list[EvidenceRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""

    def measure(
        self,
        metric: str,
        value: Number | None,
        op: Operator = ">=",
        limit: Number | None = None,
        note: str = "",
    ) -> None:
        """Add one number for the watcher to judge; without a limit it is reported only."""
        self.evidence.append(EvidenceRow(metric=metric, value=value, op=op, limit=limit, note=note))

    @property
    def ok(self) -> bool:
        """Say whether a later step may read this one's artifacts."""
        return (
            self.status != "failed"
            and all(row.ok for row in self.evidence)
            and not any(finding.level == "fail" for finding in self.findings)
        )

    def record(self) -> dict[str, Any]:
        """Return the outcome as plain JSON, for the journal."""
        return {
            "step": self.step,
            "status": self.status,
            "artifacts": {ref.path.name: ref.sha256 for ref in self.artifacts},
            "metrics": dict(self.metrics),
            "evidence": [row.model_dump(mode="json") for row in self.evidence],
            "findings": [finding.model_dump(mode="json") for finding in self.findings],
            "seconds": round(self.seconds, 3),
            "note": self.note,
        }
