"""A person's word against a decision: asked about escalations, carried out by a request, never against missing evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.dispatch.approvals import Approvals
from engine.dispatch.overrule import Overrules, overruled
from engine.dispatch.queue import LearningLoop, Queue
from engine.errors import UsageError
from engine.halt import Halt
from engine.watcher.decision import Case, Human, decide
from engine.watcher.evaluation import EvidenceRow, Finding
from engine.watcher.policies import DEFAULTS, ApprovalPolicy, Policies
from engine.watcher.record import record_decision, replay_recorded
from engine.watcher.retry import Budget
from engine.watcher.review import REVIEWED
from engine.watcher.steps import Escalated
from state.journal import Journal

FULL = Budget(step_used=0, step_limit=2, total_used=0, total_limit=4)
LINK = Finding(code="artifact.link", level="fail", text="a link")


def case(**change: object) -> Case:
    base: dict[str, object] = {
        "step": "3", "run": "run-0001", "request": "r-1", "budget": FULL, "findings": (LINK,),
        "evidence": (EvidenceRow(metric="rows", value=10, limit=5),),
    }  # fmt: skip
    return Case.model_validate({**base, **change})


class Room:
    """One request whose step 3 escalated."""

    def __init__(self, journal: Journal, halt: Halt) -> None:
        self.journal, self.policies = journal, DEFAULTS
        self.approvals = Approvals(journal, lambda: self.policies)
        self.overrules = Overrules(journal, self.approvals, lambda: self.policies)
        self.queue = Queue(journal, halt, blockers=[self.approvals.blocker], look=self.approvals.look)
        self.queue.submit(LearningLoop(priority=70), origin="chapter 13")
        row = self.queue.claim()
        assert row is not None
        self.number = record_decision(journal, decide(case()))
        self.queue.start(row.id)
        self.queue.finish(row.id, "failed", "escalated")
        self.halts = self.overrules.escalated(row, Escalated(self.number, "3", "a link"))


@pytest.fixture
def room(journal: Journal, halt: Halt) -> Room:
    return Room(journal, halt)


def test_an_escalation_asks_a_person_with_its_evidence(room: Room) -> None:
    (asked,) = room.journal.approvals.waiting()
    assert room.halts, "the default policy halts"
    assert (asked.kind, asked.subject) == ("escalation", "d-1")
    assert asked.diff == [{"name": "step 3", "before": "ESCALATE", "after": "PROCEED"}]
    assert asked.evidence[0]["metric"] == "rows"


def test_yes_queues_the_same_work_under_the_persons_word(room: Room) -> None:
    room.approvals.approve("a-1", by="ops", why="the link is mine")
    row = room.queue.claim()
    assert row is not None
    assert (row.kind, row.priority, row.args["overrule"]) == ("learning_loop", 70, 2)
    word = overruled(room.journal, row)
    assert word == {"3": Human(decision=2, signal="artifact.link", by="ops")}
    decision = decide(case(human=word["3"]))
    assert (decision.action, decision.source) == ("PROCEED", "human")
    number = record_decision(room.journal, decision)
    assert replay_recorded(room.journal, number).action == "PROCEED"
    kinds = [event.kind for event in room.journal.decisions.explain(1).caused]
    assert {"approval.open", "decision", "request.queued"} <= set(kinds)


@pytest.mark.parametrize(
    "change",
    [
        {"findings": (LINK.model_copy(update={"code": "column.leak"}),)},
        {"evidence": ()},
        {"fault": {"kind": "worker", "text": "lost"}},
    ],
)
def test_the_word_is_about_one_escalation_and_never_about_missing_evidence(change: dict[str, object]) -> None:
    word = Human(decision=2, signal="artifact.link", by="ops")
    decision = decide(case(human=word, **change))
    assert decision.action != "PROCEED"
    assert decision.source == "rule"


def test_overruling_by_number_answers_the_open_question(room: Room) -> None:
    told = room.overrules.overrule(1, "PROCEED", by="ops", why="fine")
    assert told == {"decision": 2, "request": "r-2"}
    assert room.journal.approvals.get("a-1").state == "approved"
    with pytest.raises(UsageError, match="person's entry"):
        room.overrules.overrule(2, "RETRY", by="ops", why="again")


def test_retry_forces_the_step_again(room: Room) -> None:
    told = room.overrules.overrule(1, "RETRY", by="ops", why="the disk was full")
    row = room.queue.get(str(told["request"]))
    assert (row.kind, row.args, row.cause) == ("step_force", {"step": "3"}, f"d-{told['decision']}")
    assert room.journal.approvals.get("a-1").state == "rejected"
    assert len([one for one in room.journal.requests.list() if one.cause]) == 1


def test_a_decision_can_be_made_more_careful_without_work(room: Room) -> None:
    good = record_decision(room.journal, decide(case(findings=())))
    told = room.overrules.overrule(good, "ESCALATE", by="ops", why="I do not believe it")
    assert told["request"] is None
    assert room.journal.decisions.get(int(told["decision"])).source == "human"


@pytest.mark.parametrize(
    ("action", "why", "told"),
    [("PROCED", "x", "no action"), ("PROCEED", " ", "reason"), ("ESCALATE", "x", "already")],
)
def test_a_wrong_word_is_refused_in_one_line(room: Room, action: str, why: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        room.overrules.overrule(1, action, by="ops", why=why)


def test_what_the_advisor_said_of_an_escalation_stands_beside_its_evidence(
    journal: Journal, halt: Halt
) -> None:
    told = {"question": "step_evaluation", "source": "llm", "call": "c-1", "line": "verdict DOUBTFUL"}
    journal.append(REVIEWED, {"about": "d-1", "said": [told]})
    Room(journal, halt)
    (asked,) = journal.approvals.waiting()
    notes = [row["note"] for row in asked.evidence if row["metric"] == "advisor"]
    assert notes == ["llm step_evaluation: verdict DOUBTFUL"]


def test_policy_decides_whether_escalations_ask_and_halt(
    journal: Journal, halt: Halt, tmp_path: Path
) -> None:
    room = Room(journal, halt)
    room.policies = Policies(halt_on_escalate=False, approvals=ApprovalPolicy(escalations=False))
    number = record_decision(journal, decide(case()))
    assert room.overrules.escalated(journal.requests.get("r-1"), Escalated(number, "3", "x")) is False
    assert len(journal.approvals.waiting()) == 1


def test_a_forged_word_is_refused(room: Room) -> None:
    row = room.journal.requests.enqueue("learning_loop", {"overrule": 1}, origin="llm")
    with pytest.raises(UsageError, match="no operator's PROCEED"):
        overruled(room.journal, row)
