"""Questions to a person: policy says which, each has one answer with its effect, silence is a no that says so."""

from __future__ import annotations

import pytest

from engine.dispatch.approvals import Approvals
from engine.dispatch.queue import LearningLoop, Queue, StepForce
from engine.errors import UsageError
from engine.halt import Halt
from engine.watcher.policies import ApprovalPolicy, ApprovalRule, Policies
from state import approvals as table
from state.errors import InvalidTransition
from state.journal import Journal

FORCE = Policies(
    approvals=ApprovalPolicy(requests=(ApprovalRule(type="step_force"), ApprovalRule(origin="llm*")))
)


class Room:
    """A queue under policies that can change."""

    def __init__(self, journal: Journal, halt: Halt, policies: Policies = FORCE) -> None:
        self.policies = policies
        self.approvals = Approvals(journal, lambda: self.policies)
        self.queue = Queue(journal, halt, blockers=[self.approvals.blocker], look=self.approvals.look)
        self.journal = journal

    def force(self) -> str:
        return self.queue.submit(StepForce(step="5", reason="try"), origin="ops").id


@pytest.fixture
def room(journal: Journal, halt: Halt) -> Room:
    return Room(journal, halt)


def test_a_covered_request_waits_and_the_rest_runs(room: Room) -> None:
    first, second = room.force(), room.queue.submit(LearningLoop(), origin="ops").id
    (asked,) = room.journal.approvals.waiting()
    assert (asked.subject, asked.diff) == (first, [{"name": "step", "before": None, "after": "5"}])
    assert "waits for approval a-1" in room.queue.why(room.queue.get(first))
    alert = room.journal.last(["alert.raised"])
    assert alert is not None
    assert "a-1 waits for a person: step_force from ops" in alert.data["text"]
    claimed = room.queue.claim()
    assert claimed is not None
    assert claimed.id == second
    assert room.queue.submit(LearningLoop(), origin="llm deepseek").why
    assert len(room.journal.approvals.waiting()) == 2, "by origin, too"


def test_yes_lets_it_run_and_leaves_who_and_why(room: Room) -> None:
    name = room.force()
    room.approvals.approve("a-1", by="ops", why="looked at it")
    claimed = room.queue.claim()
    assert claimed is not None
    assert claimed.id == name
    entry = room.journal.decisions.list()[0]
    assert (entry.action, entry.source, entry.request) == ("PROCEED", "human", name)
    assert "looked at it (ops)" in entry.reason
    assert entry.changes[0]["who"] == "ops"


def test_no_rejects_the_request_and_says_by_whom(room: Room) -> None:
    name = room.force()
    with pytest.raises(UsageError, match="reason"):
        room.approvals.reject("a-1", by="ops", why=" ")
    room.approvals.reject("a-1", by="ops", why="not today")
    assert room.queue.get(name).state == "rejected"
    assert room.queue.get(name).why == "approval a-1 rejected by ops: not today"
    assert room.queue.claim() is None


def test_silence_lapses_and_the_request_says_so(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    name, now = room.force(), table.monotonic()
    monkeypatch.setattr(table, "monotonic", lambda: now + 72 * 3600 + 1)
    assert room.queue.claim() is None
    assert room.journal.approvals.get("a-1").state == "expired"
    assert room.queue.get(name).state == "rejected"
    assert "approval a-1 expired: nobody answered until" in room.queue.get(name).why
    with pytest.raises(InvalidTransition):
        room.approvals.approve("a-1", by="ops")
    assert room.journal.decisions.list() == [], "the clock is no person"


def test_an_answer_that_comes_late_is_no_answer(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    name, now = room.force(), table.monotonic()
    monkeypatch.setattr(table, "monotonic", lambda: now + 72 * 3600 + 1)
    with pytest.raises(InvalidTransition, match="expired"):
        room.approvals.approve("a-1", by="ops")
    assert room.queue.get(name).state == "rejected"


def test_a_rule_added_later_covers_what_waits_already(journal: Journal, halt: Halt) -> None:
    room = Room(journal, halt, Policies())
    name = room.force()
    assert journal.approvals.waiting() == []
    room.policies = FORCE
    assert room.queue.claim() is None
    assert journal.approvals.waiting()[0].subject == name


def test_a_cancelled_request_takes_its_question_with_it(room: Room) -> None:
    room.queue.cancel(room.force(), "not needed")
    room.approvals.look()
    assert room.journal.approvals.get("a-1").state == "withdrawn"
