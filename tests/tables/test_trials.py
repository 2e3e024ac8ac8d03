"""The tables of runs and trials: one row a trial whatever became of it, newest first, filtered like every list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.tables.log import Curve
from engine.tables.runs import RUNS
from engine.tables.study import study
from engine.tables.table import Window
from engine.tables.trials import LOG, TRIALS
from state.journal import Journal


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    with Journal.open(tmp_path) as journal:
        yield SimpleNamespace(journal=journal)


def trial(number: int, **ended: Any) -> dict[str, Any]:
    return {"study": "s", "run": "run-1", "step": "1", "trial": number, "params": {"length": 8}, **ended}


def test_a_trial_is_one_row_from_asked_to_its_end(desk: Any) -> None:
    detail = {"best": 9, "null_best": [4, 5], "threshold": 6, "hits": 2, "expected_false": 0.5}
    desk.journal.append("trial.asked", trial(0))
    desk.journal.append("trial.asked", trial(1))
    ended = {"value": 12.5, "state": "pruned", "seconds": 0.25, "detail": detail}
    desk.journal.append("trial.finished", trial(0, **ended))
    page = TRIALS.page(desk, Window(where="", sort="trial", limit=9, most=9))
    first, second = page["rows"]
    assert (first["state"], first["value"], first["best"], first["null"]) == ("pruned", 12.5, 9, 5)
    assert (second["state"], second["value"], second["params"]) == ("asked", None, "length=8")
    assert TRIALS.page(desk, Window(where="value>10", sort="", limit=9, most=9))["matched"] == 1


def test_a_study_tells_ends_best_importance_and_what_was_kept(desk: Any) -> None:
    assert study(desk)["checkpoint"] is study(desk)["run"] is None
    for number in range(12):
        desk.journal.append("trial.asked", trial(number))
        told = {"params": {"length": number % 2}, "value": 5.0 * (number % 2) + number / 100, "seconds": 0.1}
        state = "pruned" if number in (3, 6) else "complete"
        desk.journal.append("trial.finished", trial(number, detail={}, state=state, **told))
    desk.journal.append("trial.asked", trial(12))
    told = study(desk)
    assert (told["complete"], told["pruned"], told["running"], told["best"]["trial"]) == (10, 2, 1, 11)
    assert told["importance"][0]["share"] > 0.9
    assert (told["checkpoint"]["what"], told["checkpoint"]["seq"]) == ("trial", desk.journal.seq - 1)
    assert study(desk, at=told["checkpoint"]["seq"] - 2)["complete"] == 9
    curve = Curve(LOG)
    assert not curve.read_on(desk.journal)
    assert curve.drawn(6, None)["marked"] == [0, 0.5, 0, 0.5, 0, 0]


def test_a_run_shows_its_steps(desk: Any) -> None:
    run = desk.journal.runs.open("pipeline", {})
    desk.journal.runs.step(run.id, "1", "done", seconds=1.5)
    desk.journal.runs.step(run.id, "2.5", "running")
    (row,) = RUNS.page(desk, Window(where="", sort="", limit=9, most=9))["rows"]
    assert (row["id"], row["done"], row["step"], row["seconds"]) == ("run-0001", "1", "2.5", 1.5)
