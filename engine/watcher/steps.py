"""Run pipeline steps one by one under judgement: PROCEED goes on, RETRY changes something, ESCALATE ends the run."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from engine import logs
from engine.errors import MimicryError
from engine.llm.advisor import Advisor, NoAdvisor
from engine.llm.context import ContextBundle, build_llm_context
from engine.llm.documents import parts_of
from engine.parameters import Registry, Value
from engine.watcher.decision import Case, Decision, Fault, Human, decide
from engine.watcher.evaluation import EvidenceRow, Finding
from engine.watcher.policies import Policies, StepPolicy
from engine.watcher.record import record_decision, recorded_cases
from engine.watcher.retry import Budget, possible_moves
from engine.watcher.review import ESCALATION, review

if TYPE_CHECKING:
    from state.artifacts import ArtifactRef
    from state.journal import Journal

logger = logging.getLogger("mimicry.watcher")
RAISED = "step."
LARGEST_DOCUMENT = 16 << 20  # bytes
FAULTS: Mapping[str, str] = {
    "step.TaskFailed": "worker",
    "step.EnvironmentFault": "environment",
    "step.BadInput": "bad_input",
    "step.UsageError": "bad_input",
    "step.SchemaRefused": "bad_input",
    "step.TooFewDraws": "bad_input",
}


class Escalated(MimicryError):
    """A decision was ESCALATE: a person must look; `decision` is its number."""

    def __init__(self, decision: int, step: str, reason: str) -> None:
        """Name the decision, the step and the reason."""
        super().__init__(
            f"step {step}: {reason} (decision {decision}; `mimicry explain {decision}` shows why)"
        )
        self.decision, self.step, self.reason = decision, step, reason


class Outcome(Protocol):
    """What a step answers; `engine.pipeline.context.StepOutcome`."""

    step: str
    artifacts: list[ArtifactRef]
    evidence: list[EvidenceRow]
    findings: list[Finding]
    metrics: dict[str, Any]
    seconds: float
    note: str

    @property
    def status(self) -> str:
        """Return done, skipped or failed."""


RunStep = Callable[[str, Mapping[str, Value]], Awaitable[Outcome]]
"""Run one step with parameter values that differ from the room's, by registered name."""


