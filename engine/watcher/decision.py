"""One decision from one stored case: a table of rules over numbers, so the same record always gives the same action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from engine.llm.advice import Action, Advised, NoAdvice, more_careful
from engine.parameters import Value
from engine.watcher.evaluation import Evaluation, EvidenceRow, Finding, Record, evaluate
from engine.watcher.retry import Budget, Move, choose_move

SCHEMA = "decision/1"


class Fault(Record):
    """Why a step did not finish."""

    kind: Literal["environment", "bad_input", "worker", "internal"]
    text: str


class Human(Record):
    """A person's word on an escalation: decision `decision` says that step's `signal` is no reason to stop."""

    decision: int
    signal: str
    by: str


class Case(Record):
    """Everything a decision rests on. Nothing else may be consulted: that is what makes it replayable."""

    step: str
    run: str
    request: str
    evidence: tuple[EvidenceRow, ...]
    findings: tuple[Finding, ...] = ()
    fault: Fault | None = None
    required: tuple[str, ...] = ()
    moves: tuple[tuple[str, Move], ...] = ()
    budget: Budget
    parameters: dict[str, Value] = Field(default_factory=dict)
    artifacts: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    advice: Advised = NoAdvice()
    advice_ms: float = 0.0
    human: Human | None = None
    policies: str = ""


class Decision(Record):
    """The verdict on one step, with the case it rests on."""

    schema_: Literal["decision/1"] = Field(default="decision/1", alias="schema")
    step: str
    run: str
    request: str
    action: Action
    code_action: Action
    confidence: float = Field(ge=0, le=1)
    reason: str
    primary_signal: str
    parameter_changes: tuple[Move, ...]
    warnings: tuple[str, ...]
    rule: str
    source: Literal["rule", "human"]
    advice: str
    advice_from: str
    advice_ms: float
    evidence: tuple[EvidenceRow, ...]
    latency_ms: float
    case: Case
    model_config = {"extra": "forbid", "frozen": True, "populate_by_name": True, "serialize_by_alias": True}


@dataclass(frozen=True)
class Ruling:
    """What one rule says about one case."""

    action: Action
    signal: str
    reason: str
    move: Move | None = None


@dataclass(frozen=True)
class Rule:
    """One row of the table: the first rule that speaks decides."""

    id: str
    confidence: float
    speak: Callable[[Case, Evaluation], Ruling | None]


def decide(case: Case, *, latency_ms: float = 0.0) -> Decision:
    """Decide one case: first rule that speaks, then the advisor may only make it more careful.

    A person's word on exactly this escalation comes before both; it cannot make up for evidence that is missing.
    """
    seen = evaluate(case.evidence, case.findings, case.required)
    rule, code = _first(case, seen)
    spoken = _overruled(case, code, seen)
    ruling = spoken or _advised(case, code, more_careful(code.action, case.advice))
    rule = OVERRULED if spoken else rule
    return Decision(
        step=case.step,
        run=case.run,
        request=case.request,
        action=ruling.action,
        code_action=code.action,
        confidence=round(max(0.05, rule.confidence - 0.05 * len(seen.warnings)), 2),
        reason=ruling.reason,
        primary_signal=ruling.signal,
        parameter_changes=(ruling.move,) if ruling.move else (),
        warnings=tuple(finding.text for finding in seen.warnings),
        rule=rule.id,
        source="human" if spoken else "rule",
        advice=case.advice.line(),
        advice_from=advice_from(case.advice),
        advice_ms=case.advice_ms,
        evidence=case.evidence,
        latency_ms=latency_ms,
        case=case,
    )


def advice_from(advice: Advised) -> str:
    """Return where advice came from: llm, claude or none."""
    return "none" if isinstance(advice, NoAdvice) else str(getattr(advice, "source", "llm"))


def replay(record: dict[str, Any]) -> Decision:
    """Decide a stored decision again from its case alone."""
    return decide(Decision.model_validate(record).case)


def _first(case: Case, seen: Evaluation) -> tuple[Rule, Ruling]:
    for rule in RULES:
        ruling = rule.speak(case, seen)
        if ruling is not None:
            return rule, ruling
    raise AssertionError("the last rule always speaks")


def _overruled(case: Case, code: Ruling, seen: Evaluation) -> Ruling | None:
    """Return the person's ruling where it answers this escalation and something was measured at all."""
    human = case.human
    if human is None or code.action != "ESCALATE" or human.signal != code.signal:
        return None
    if case.fault is not None or seen.missing:
        return None
    return Ruling("PROCEED", code.signal, f"{human.by} overruled in decision {human.decision}: {code.reason}")


