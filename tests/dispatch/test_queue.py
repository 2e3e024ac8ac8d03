"""The queue: typed requests, a halt that holds them, a reason for each that waits."""

from __future__ import annotations

from typing import Any

import pytest

from engine.dispatch.queue import FORMS, LearningLoop, PipelineRerun, Queue, StepForce, parse_request
from engine.errors import BadInput
from engine.halt import Halt
from state.journal import Journal
from state.requests import RequestRow


def submit(queue: Queue, priority: int = 50, **more: Any) -> RequestRow:
    return queue.submit(LearningLoop(priority=priority), origin="test", **more)


# -- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "args"),
    [
        ({"type": "pipeline_rerun"}, {"start_step": "1", "end_step": "6"}),
        (
            {"type": "pipeline_rerun", "start_step": "2", "end_step": "3"},
            {"start_step": "2.5", "end_step": "3"},
        ),
        ({"type": "step_force", "step": "5"}, {"step": "5"}),
        ({"type": "learning_loop", "priority": 80, "reason": "trigger"}, {"steps": ["3", "5", "6"]}),
        ({"type": "learning_loop", "steps": ["6", "2"]}, {"steps": ["2.5", "6"]}),
        ({"type": "selfplay_retrain", "origin": "ch13"}, {}),
        ({"type": "inject_draw", "value": 7}, {"value": 7}),
    ],
)
def test_each_type_has_its_form(data: dict[str, Any], args: dict[str, Any]) -> None:
    request = parse_request(data)
    assert request.type == data["type"]
    assert request.args() == args


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([], "must be a JSON object"),
        ({}, "unknown type None"),
        ({"type": ["x"]}, "unknown type"),
        ({"type": "pipeline_reran"}, "did you mean pipeline_rerun?"),
        ({"type": "pipeline_rerun", "start_stp": "1"}, "unknown key 'start_stp', did you mean start_step?"),
        ({"type": "learning_loop", "end_step": "6"}, "unknown key 'end_step'"),
        (
            {"type": "pipeline_rerun", "start_step": "5", "end_step": "3"},
            "start_step 5 comes after end_step 3",
        ),
        ({"type": "pipeline_rerun", "start_step": "7"}, "start_step"),
        ({"type": "step_force", "step": 5}, "not '5'"),
        ({"type": "step_force"}, "step: Field required"),
        ({"type": "inject_draw", "value": "7"}, "value: Input should be a valid integer"),
        ({"type": "inject_draw", "value": True}, "value: Input should be a valid integer"),
        ({"type": "learning_loop", "priority": 101}, "priority"),
    ],
)
def test_a_bad_request_is_one_line_with_the_nearest_name(data: object, told: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_request(data)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_every_form_is_listed() -> None:
    assert set(FORMS) == {"pipeline_rerun", "step_force", "learning_loop", "selfplay_retrain", "inject_draw"}


# -- the queue --------------------------------------------------------------------------------------------------------


def test_a_request_keeps_what_it_was_asked_for(queue: Queue) -> None:
    row = queue.submit(
        PipelineRerun(start_step="3", priority=90, reason="new gaps"), origin="ops", key="c:1", cause="d-4"
    )
    assert (row.kind, row.args, row.priority) == ("pipeline_rerun", {"start_step": "3", "end_step": "6"}, 90)
    assert (row.origin, row.why, row.cause) == ("ops", "new gaps", "d-4")
    assert queue.submit(StepForce(step="1"), origin="ops", key="c:1").id == row.id


def test_a_halt_holds_everything_back(queue: Queue, halt: Halt) -> None:
    row = submit(queue)
    halt.ask("finish", "night", "ops")
    assert queue.claim() is None
    assert queue.why(row) == "held: halted by ops"
    halt.resume("ops")
    assert queue.claim().id == row.id


def test_each_waiting_request_says_why(journal: Journal, halt: Halt) -> None:
    busy = ["VRAM is busy"]
    queue = Queue(journal, halt, blockers=[lambda row: busy[0] if busy and row.priority == 90 else None])
    first, second, blocked = submit(queue), submit(queue), submit(queue, priority=90)
    assert [queue.why(row) for row in (first, second, blocked)] == [
        "waits for 1 before it",
        "waits for 2 before it",
        "VRAM is busy",
    ]
    running = queue.claim()
    assert running.id == first.id
    assert queue.why(queue.get(second.id)) == f"waits for {first.id} (learning_loop)"
    busy.clear()
    queue.finish(first.id, "failed", "worker lost")
    assert queue.why(queue.get(blocked.id)) == "next"
    assert queue.why(queue.get(first.id)) == "worker lost"
    queue.defer(second.id, "too few draws", seconds=60)
    assert queue.why(queue.get(second.id)) == "deferred: too few draws"


def test_records_show_running_then_waiting_then_finished(queue: Queue) -> None:
    for priority in (50, 50, 90, 50):
        submit(queue, priority=priority)
    claimed = queue.claim()
    queue.start(claimed.id, "step 3 runs")
    queue.cancel("r-1", "no")
    assert [(one.id, one.state) for one in queue.records()] == [
        ("r-3", "running"),
        ("r-2", "queued"),
        ("r-4", "queued"),
        ("r-1", "cancelled"),
    ]
    assert queue.waiting() == 2
    assert len(queue.records(limit=2)) == 2


def test_a_request_given_back_on_a_halt_is_not_a_failed_attempt(queue: Queue) -> None:
    submit(queue)
    for _ in range(5):
        row = queue.claim()
        assert row.attempts == 1
        queue.requeue(row.id, "halted")


def test_an_injected_draw_is_never_given_up_and_other_work_is(queue: Queue, journal: Journal) -> None:
    draw = queue.submit(parse_request({"type": "inject_draw", "value": 3}), origin="test")
    work = submit(queue)
    for attempt in range(5):
        queue.claim()
        queue.claim()
        journal.session = f"process {attempt}"
        queue.recover()
    assert queue.get(draw.id).state == "queued", "its draw may be stored already"
    assert queue.get(work.id).state == "failed"