@dataclass
class Judge:
    """Judges the steps of one request; holds its retry budget and the parameters that its retries changed."""

    journal: Journal
    policies: Policies
    registry: Registry
    advisor: Advisor
    values: Mapping[str, Value]
    request: str
    run: str
    inspect: Callable[[Outcome], list[Finding]] = lambda outcome: []
    known: Callable[[str], Mapping[str, Any]] = lambda step: {}
    """What the room knows beside a step's own documents, for the advisor."""
    overruled: Mapping[str, Human] = field(default_factory=dict)
    changed: dict[str, Value] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    _made: dict[str, tuple[int, Case]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take up what this run decided before a halt or a crash: retries used, parameters changed, steps settled."""
        for number, case, row in recorded_cases(self.journal, self.run):
            self._made[row.step] = (number, case)
            if row.action == "RETRY":
                self.used[row.step] = self.used.get(row.step, 0) + 1
                self.changed |= {change["name"]: change["after"] for change in row.changes}

    async def steps(
        self, steps: Sequence[str], run_step: RunStep, tell: Callable[[str, Outcome | None], None]
    ) -> list[Decision]:
        """Run and judge steps in order; raise Escalated at the first that a person must look at.

        `tell(step, None)` is called when a step begins, `tell(step, outcome)` when it has ended.
        """
        decisions = []
        for step in steps:
            with logs.bound(step=step):
                decisions.append(await self._until_settled(step, run_step, tell))
        return decisions

    async def _until_settled(
        self, step: str, run_step: RunStep, tell: Callable[[str, Outcome | None], None]
    ) -> Decision:
        self._still_escalated(step)
        while True:
            tell(step, None)
            outcome = await run_step(step, dict(self.changed))
            decision, number = await self.judge(outcome)
            tell(step, outcome)
            if decision.action == "PROCEED":
                return decision
            if decision.action == "ESCALATE":
                raise Escalated(number, step, decision.reason)
            for move in decision.parameter_changes:
                self.changed[move.name] = move.after
            self.used[step] = self.used.get(step, 0) + 1

    def _still_escalated(self, step: str) -> None:
        """Escalate again where a crash came between the decision and its consequence; it is not decided twice."""
        number, case = self._made.get(step, (0, None))
        if case is not None and (decision := decide(case)).action == "ESCALATE":
            raise Escalated(number, step, decision.reason)

    async def judge(self, outcome: Outcome) -> tuple[Decision, int]:
        """Decide on one outcome, ask the advisor, put it on the record; a step settled before is not decided twice."""
        settled = self._settled(outcome)
        if settled is not None:
            return settled
        begun = time.monotonic()
        case = self.case(outcome)
        code = decide(case)
        if code.source == "rule":
            case = await self._advised(case, code, outcome)
        decision = decide(case, latency_ms=_ms(begun))
        number = record_decision(self.journal, decision)
        self._made[outcome.step] = (number, case)
        with logs.bound(decision=f"d-{number}"):
            logger.info("step %s: %s (%s): %s", outcome.step, decision.action, decision.rule, decision.reason)
        if decision.action == "ESCALATE" and not isinstance(self.advisor, NoAdvisor):
            parts = _parts(case, code, await asyncio.to_thread(self._written, outcome))
            await review(self.advisor, self.journal, ESCALATION, parts, about=f"d-{number}", by="watcher")
        return decision, number

    def _settled(self, outcome: Outcome) -> tuple[Decision, int] | None:
        """Return the decision of this run on exactly these artifacts, where it was PROCEED."""
        number, case = self._made.get(outcome.step, (0, None))
        if case is None or outcome.status != "skipped" or not outcome.artifacts:
            return None
        decision = decide(case)
        same = case.artifacts == {ref.path.name: ref.sha256 for ref in outcome.artifacts}
        return (decision, number) if same and decision.action == "PROCEED" else None

    async def _advised(self, case: Case, code: Decision, outcome: Outcome) -> Case:
        asked = time.monotonic()
        silent = isinstance(self.advisor, NoAdvisor)  # nobody reads a prompt: no file is opened for one
        written = {} if silent else await asyncio.to_thread(self._written, outcome)
        advice = await self.advisor.advise(_bundle(case, code, written))
        return case.model_copy(update={"advice": advice, "advice_ms": _ms(asked)})

    def _written(self, outcome: Outcome) -> dict[str, Any]:
        return {
            **parts_of(outcome.step, _documents(outcome), outcome.metrics),
            **self.known(outcome.step),
        }

    def case(self, outcome: Outcome) -> Case:
        """Gather everything the decision may rest on."""
        policy = self.policies.step(outcome.step)
        values = {**self.values, **self.changed}
        fault = _fault(outcome)
        findings = [*outcome.findings, *self.inspect(outcome)]
        return Case(
            step=outcome.step,
            run=self.run,
            request=self.request,
            evidence=(*outcome.evidence, *_thresholds(policy, outcome)),
            findings=tuple(
                _strict(one, self.policies)
                for one in findings
                if fault is None or not one.code.startswith(RAISED)
            ),
            fault=fault,
            required=policy.required,
            moves=possible_moves(policy, values, self.registry),
            budget=Budget(
                step_used=self.used.get(outcome.step, 0),
                step_limit=policy.retries,
                total_used=sum(self.used.values()),
                total_limit=self.policies.total_retries,
            ),
            parameters=dict(values),
            artifacts={ref.path.name: ref.sha256 for ref in outcome.artifacts},
            seconds=round(outcome.seconds, 3),
            human=self.overruled.get(outcome.step),
            policies=self.policies.digest(),
        )

    def retries(self) -> int:
        """Return how many retries this request has used."""
        return sum(self.used.values())


def _thresholds(policy: StepPolicy, outcome: Outcome) -> list[EvidenceRow]:
    """Return the operator's own limits as evidence rows; a number that is not there is missing, not met."""
    values = {row.metric: row.value for row in outcome.evidence}
    return [
        EvidenceRow(
            metric=one.metric, value=values.get(one.metric), op=one.op, limit=one.limit, note="policy"
        )
        for one in policy.thresholds
    ]


def _strict(finding: Finding, policies: Policies) -> Finding:
    """Return the finding, failing where the policy says that this detector's warnings fail."""
    return finding.model_copy(update={"level": "fail"}) if finding.code in policies.fail_on else finding


def _ms(since: float) -> float:
    return round((time.monotonic() - since) * 1e3, 3)


def _fault(outcome: Outcome) -> Fault | None:
    """Return why a step did not finish: the error it raised, recorded as a `step.*` finding."""
    raised = next((one for one in outcome.findings if one.code.startswith(RAISED)), None)
    if raised is None:
        return None
    kind = FAULTS.get(raised.code)
    if kind is None:
        return None
    return Fault.model_validate({"kind": kind, "text": raised.text})


def _documents(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Read what the step wrote for people and programs as JSON, by file name; the larger tables are left out."""
    return {
        ref.path.name: json.loads(ref.path.read_bytes())
        for ref in outcome.artifacts
        if ref.path.suffix == ".json" and ref.path.stat().st_size <= LARGEST_DOCUMENT
    }


def _bundle(case: Case, code: Decision, written: Mapping[str, Any]) -> ContextBundle:
    return build_llm_context("agent_decision", _parts(case, code, written))


def _parts(case: Case, code: Decision, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an advisor is told of a step."""
    return {
        **written,
        "request": {"step": case.step, "run": case.run, "request": case.request, "seconds": case.seconds},
        "evidence": [row.line() for row in case.evidence],
        "findings": [f"{one.level} {one.code}: {one.text}"[:200] for one in case.findings[:20]],
        "code_decision": f"{code.action} ({code.rule}): {code.reason}"[:300],
        "parameters": dict(case.parameters),
    }
