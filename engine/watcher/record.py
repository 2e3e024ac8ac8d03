"""Put decisions on the record with the whole case they rest on, and decide a recorded one again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.watcher.decision import Case, Decision, decide
from engine.watcher.evaluation import EvidenceRow

if TYPE_CHECKING:
    from state.decisions import DecisionRow
    from state.journal import Journal

CASE = "decision.case"
HUMAN = "human"


def record_decision(journal: Journal, decision: Decision, *, cause: str | None = None) -> int:
    """Store a decision and its case in one transaction; return the decision's number."""
    with journal.transaction() as tx:
        number = journal.decisions.add(
            step=decision.step,
            action=decision.action,
            reason=decision.reason,
            source=decision.source,
            rule=decision.rule,
            evidence=[_row(row) for row in decision.evidence],
            advice=decision.advice,
            confidence=decision.confidence,
            primary_signal=decision.primary_signal,
            changes=[
                {
                    "name": move.name,
                    "before": move.before,
                    "after": move.after,
                    "who": "watcher",
                    "why": decision.reason,
                }
                for move in decision.parameter_changes
            ],
            run=decision.run,
            request=decision.request,
            cause=cause or decision.request,
        )
        tx.event(
            CASE, {"decision": f"d-{number}", "latency_ms": decision.latency_ms, "case": plain(decision.case)}
        )
    return number


def operator_entry(
    journal: Journal,
    action: str,
    reason: str,
    by: str,
    *,
    step: str = "-",
    rule: str = "-",
    signal: str = "",
    evidence: Sequence[Mapping[str, Any]] = (),
    changes: Sequence[Mapping[str, Any]] = (),
    run: str | None = None,
    request: str | None = None,
    cause: str | None = None,
) -> int:
    """Put what a person decided beside the watcher's decisions: who, why, on what; return its number."""
    return journal.decisions.add(
        step=step,
        action=action,
        reason=f"{reason} ({by})",
        source=HUMAN,
        rule=rule,
        primary_signal=signal,
        evidence=evidence,
        changes=changes,
        advice="none(not asked)",
        run=run,
        request=request,
        cause=cause,
    )


def replay_recorded(journal: Journal, number: int) -> Decision:
    """Decide decision `number` again from its stored case alone; BadInput if no case was stored."""
    case = _case_of(journal, number)
    if case is not None:
        return decide(case)
    raise BadInput(f"decision {number}: no case is stored with it (operator decisions have none)")


def recorded_cases(journal: Journal, run: str) -> list[tuple[int, Case, DecisionRow]]:
    """Return a run's decisions on steps with their cases, oldest first."""
    found = []
    for row in journal.decisions.of_run(run):
        case = _case_of(journal, row.id)
        if case is not None:
            found.append((row.id, case, row))
    return found


def _case_of(journal: Journal, number: int) -> Case | None:
    for event in journal.story(f"d-{number}", role="decision"):
        if event.kind == CASE:
            return Case.model_validate(event.data["case"])
    return None


def plain(case: Case) -> dict[str, Any]:
    """Return a case as plain JSON; numbers that are not finite become null, which is just as missing."""
    data: dict[str, Any] = json.loads(case.model_dump_json())
    return data


def _row(row: EvidenceRow) -> dict[str, Any]:
    return {
        "metric": row.metric,
        "value": None if row.missing else row.value,
        "op": row.op,
        "limit": row.limit,
        "ok": row.ok,
        "note": row.note,
    }
