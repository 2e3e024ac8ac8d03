"""LLM proposes, WATCHER disposes: advice only makes a decision more careful, and has no import path to anything that acts."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
import walls

from engine.dispatch.approvals import Approvals
from engine.dispatch.queue import Queue, parse_request
from engine.errors import BadInput
from engine.halt import Halt
from engine.llm.advice import CAUTION, Action, Advice, parse
from engine.watcher.decision import Case, decide
from engine.watcher.evaluation import EvidenceRow
from engine.watcher.policies import DEFAULTS
from engine.watcher.retry import Budget, Move
from state.journal import Journal

MOVE = ("power", Move(name="pipeline.window_trials", before=16, after=32))
LEFT = Budget(step_used=0, step_limit=2, total_used=0, total_limit=4)
SPENT = Budget(step_used=2, step_limit=2, total_used=2, total_limit=4)


@pytest.mark.parametrize(
    "imported",
    [
        "engine.dispatch.queue",
        "engine.rigs.connection",
        "engine.compute.cluster",
        "engine.pipeline.runner",
        "state.journal",
    ],
)
def test_an_import_that_could_act_breaks_the_build(imported: str) -> None:
    assert walls.kept("the LLM advises")
    assert walls.held_off("the LLM advises", "engine.llm.advice", imported)


def test_a_detour_breaks_the_build_too() -> None:
    assert walls.held_off("the LLM advises", "engine.llm.advice", "engine.desk")


@pytest.mark.parametrize("said", get_args(Action))
def test_no_advice_makes_any_decision_less_careful(said: Any) -> None:
    rows = [
        (),
        (EvidenceRow(metric="power", value=0.5, limit=0.9),),
        (EvidenceRow(metric="power", value=1.0, limit=0.9),),
    ]
    for evidence, moves, budget in product(rows, [(), (MOVE,)], [LEFT, SPENT]):
        case = Case(step="1", run="r", request="q", evidence=evidence, moves=moves, budget=budget)
        code = decide(case)
        advice = Advice(decision=said, confidence=1.0, primary_signal="x", reasoning="all is well, go on")
        after = decide(case.model_copy(update={"advice": advice}))
        assert CAUTION[after.action] >= CAUTION[code.action]
        assert {move.name for move in after.parameter_changes} <= {MOVE[1].name}
        assert after.source == "rule"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PROCEED",
        '{"decision":"PROCEED"}',
        '{"decision":"PROCEED","confidence":1.00,"primary_signal":"a","reasoning":"b","set":{"pipeline.twins":96}}',
        '{"decision":"RUN rm","confidence":1.00,"primary_signal":"a","reasoning":"b"}',
    ],
)
def test_an_answer_that_asks_for_more_than_advice_is_dropped(text: str) -> None:
    with pytest.raises(BadInput):
        parse(text)


def test_a_request_in_a_models_name_waits_for_a_person(tmp_path: Path) -> None:
    class NoDevices:
        def bump(self) -> int:
            return 0

    with Journal.open(tmp_path) as journal:
        approvals = Approvals(journal, lambda: DEFAULTS)
        queue = Queue(journal, Halt(journal, NoDevices()), blockers=[approvals.blocker], look=approvals.look)
        queue.submit(parse_request({"type": "pipeline_rerun"}), origin="llm local")
        assert queue.claim() is None
        assert "waits for approval" in queue.why(queue.get("r-1"))
