"""Policies: every key is read by code, unknown ones are refused by name, edits count at once, broken ones change nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.dispatch.approvals import Approvals
from engine.dispatch.overrule import Overrules
from engine.errors import BadInput, MimicryError, UsageError
from engine.llm.advisor import NoAdvisor
from engine.parameters import REGISTRY
from engine.pipeline.context import StepOutcome
from engine.watcher.decision import Case, decide
from engine.watcher.evaluation import EvidenceRow, Finding
from engine.watcher.policies import DEFAULTS, Policies, load_policies, parse_policies
from engine.watcher.policy_file import CHANGED, PolicyFile
from engine.watcher.record import record_decision
from engine.watcher.retry import Budget, check_policies
from engine.watcher.steps import Escalated, Judge
from state.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal.open(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path, journal: Journal) -> PolicyFile:
    return PolicyFile(
        tmp_path / "watcher_policies.json", journal, lambda found: check_policies(found, REGISTRY)
    )


def edit(file: PolicyFile, change: Callable[[dict[str, Any]], None]) -> bool:
    tree = json.loads(file.path.read_text())
    change(tree)
    file.path.write_text(json.dumps(tree))
    os.utime(file.path, ns=(1, os.stat(file.path).st_mtime_ns + 1_000_000))
    return file.look()


def changes(journal: Journal) -> list[dict[str, Any]]:
    return [event.data for event in journal.events(kinds=(CHANGED,))]


def test_an_edit_counts_at_the_next_look_and_is_recorded(file: PolicyFile, journal: Journal) -> None:
    heard: list[int] = []
    file.listen(lambda found: heard.append(found.total_retries))
    assert not file.look()
    assert edit(file, lambda tree: tree.update(total_retries=7))
    assert (file.current.total_retries, heard) == (7, [7])
    last = changes(journal)[-1]
    assert last["changes"] == [{"name": "total_retries", "before": 4, "after": 7}]
    assert last["who"].endswith("(file)")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '{"schema": "watcher_policies/1", "total_retrys": 3}',
            "'total_retrys' is unknown; the nearest is 'total_retries'",
        ),
        ('{"steps": {"3": {"retrys": 1}}}', "'steps.3.retrys' is unknown; the nearest is 'retries'"),
        ('{"approvals": {"requests": [{"typ": "x"}]}}', "the nearest is 'type'"),
        ('{"fail_on": ["artifact.cod"]}', "the nearest is 'artifact.code'"),
        ('{"steps": {"7": {}}}', "steps"),
        ('{"total_ret', "not a policy file"),
        ("[]", "not a policy file"),
    ],
)
def test_a_broken_edit_keeps_the_old_policies_visibly(
    file: PolicyFile, journal: Journal, text: str, told: str
) -> None:
    file.path.write_text(text)
    assert not file.look()
    assert file.current == DEFAULTS
    assert told in file.degraded()[0]
    assert "\n" not in file.degraded()[0]
    file.look()
    assert len([1 for _ in journal.events(kinds=("alert.raised",))]) == 1
    file.path.write_text(json.dumps(DEFAULTS.model_dump(mode="json")))
    assert not file.look(), "the same policies again are no change"
    assert file.degraded() == []


def test_an_edit_made_while_no_engine_ran_is_recorded_at_the_start(
    file: PolicyFile, journal: Journal
) -> None:
    tree = json.loads(file.path.read_text()) | {"halt_on_escalate": False}
    file.path.write_text(json.dumps(tree))
    again = PolicyFile(file.path, journal, lambda found: None)
    assert not again.current.halt_on_escalate
    assert changes(journal)[-1]["why"] == "found at start"
    assert changes(journal)[-1]["changes"][0]["name"] == "halt_on_escalate"
    before = len(changes(journal))
    PolicyFile(file.path, journal, lambda found: None)
    assert len(changes(journal)) == before


def test_setting_a_key_writes_the_file_and_says_who_and_why(file: PolicyFile, journal: Journal) -> None:
    rows = file.set("steps.2.5.retries", 1, who="ops", why="it never helps")
    assert rows == [{"name": "steps.2.5.retries", "before": 2, "after": 1}]
    assert load_policies(file.path).step("2.5").retries == 1
    assert (changes(journal)[-1]["who"], changes(journal)[-1]["why"]) == ("ops", "it never helps")
    assert not file.look()


@pytest.mark.parametrize(
    ("key", "value", "why", "told"),
    [
        ("total_retrys", 3, "x", "nearest: total_retries"),
        ("steps.3", 3, "x", "steps.3"),
        ("total_retries", "many", "x", "total_retries"),
        ("total_retries", 3, " ", "reason"),
        (
            "steps.3.remedies",
            [{"signal": "rows", "parameter": "pipeline.twns", "direction": "up"}],
            "x",
            "pipeline.twins",
        ),
    ],
)
def test_a_wrong_setting_changes_nothing(file: PolicyFile, key: str, value: Any, why: str, told: str) -> None:
    before = file.path.read_bytes()
    with pytest.raises(MimicryError) as error:
        file.set(key, value, who="ops", why=why)
    assert told in str(error.value)
    assert file.path.read_bytes() == before
    assert file.current == DEFAULTS


def test_huge_or_unreadable_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"p\.json"):
        load_policies(path)
    path.write_bytes(b" " * (1 << 21))
    with pytest.raises(BadInput, match="page of text"):
        load_policies(path)


# -- every key is read ------------------------------------------------------------------------------------------------

ROW = EvidenceRow(metric="rows", value=10, op=">=", limit=20)


def judged(policies: Policies, journal: Journal) -> Case:
    judge = Judge(journal, policies, REGISTRY, NoAdvisor(), REGISTRY.defaults(), "r-1", "run-0001")
    outcome = StepOutcome(
        "3", evidence=[ROW], findings=[Finding(code="artifact.code", level="warn", text="old")]
    )
    return judge.case(outcome)


def asked(policies: Policies, journal: Journal) -> tuple[object, ...]:
    """Return what the policies make of a request and of an escalation."""
    row = journal.requests.enqueue("step_force", {"step": "5"}, origin="ops")
    approvals = Approvals(journal, lambda: policies)
    approvals.look()
    question = journal.approvals.by_key(f"request:{row.id}")
    number = record_decision(
        journal,
        decide(
            Case(
                step="3",
                run="run-1",
                request=row.id,
                evidence=(),
                budget=Budget(step_used=0, step_limit=0, total_used=0, total_limit=0),
            )
        ),
    )
    halts = Overrules(journal, approvals, lambda: policies).escalated(row, Escalated(number, "3", "x"))
    escalation = journal.approvals.by_key(f"decision:{number}")
    waits = escalation or question
    return question is not None, escalation is not None, halts, waits and round(waits.left() / 3600)


CHANGES: dict[str, Any] = {
    "total_retries": 1,
    "halt_on_escalate": False,
    "approvals.requests": [{"type": "step_force", "origin": "*"}],
    "approvals.escalations": False,
    "approvals.expire_hours": 5.0,
    "fail_on": ["artifact.code"],
    "steps.3.required": ["leaks"],
    "steps.3.thresholds": [{"metric": "rows", "op": ">=", "limit": 99}],
    "steps.3.retries": 0,
    "steps.3.remedies": [],
}


@pytest.mark.parametrize("key", CHANGES)
def test_every_key_changes_what_the_watcher_does(file: PolicyFile, journal: Journal, key: str) -> None:
    before = (
        decide(judged(file.current, journal)).model_dump(exclude={"case"}),
        judged(file.current, journal).model_dump(exclude={"policies"}),
        asked(file.current, journal),
    )
    file.set(key, CHANGES[key], who="test", why="to see it felt")
    after = (
        decide(judged(file.current, journal)).model_dump(exclude={"case"}),
        judged(file.current, journal).model_dump(exclude={"policies"}),
        asked(file.current, journal),
    )
    assert before != after


def test_no_key_is_left_out_of_that_test() -> None:
    keys = {key for key in DEFAULTS.flat() if not key.startswith("steps.")} - {"schema"}
    keys |= {key for key in DEFAULTS.flat() if key.startswith("steps.3.")}
    assert keys == set(CHANGES)


def test_a_step_without_a_threshold_number_is_missing_evidence(journal: Journal) -> None:
    text = json.dumps({"steps": {"3": {"thresholds": [{"metric": "depth", "op": "<=", "limit": 3}]}}})
    case = judged(parse_policies(text, "test"), journal)
    assert decide(case).rule.startswith("W4")


def test_a_reason_is_needed(file: PolicyFile) -> None:
    with pytest.raises(UsageError):
        file.set("total_retries", 1, who="ops", why="")
