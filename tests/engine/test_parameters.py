"""Tunable parameters: registered, bounded, changed on the record by those who may; unknown names are errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.parameters import REGISTRY, Parameter, Parameters, Registry
from engine.pipeline.parameters import PipelineParameters


class Book:
    """A ledger in memory, for the rules alone; the journal's own is used below."""

    def __init__(self, **recorded: Any) -> None:
        self.recorded = recorded
        self.rows: list[tuple[str, Any, str, str]] = []

    def set(self, name: str, value: Any, *, who: str, why: str, cause: str | None = None) -> int | None:
        self.rows.append((name, value, who, why))
        return len(self.rows)

    def all(self) -> dict[str, Any]:
        return self.recorded


def test_every_pipeline_row_is_a_field_of_the_pipeline_with_the_same_default() -> None:
    for parameter in REGISTRY:
        if parameter.name.startswith("pipeline."):
            field = parameter.name.removeprefix("pipeline.")
            assert PipelineParameters.model_fields[field].default == parameter.default, parameter.name


@pytest.mark.parametrize("end", ["lo", "hi"])
def test_the_pipeline_accepts_both_bounds_of_every_row(end: str) -> None:
    values = {
        p.name.removeprefix("pipeline."): int(getattr(p, end)) if p.type == "int" else getattr(p, end)
        for p in REGISTRY
        if p.name.startswith("pipeline.")
    }
    assert PipelineParameters.read(values).window_trials == values["window_trials"]


def test_a_change_is_recorded_with_who_why_before_after() -> None:
    book = Book()
    parameters = Parameters(book, REGISTRY)
    change = parameters.change("pipeline.window_trials", 32, by="watcher", why="ranking was thin")
    assert (change.before, change.after, change.by) == (16, 32, "watcher")
    assert book.rows == [("pipeline.window_trials", 32, "watcher", "ranking was thin")]
    assert parameters.values("pipeline.")["window_trials"] == 32


@pytest.mark.parametrize(
    ("name", "value", "by", "says"),
    [
        ("pipeline.window_trails", 32, "watcher", "pipeline.window_trials"),
        ("pipeline.window_trials", 10_000, "operator", "8 to 256"),
        ("pipeline.window_trials", 32.5, "operator", "must be int"),
        ("pipeline.window_trials", True, "operator", "must be int"),
        ("pipeline.heads", 50, "watcher", "operator may"),
    ],
)
def test_what_is_not_allowed_is_refused_and_leaves_no_record(
    name: str, value: Any, by: Any, says: str
) -> None:
    book = Book()
    with pytest.raises(UsageError, match=says):
        Parameters(book, REGISTRY).change(name, value, by=by, why="because")
    assert book.rows == []


def test_a_recorded_value_outside_todays_registry_is_named_and_not_used() -> None:
    parameters = Parameters(Book(**{"pipeline.window_trials": 9_999, "gone.knob": 1}), REGISTRY)
    assert parameters.values()["pipeline.window_trials"] == 16
    assert len(parameters.refused) == 2


@given(st.sampled_from(list(REGISTRY)), st.sampled_from(["up", "down"]))
def test_moves_stay_inside_the_bounds_and_end_there(parameter: Parameter, direction: Any) -> None:
    value = parameter.default
    for _ in range(64):
        moved = parameter.moved(value, direction)
        if moved is None:
            assert value in (parameter.lo, parameter.hi)
            return
        assert parameter.check(moved) == moved
        value = moved
    pytest.fail("64 steps did not reach the bound")


def test_one_name_stands_once() -> None:
    first = next(iter(REGISTRY))
    with pytest.raises(ValueError, match="twice"):
        Registry([first, first.model_copy()])


def test_the_journal_keeps_values_across_restarts(tmp_path: Path) -> None:
    journal_module = pytest.importorskip("state.journal")
    with journal_module.Journal.open(tmp_path) as journal:
        Parameters(journal.parameters, REGISTRY).change(
            "pipeline.twins", 48, by="operator", why="finer p-values"
        )
    with journal_module.Journal.open(tmp_path) as journal:
        assert Parameters(journal.parameters, REGISTRY).values()["pipeline.twins"] == 48
        assert journal.parameters.history("pipeline.twins")[0].why == "finer p-values"
