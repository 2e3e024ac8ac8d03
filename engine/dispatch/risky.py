"""What acceptance leaves to a person: a risky proposal becomes a question, and a yes makes the change, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.dispatch.approvals import Approvals, said
from engine.errors import UsageError
from engine.feedback.consult import APPROVED, PROPOSAL

if TYPE_CHECKING:
    from engine.feedback.proposals import Proposal, Ruling
    from engine.parameters import Parameters
    from state.approvals import ApprovalRow
    from state.journal import Journal


class Risky:
    """Asks about proposed parameter values that no rule may accept alone, and carries out a yes."""

    def __init__(
        self, journal: Journal, approvals: Approvals, parameters: Parameters, draws: Callable[[], int]
    ) -> None:
        """Answer to questions about proposals from now on; `draws()` is the number of draws so far."""
        self._journal, self._approvals, self._parameters = journal, approvals, parameters
        self._draws = draws
        approvals.effects[PROPOSAL] = self._answered

    def ask(self, proposal: Proposal, rulings: Sequence[Ruling], draw: int, seq: int) -> None:
        """Ask a person about the changes that are left to one; the same record asks once."""
        names = ", ".join(ruling.name for ruling in rulings)
        self._approvals.ask(
            PROPOSAL,
            f"e-{seq}",
            f"{proposal.source} proposes {names} after draw {draw}: {proposal.reason}"[:400],
            key=f"proposal:{seq}",
            diff=[
                {"name": ruling.name, "before": ruling.before, "after": ruling.after} for ruling in rulings
            ],
            evidence=[said(f"rule {ruling.rule}", f"{ruling.name}: {ruling.text}") for ruling in rulings],
            cause=f"e-{seq}",
        )

    def _answered(self, row: ApprovalRow, entry: int | None) -> None:
        """Make the changes of an approved question; a no, or no answer, leaves everything as it is."""
        if row.state != "approved":
            return
        values = self._parameters.values()
        stale = next((one for one in row.diff if values[one["name"]] != one["before"]), None)
        if stale is not None:
            raise UsageError(
                f"approve {row.id}: {stale['name']} is {values[stale['name']]} by now, no longer {stale['before']}: "
                f"the proposal is out of date; reject it"
            )
        accepted = [{**one, "outcome": "accept", "rule": "person"} for one in row.diff]
        self._journal.append(
            APPROVED, {"draw": self._draws(), "approval": row.id, "by": row.by, "rulings": accepted}
        )
        for one in row.diff:
            self._parameters.change(one["name"], one["after"], by="operator", person=row.by or "", why=f"{row.id}: {row.why}"[:400],
                                    cause=f"d-{entry}")  # fmt: skip
