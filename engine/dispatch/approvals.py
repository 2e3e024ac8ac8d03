"""Questions to a person: which requests wait for one is policy; an answer, or the lack of one, has its effect exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.status import ALERT
from engine.watcher.record import HUMAN, operator_entry

if TYPE_CHECKING:
    from engine.watcher.policies import Policies
    from state.approvals import ApprovalRow
    from state.journal import Journal
    from state.requests import RequestRow

REQUEST = "request"
CLOCK, QUEUE = "the clock", "the queue"
ANSWERS = {"approved": "PROCEED", "rejected": "ESCALATE"}
Effect = Callable[["ApprovalRow", int | None], None]
"""What follows an answer: the question as closed, and the number of the operator's entry (None: it lapsed)."""


class Approvals:
    """The open questions of one journal. Register an effect for each kind of question under `effects`."""

    def __init__(self, journal: Journal, policies: Callable[[], Policies]) -> None:
        """`policies()` returns the policies in force."""
        self._journal, self._policies = journal, policies
        self.effects: dict[str, Effect] = {REQUEST: self._answer_request}

    # -- asking -----------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let questions lapse whose time is over, and ask about waiting requests that a rule covers."""
        for row in self._journal.approvals.waiting():
            if row.left() <= 0:
                self._close(row, "expired", CLOCK, f"nobody answered until {row.expires}")
            elif row.kind == REQUEST and self._journal.requests.get(row.subject).terminal:
                self._journal.approvals.close(row.id, "withdrawn", by=QUEUE, why="its request has ended")
        for request in self._journal.requests.list(states=("queued", "deferred")):
            self._ask_for(request)

    def _ask_for(self, request: RequestRow) -> None:
        key = _key(request)
        rules = self._policies().approvals
        rule = next((one for one in rules.requests if one.covers(request.kind, request.origin)), None)
        if rule is None or self._journal.approvals.by_key(key) is not None:
            return
        self.ask(
            REQUEST,
            request.id,
            f"{request.kind} from {request.origin}: {request.why}"[:400],
            key=key,
            diff=[
                {"name": name, "before": None, "after": value} for name, value in sorted(request.args.items())
            ],
            evidence=[said("rule", f"policy approvals.requests: {rule.line()}")],
        )

    def ask(
        self,
        kind: str,
        subject: str,
        summary: str,
        *,
        key: str,
        diff: Sequence[Mapping[str, Any]],
        evidence: Sequence[Mapping[str, Any]],
        cause: str | None = None,
    ) -> ApprovalRow:
        """Ask a person, visibly; the same key asks once, whatever the answer was."""
        known = self._journal.approvals.by_key(key)
        if known is not None:
            return known
        seconds = self._policies().approvals.expire_hours * 3600.0
        with self._journal.transaction() as tx:
            row = self._journal.approvals.open(
                kind, subject, summary, key=key, seconds=seconds, diff=diff, evidence=evidence, cause=cause
            )
            text = f"{row.id} waits for a person: {summary}"
            tx.event(ALERT, {"level": "warn", "text": text[:400], "approval": row.id})
        return row

    def blocker(self, request: RequestRow) -> str | None:
        """Return what a request waits for: its question is open."""
        asked = self._journal.approvals.by_key(_key(request))
        if asked is None or asked.state in ("approved", "withdrawn"):
            return None
        return f"waits for approval {asked.id} (`mimicry approve {asked.id}`), lapses {asked.expires}"

    # -- answering --------------------------------------------------------------------------------------------------------

    def approve(self, approval: str, *, by: str, why: str = "") -> ApprovalRow:
        """Say yes; the operator's entry and what follows are one transaction."""
        return self._answer(approval, "approved", by, why or "approved")

    def reject(self, approval: str, *, by: str, why: str) -> ApprovalRow:
        """Say no, with a reason."""
        if not why.strip():
            raise UsageError(f"reject {approval}: needs a reason: --reason WHY")
        return self._answer(approval, "rejected", by, why)

    def _answer(self, approval: str, state: str, by: str, why: str) -> ApprovalRow:
        row = self._journal.approvals.get(approval)
        if row.state == "open" and row.left() <= 0:
            self._close(row, "expired", CLOCK, f"nobody answered until {row.expires}")
        return self._close(row, state, by, " ".join(why.split())[:500])

    def _close(self, row: ApprovalRow, state: str, by: str, why: str) -> ApprovalRow:
        with self._journal.transaction():
            closed = self._journal.approvals.close(row.id, state, by=by, why=why)
            entry = None if state == "expired" else self._entry(closed)
            effect = self.effects.get(closed.kind)
            if effect is not None:
                effect(closed, entry)
        return closed

    def _entry(self, row: ApprovalRow) -> int:
        about = row.subject if row.subject.startswith("r-") else None
        return operator_entry(
            self._journal,
            ANSWERS[row.state],
            f"{row.state} {row.id} ({row.summary}): {row.why}",
            row.by or HUMAN,
            rule=f"{row.state} {row.id}",
            evidence=[said("approval", row.id)],
            changes=[{**one, "who": row.by, "why": row.why} for one in row.diff],
            request=about,
            cause=row.subject,
        )

    def _answer_request(self, row: ApprovalRow, entry: int | None) -> None:
        """A request that was not approved ends as rejected and says by whom; an approved one may start."""
        request = self._journal.requests.get(row.subject)
        if row.state == "approved" or request.terminal:
            return
        told = f"approval {row.id} {row.state}" + (f" by {row.by}" if row.by != CLOCK else "")
        self._journal.requests.finish(request.id, "rejected", f"{told}: {row.why}"[:400])


def _key(request: RequestRow) -> str:
    return f"request:{request.id}"


def said(metric: str, note: str) -> Mapping[str, Any]:
    """Return an evidence row that carries words: it was said, which is 1 of 1."""
    return {"metric": metric, "value": 1, "op": ">=", "limit": 1, "ok": True, "note": note}
