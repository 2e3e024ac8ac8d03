"""A person's word against a decision: recorded with who and why, and carried out by a request like any other work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.dispatch.approvals import Approvals, said
from engine.errors import UsageError
from engine.watcher.decision import Human
from engine.watcher.record import operator_entry
from engine.watcher.review import spoken

if TYPE_CHECKING:
    from engine.watcher.policies import Policies
    from engine.watcher.steps import Escalated
    from state.approvals import ApprovalRow
    from state.decisions import DecisionRow
    from state.journal import Journal
    from state.requests import RequestRow

ESCALATION = "escalation"
ARG = "overrule"
ACTIONS = ("PROCEED", "RETRY", "ESCALATE")


class Overrules:
    """Asks a person about escalations, and turns the answer into work."""

    def __init__(self, journal: Journal, approvals: Approvals, policies: Callable[[], Policies]) -> None:
        """Answer to questions about escalations from now on."""
        self._journal, self._approvals, self._policies = journal, approvals, policies
        approvals.effects[ESCALATION] = self._answered

    def escalated(self, request: RequestRow, escalated: Escalated) -> bool:
        """Ask whether the work may go on all the same; return whether the room halts until somebody resumes it."""
        policies = self._policies()
        if policies.approvals.escalations:
            decision = self._journal.decisions.get(escalated.decision)
            words = [said("advisor", line) for line in spoken(self._journal, f"d-{decision.id}")]
            self._approvals.ask(
                ESCALATION,
                f"d-{decision.id}",
                f"step {decision.step} of {request.id} ({request.kind}): {decision.reason}"[:400],
                key=f"decision:{decision.id}",
                diff=[{"name": f"step {decision.step}", "before": "ESCALATE", "after": "PROCEED"}],
                evidence=[*decision.evidence, *words],
                cause=f"d-{decision.id}",
            )
        return policies.halt_on_escalate

    def overrule(self, number: int, action: str, *, by: str, why: str) -> dict[str, Any]:
        """Overrule a decision; return the operator's entry and the request that carries it out, if any."""
        if action not in ACTIONS:
            raise UsageError(f"overrule {number}: {action!r} is no action; actions are {', '.join(ACTIONS)}")
        if not why.strip():
            raise UsageError(f"overrule {number}: needs a reason: --reason WHY")
        row = self._journal.decisions.get(number)
        if row.request is None or row.action not in ACTIONS or row.source == "human":
            raise UsageError(
                f"decision {number}: is a person's entry; only the watcher's decisions can be overruled"
            )
        if row.action == action:
            raise UsageError(f"decision {number}: is {action} already; there is nothing to overrule")
        asked = self._journal.approvals.by_key(f"decision:{number}")
        if asked is not None and asked.state == "open":
            return self._through(asked, action, by, why)
        with self._journal.transaction():
            return self._carried_out(row, action, by, why)

    def _through(self, asked: ApprovalRow, action: str, by: str, why: str) -> dict[str, Any]:
        """Answer the open question about this decision; anything but PROCEED is a no, with its own follow-up."""
        if action == "PROCEED":
            self._approvals.approve(asked.id, by=by, why=why)
            return self._last(asked.subject)
        row = self._journal.decisions.get(int(asked.subject.removeprefix("d-")))
        with self._journal.transaction():
            self._approvals.reject(asked.id, by=by, why=why)
            return self._carried_out(row, action, by, why)

    def _last(self, subject: str) -> dict[str, Any]:
        entry = max(one.id for one in self._journal.decisions.caused_by(subject))
        request = self._journal.requests.by_key(_key(entry))
        return {"decision": entry, "request": request and request.id}

    def _carried_out(self, row: DecisionRow, action: str, by: str, why: str) -> dict[str, Any]:
        entry = operator_entry(
            self._journal,
            action,
            f"overrules {row.action} of decision {row.id}: {why}",
            by,
            step=row.step,
            rule=f"overrules {row.id}",
            signal=row.primary_signal,
            evidence=row.evidence,
            changes=[
                {"name": f"step {row.step}", "before": row.action, "after": action, "who": by, "why": why}
            ],
            run=row.run,
            request=row.request,
            cause=row.subject,
        )
        return {"decision": entry, "request": self._work(row, action, entry, by, why)}

    def _work(self, row: DecisionRow, action: str, entry: int, by: str, why: str) -> str | None:
        """Ask for the work: the same request again under the person's word, or that one step again; nothing for a stop."""
        if action == "ESCALATE" or row.request is None:
            return None
        before = self._journal.requests.get(row.request)
        kind, args = (before.kind, {**before.args, ARG: entry})
        if action == "RETRY":
            kind, args = "step_force", {"step": row.step}
        asked = self._journal.requests.enqueue(
            kind,
            args,
            origin=f"operator {by}"[:100],
            priority=before.priority,
            key=_key(entry),
            cause=f"d-{entry}",
            why=f"overrules decision {row.id}: {why}"[:400],
        )
        return asked.id

    def _answered(self, asked: ApprovalRow, entry: int | None) -> None:
        """After an approval the work goes on; the approval's own entry is the person's word."""
        if asked.state != "approved" or entry is None:
            return
        row = self._journal.decisions.get(int(asked.subject.removeprefix("d-")))
        self._work(row, "PROCEED", entry, str(asked.by), asked.why)


def overruled(journal: Journal, request: RequestRow) -> Mapping[str, Human]:
    """Return, by step, the person's word that a request carries; it names an operator's entry on the record."""
    number = request.args.get(ARG)
    if not isinstance(number, int) or isinstance(number, bool):
        return {}
    entry = journal.decisions.get(number)
    about_decision = (entry.cause or "").startswith("d-")
    if entry.source != "human" or entry.action != "PROCEED" or not about_decision:
        raise UsageError(f"{request.id}: decision {number} is no operator's PROCEED")
    about = journal.decisions.get(int(str(entry.cause).removeprefix("d-")))
    return {about.step: Human(decision=number, signal=about.primary_signal, by=str(entry.changes[0]["who"]))}


def _key(entry: int) -> str:
    return f"overrule:{entry}"
