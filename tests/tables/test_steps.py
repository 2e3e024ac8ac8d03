"""The six steps as a list: how each stands, what it must show, and what was decided on it in this run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.board import Board
from engine.replay import Past
from engine.status import StepAt
from engine.tables.steps import STEPS
from engine.tables.survivors import SURVIVORS
from engine.tables.table import Window
from engine.watcher.policies import DEFAULTS
from state.journal import Journal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    with Journal.open(tmp_path) as journal:
        yield SimpleNamespace(
            journal=journal, board=Board(), policies=DEFAULTS, past=Past(journal), state=tmp_path
        )


def rows(desk: Any) -> dict[str, Any]:
    return {row["step"]: row for row in STEPS.page(desk, Window(where="", sort="", limit=9, most=9))["rows"]}


def test_without_a_run_there_is_none(desk: Any) -> None:
    assert rows(desk) == {}


def test_each_step_tells_how_it_stands_its_gates_and_its_decision(desk: Any) -> None:
    run = desk.journal.runs.open("pipeline", {})
    desk.journal.runs.step(run.id, "1", "done", seconds=1.5, best=14.1)
    desk.journal.decisions.add(
        step="1", action="PROCEED", reason="all met", source="rule", rule="W6", run=run.id,
        evidence=[{"metric": "power", "value": 0.9, "limit": 0.5, "op": ">=", "ok": True}, {"metric": "x", "value": None, "limit": 1, "op": ">=", "ok": False}],
    )  # fmt: skip
    desk.journal.runs.step(run.id, "2.5", "running")
    desk.board.step = StepAt("2.5", 3, 10, 0.0, note="at work", best=0.6)
    one, two, last = (rows(desk)[step] for step in ("1", "2.5", "6"))
    assert (one["state"], one["seconds"], one["action"], one["holds"]) == ("done", 1.5, "PROCEED", "1 of 2")
    assert (two["done"], two["total"], two["best"], two["note"]) == (3, 10, 0.6, "at work")
    assert "retries" in one["gates"]
    assert "bidirectional_survivors.npz" in one["writes"]
    assert one["reads"] is None
    assert (last["state"], last["writes"]) == ("waiting", "prediction_pool.json")


def test_steps_of_the_past_stand_as_they_stood(desk: Any) -> None:
    run = desk.journal.runs.open("pipeline", {})
    desk.journal.runs.step(run.id, "1", "running")
    then = desk.journal.seq
    desk.journal.runs.step(run.id, "1", "done")
    page = STEPS.page(desk, Window(where="step=1", sort="", limit=9, most=9, at=then))
    assert page["rows"][0]["state"] == "running"


def test_survivors_are_none_before_step_1(desk: Any) -> None:
    assert SURVIVORS.page(desk, Window(where="", sort="", limit=9, most=9))["rows"] == []
