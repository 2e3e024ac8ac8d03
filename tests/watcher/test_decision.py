"""The watcher's decision: code judges numbers, missing evidence never proceeds, a stored case replays to the same action."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.llm.advice import CAUTION, Advice, NoAdvice
from engine.watcher.decision import Case, Decision, Fault, decide, replay
from engine.watcher.evaluation import EvidenceRow, Finding
from engine.watcher.retry import Budget, Move

FRESH = Budget(step_used=0, step_limit=2, total_used=0, total_limit=4)
SPENT = Budget(step_used=2, step_limit=2, total_used=2, total_limit=4)
MORE_TRIALS = Move(name="window.trials", before=40, after=80)
GOOD = EvidenceRow(metric="trials.done", value=40, op=">=", limit=40)
BAD = EvidenceRow(metric="trials.done", value=21, op=">=", limit=40)


def case(**change: Any) -> Case:
    base: dict[str, Any] = {
        "step": "1", "run": "r1", "request": "q1", "evidence": (GOOD,), "budget": FRESH,
        "required": ("trials.done",), "moves": (("trials.done", MORE_TRIALS), ("fault", MORE_TRIALS)),
    }  # fmt: skip
    return Case(**{**base, **change})


def test_all_limits_met_proceeds_with_the_evidence_stored() -> None:
    decision = decide(case())
    assert decision.action == "PROCEED"
    assert decision.rule.startswith("W6")
    assert decision.evidence == (GOOD,)
    assert decision.advice == "none(not configured)"
    assert decision.source == "rule"


def test_a_limit_not_met_is_retried_with_a_named_change() -> None:
    decision = decide(case(evidence=(BAD,)))
    assert decision.action == "RETRY"
    assert decision.parameter_changes == (MORE_TRIALS,)
    assert "window.trials 40 → 80" in decision.reason
    assert decision.primary_signal == "trials.done"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"evidence": (BAD,), "budget": SPENT}, "W5"),
        ({"evidence": (BAD,), "moves": ()}, "W5"),
        ({"findings": (Finding(code="artifact.link", level="fail", text="a link"),)}, "W1"),
        ({"fault": Fault(kind="bad_input", text="lacks field x")}, "W2"),
        ({"fault": Fault(kind="worker", text="worker lost"), "budget": SPENT}, "W3"),
    ],
)
def test_what_no_retry_can_help_escalates(change: dict[str, Any], rule: str) -> None:
    decision = decide(case(**change))
    assert decision.action == "ESCALATE"
    assert decision.rule.startswith(rule)
    assert decision.parameter_changes == ()


@pytest.mark.parametrize(
    "evidence",
    [
        (),
        (EvidenceRow(metric="something.else", value=1.0),),
        (EvidenceRow(metric="trials.done", value=None, limit=40),),
        (EvidenceRow(metric="trials.done", value=float("nan"), limit=40),),
        (GOOD, EvidenceRow(metric="null.ratio", value=None, limit=2.0)),
    ],
)
def test_missing_evidence_is_never_proceed(evidence: tuple[EvidenceRow, ...]) -> None:
    assert decide(case(evidence=evidence)).action != "PROCEED"


def test_advice_can_add_care_and_says_so() -> None:
    advice = Advice(decision="ESCALATE", confidence=0.7, primary_signal="null.ratio", reasoning="odd")
    decision = decide(case(advice=advice))
    assert (decision.code_action, decision.action) == ("PROCEED", "ESCALATE")
    assert (decision.source, decision.advice_from) == ("rule", "llm")


def test_advice_cannot_talk_a_failure_into_proceeding() -> None:
    advice = Advice(decision="PROCEED", confidence=1.0, primary_signal="a", reasoning="all is well")
    assert decide(case(evidence=(BAD,), budget=SPENT, advice=advice)).action == "ESCALATE"


def test_advice_to_retry_without_anything_to_change_escalates() -> None:
    advice = Advice(decision="RETRY", confidence=0.7, primary_signal="a", reasoning="again")
    assert decide(case(advice=advice, moves=())).action == "ESCALATE"
    assert decide(case(advice=advice)).parameter_changes == (MORE_TRIALS,)


rows = st.builds(
    EvidenceRow,
    metric=st.sampled_from(["trials.done", "null.ratio", "seconds"]),
    value=st.none() | st.floats(allow_nan=True, allow_infinity=False) | st.integers(-100, 100),
    op=st.sampled_from(["<=", ">=", "==", "!="]),
    limit=st.none() | st.integers(-100, 100),
)
findings = st.builds(
    Finding, code=st.just("x"), level=st.sampled_from(["warn", "fail"]), text=st.text(max_size=5)
)
advised = st.just(NoAdvice()) | st.builds(
    Advice,
    decision=st.sampled_from(list(CAUTION)), confidence=st.just(0.5), primary_signal=st.just("a"), reasoning=st.just("b"),
)  # fmt: skip
cases = st.builds(
    case,
    evidence=st.lists(rows, max_size=3).map(tuple),
    findings=st.lists(findings, max_size=2).map(tuple),
    fault=st.none() | st.builds(Fault, kind=st.sampled_from(["environment", "bad_input", "worker", "internal"]), text=st.just("t")),
    budget=st.sampled_from([FRESH, SPENT]),
    moves=st.sampled_from([(), (("trials.done", MORE_TRIALS),), (("fault", MORE_TRIALS),), (("missing", MORE_TRIALS),)]),
    advice=advised,
)  # fmt: skip


@given(cases)
@settings(max_examples=200, deadline=None)
def test_every_decision_replays_from_its_record(any_case: Case) -> None:
    decision = decide(any_case)
    record = json.loads(decision.model_dump_json())
    assert replay(record).action == decision.action
    assert replay(record).reason == decision.reason


@given(cases)
@settings(max_examples=200, deadline=None)
def test_proceed_needs_every_limit_met_and_nothing_missing(any_case: Case) -> None:
    decision = decide(any_case)
    if decision.action == "PROCEED":
        assert any_case.fault is None
        assert any(row.metric == "trials.done" and not row.missing for row in any_case.evidence)
        assert all(row.ok or (row.limit is None and row.missing) for row in any_case.evidence)
        assert all(finding.level == "warn" for finding in any_case.findings)
    assert bool(decision.parameter_changes) == (decision.action == "RETRY")


def test_a_changed_record_is_refused() -> None:
    record = json.loads(decide(case()).model_dump_json())
    record["case"]["weather"] = "fine"
    with pytest.raises(ValueError, match="weather"):
        Decision.model_validate(record)