def _advised(case: Case, code: Ruling, action: Action) -> Ruling:
    """Follow a more careful advice; a retry that can change nothing becomes an escalation."""
    if action == code.action:
        return code
    said = f"the code said {code.action} ({code.reason}); the advisor asked for more care"
    if action == "ESCALATE":
        return Ruling("ESCALATE", "advice", said)
    if case.moves and case.budget.left:
        move = case.moves[0][1]
        return Ruling("RETRY", "advice", f"{said}: {move.line()}", move)
    return Ruling("ESCALATE", "advice", f"{said}, and a retry could change nothing")


def _structural(case: Case, seen: Evaluation) -> Ruling | None:
    if not seen.structural:
        return None
    first = seen.structural[0]
    more = f" (and {len(seen.structural) - 1} more)" if len(seen.structural) > 1 else ""
    return Ruling("ESCALATE", first.code, f"{first.text}{more}; repeating the step cannot repair that")


def _refused_input(case: Case, seen: Evaluation) -> Ruling | None:
    if case.fault is None or case.fault.kind != "bad_input":
        return None
    return Ruling("ESCALATE", "fault.bad_input", f"the step refused its input: {case.fault.text}")


def _fault(case: Case, seen: Evaluation) -> Ruling | None:
    if case.fault is None:
        return None
    return _retry(case, ("fault", f"fault.{case.fault.kind}"), f"the step failed: {case.fault.text}")


def _missing(case: Case, seen: Evaluation) -> Ruling | None:
    if not seen.missing:
        return None
    return _retry(case, ("missing", *seen.missing), f"evidence is missing: {', '.join(seen.missing)}")


def _gates(case: Case, seen: Evaluation) -> Ruling | None:
    if not seen.failed:
        return None
    lines = "; ".join(row.line() for row in seen.failed)
    return _retry(case, tuple(row.metric for row in seen.failed), lines)


def _met(case: Case, seen: Evaluation) -> Ruling:
    gated = [row for row in case.evidence if row.limit is not None]
    warned = f", {len(seen.warnings)} warnings" if seen.warnings else ""
    signal = gated[0].metric if gated else case.evidence[0].metric
    return Ruling("PROCEED", signal, f"all {len(gated)} limits met over {len(case.evidence)} numbers{warned}")


def _retry(case: Case, signals: tuple[str, ...], why: str) -> Ruling:
    """Retry if the budget and a registered remedy allow it; otherwise a person must look."""
    signal = signals[-1] if signals[0] in ("fault", "missing") else signals[0]
    if not case.budget.left:
        return Ruling("ESCALATE", signal, f"{why}; no retry is left ({case.budget.line()})")
    move = choose_move(signals, case.moves)
    if move is None:
        return Ruling("ESCALATE", signal, f"{why}; no registered parameter is left to change")
    return Ruling("RETRY", signal, f"{why}; retry with {move.line()}", move)


OVERRULED = Rule("W0 overruled by a person", 1.0, lambda case, seen: None)
RULES: tuple[Rule, ...] = (
    Rule("W1 structural finding", 0.99, _structural),
    Rule("W2 input refused", 0.99, _refused_input),
    Rule("W3 step failed", 0.90, _fault),
    Rule("W4 evidence missing", 0.95, _missing),
    Rule("W5 limit not met", 0.90, _gates),
    Rule("W6 all limits met", 0.95, _met),
)
