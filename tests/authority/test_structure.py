"""Structure is fixed: only registered, bounded parameters change, and every change says who, why, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.dispatch.forms import parse_request
from engine.errors import BadInput, UsageError
from engine.parameters import REGISTRY, Parameters
from engine.pipeline.parameters import PipelineParameters
from engine.watcher.policies import DEFAULTS, Policies, Remedy, StepPolicy, parse_policies
from engine.watcher.retry import check_policies, possible_moves
from state.errors import LedgerError
from state.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "value", "by"),
    [
        ("pipeline.hidden_layers", 3, "operator"),
        ("pipeline.twins", 10**6, "operator"),
        ("pipeline.twins", 24.5, "operator"),
        ("pipeline.twins", True, "operator"),
        ("pipeline.heads", 40, "watcher"),
    ],
)
def test_an_unregistered_unbounded_or_unowned_change_is_refused(
    journal: Journal, name: str, value: Any, by: Any
) -> None:
    parameters = Parameters(journal.parameters, REGISTRY)
    before, seq = parameters.values(), journal.seq
    with pytest.raises(UsageError):
        parameters.change(name, value, by=by, why="because")
    assert (parameters.values(), journal.seq) == (before, seq)


def test_a_change_without_who_or_why_is_refused(journal: Journal) -> None:
    for who, why in (("", "because"), ("ops", "")):
        with pytest.raises(LedgerError, match="who and why"):
            journal.parameters.set("pipeline.twins", 48, who=who, why=why)


def test_every_change_is_on_record_whole(journal: Journal) -> None:
    Parameters(journal.parameters, REGISTRY).change("pipeline.twins", 48, by="operator", why="more power")
    Parameters(journal.parameters, REGISTRY).change("pipeline.twins", 96, by="watcher", why="still thin")
    rows = journal.parameters.history("pipeline.twins")
    assert [(row.before, row.after, row.who, row.why) for row in rows] == [
        (48, 96, "watcher", "still thin"),
        (None, 48, "operator", "more power"),
    ]


@pytest.mark.parametrize("value", ["lo", "hi"])
def test_no_number_of_retries_leaves_the_bounds(value: str) -> None:
    for parameter in REGISTRY:
        at: Any = getattr(parameter, value)
        at = int(at) if parameter.type == "int" else at
        for direction in ("up", "down"):
            for _ in range(40):
                moved = parameter.moved(at, "up" if direction == "up" else "down")
                at = at if moved is None else moved
                assert parameter.lo <= at <= parameter.hi


def test_a_policy_cannot_name_what_is_not_registered_or_not_the_watchers() -> None:
    for name in ("pipeline.layers", "pipeline.heads", "engine.anything"):
        wrong = StepPolicy(remedies=(Remedy(signal="power", parameter=name, direction="up"),))
        with pytest.raises(UsageError):
            check_policies(Policies(steps={"1": wrong}), REGISTRY)
    assert possible_moves(DEFAULTS.step("1"), REGISTRY.defaults(), REGISTRY)


@pytest.mark.parametrize(
    "text", ['{"structure": {}}', '{"steps": {"8": {}}}', '{"steps": {"3": {"code": "x"}}}']
)
def test_a_policy_file_cannot_add_structure(text: str) -> None:
    with pytest.raises(BadInput):
        parse_policies(text, "attempt")


@pytest.mark.parametrize(
    "more", [{"parameters": {"twins": 9}}, {"overrule": 1}, {"steps": ["7"]}, {"type": "exec", "code": "1"}]
)
def test_a_request_cannot_carry_parameters_code_or_a_persons_word(more: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        parse_request({"type": "learning_loop", **more})


def test_a_step_refuses_a_parameter_it_does_not_know() -> None:
    with pytest.raises((UsageError, ValueError)):
        PipelineParameters.read({"hidden_layers": 3})
    assert json.loads(json.dumps(REGISTRY.defaults()))
