"""A risky proposal is a question: a yes makes the change once and counts for the cooldown, anything else leaves it alone."""

from __future__ import annotations

import pytest

from engine.dispatch.approvals import Approvals
from engine.dispatch.risky import Risky
from engine.errors import UsageError
from engine.feedback.consult import JUDGED, settle
from engine.feedback.proposals import Proposal
from engine.parameters import REGISTRY, Parameters
from engine.watcher.policies import Policies
from state import approvals as table
from state.journal import Journal

TRIALS = "pipeline.window_trials"  # 16 by default
BOLD = Proposal(
    source="llm", changes={TRIALS: 32}, confidence=0.9, risk="HIGH", reason="the search looks too short"
)


class Room:
    """Approvals and parameters over one journal, after 500 draws."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.approvals = Approvals(journal, Policies)
        self.parameters = Parameters(journal.parameters, REGISTRY)
        self.risky = Risky(journal, self.approvals, self.parameters, lambda: 500)

    def propose(self, proposal: Proposal = BOLD, draw: int = 480) -> str:
        return settle(proposal, self.journal, self.parameters, draw, self.risky.ask)[0].rule


@pytest.fixture
def room(journal: Journal) -> Room:
    return Room(journal)


def test_a_risky_proposal_changes_nothing_and_asks_a_person_what_a_yes_would_change(room: Room) -> None:
    assert room.propose() == "risk"
    (asked,) = room.journal.approvals.waiting()
    assert asked.diff == [{"name": TRIALS, "before": 16, "after": 32}]
    assert "the search looks too short" in asked.summary
    judged = room.journal.last([JUDGED])
    assert judged is not None
    assert asked.subject == f"e-{judged.seq}"
    assert room.parameters.values()[TRIALS] == 16


def test_a_yes_makes_the_change_with_who_and_why_and_starts_the_cooldown(room: Room) -> None:
    room.propose()
    room.approvals.approve("a-1", by="ops", why="worth a try")
    assert room.parameters.values()[TRIALS] == 32
    assert Parameters(room.journal.parameters, REGISTRY).values()[TRIALS] == 32, "durable"
    entry = room.journal.decisions.list()[0]
    assert (entry.action, entry.source) == ("PROCEED", "human")
    calm = BOLD.model_copy(update={"changes": {TRIALS: 64}, "risk": "LOW"})
    assert room.propose(calm, draw=510) == "cooldown"


@pytest.mark.parametrize("silent", [False, True])
def test_a_no_or_no_answer_leaves_the_value(
    room: Room, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.propose()
    if silent:
        now = table.monotonic()
        monkeypatch.setattr(table, "monotonic", lambda: now + 72 * 3600 + 1)
        room.approvals.look()
        assert room.journal.approvals.get("a-1").state == "expired"
    else:
        room.approvals.reject("a-1", by="ops", why="not now")
    assert room.parameters.values()[TRIALS] == 16


def test_a_yes_to_a_proposal_that_time_overtook_is_refused_whole(room: Room) -> None:
    room.propose()
    room.parameters.change(TRIALS, 64, by="operator", why="by hand")
    with pytest.raises(UsageError, match="64 by now, no longer 16"):
        room.approvals.approve("a-1", by="ops", why="yes")
    assert room.journal.approvals.get("a-1").state == "open", "the question stands; it can be rejected"
    assert room.parameters.values()[TRIALS] == 64
    assert room.journal.decisions.list() == []
