"""Retries and policies: bounded, registered, strict, and never without a change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import BadInput, UsageError
from engine.parameters import REGISTRY as ALL_PARAMETERS
from engine.parameters import Parameter, Registry
from engine.pipeline.parameters import PipelineParameters
from engine.watcher.policies import DEFAULTS, Policies, Remedy, StepPolicy, load_policies
from engine.watcher.retry import Budget, check_remedies, choose_move, possible_moves

TRIALS = Parameter(
    name="window.trials", type="int", lo=8, hi=100, default=40, step=2, scale="log",
    who=("code", "watcher", "operator"), meaning="trials of step 1",
)  # fmt: skip
ALPHA = TRIALS.model_copy(update={"name": "search.alpha", "who": ("operator",)})
REGISTRY = Registry([TRIALS, ALPHA])
POLICY = StepPolicy(remedies=(Remedy(signal="trials.done", parameter="window.trials", direction="up"),))


def test_a_move_is_cut_at_the_bound_and_ends_there() -> None:
    first = choose_move(("trials.done",), possible_moves(POLICY, {"window.trials": 40}, REGISTRY))
    assert first is not None
    assert (first.before, first.after) == (40, 80)
    last = choose_move(("trials.done",), possible_moves(POLICY, {"window.trials": 80}, REGISTRY))
    assert last is not None
    assert last.after == 100
    assert possible_moves(POLICY, {"window.trials": 100}, REGISTRY) == ()


def test_a_signal_without_remedy_has_no_move() -> None:
    assert choose_move(("null.ratio",), possible_moves(POLICY, {}, REGISTRY)) is None


@pytest.mark.parametrize(("step", "total", "left"), [(0, 0, 2), (2, 2, 0), (1, 4, 0), (0, 3, 1)])
def test_budgets_bound_the_step_and_the_whole(step: int, total: int, left: int) -> None:
    assert Budget(step_used=step, step_limit=2, total_used=total, total_limit=4).left == left


def test_a_remedy_must_name_a_parameter_the_watcher_may_change() -> None:
    check_remedies(Policies(steps={"1": POLICY}), REGISTRY)
    for name in ("search.alpha", "window.trails"):
        wrong = StepPolicy(remedies=(Remedy(signal="x", parameter=name, direction="up"),))
        with pytest.raises(UsageError):
            check_remedies(Policies(steps={"1": wrong}), REGISTRY)


def test_policies_are_written_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "watcher_policies.json"
    written = load_policies(path)
    assert load_policies(path) == written


@pytest.mark.parametrize("change", [{"weather": 1}, {"total_retries": -1}, {"steps": {"7": {}}}])
def test_an_unknown_or_broken_key_is_refused_with_its_name(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "watcher_policies.json"
    path.write_text(json.dumps({"schema": "watcher_policies/1", **change}))
    with pytest.raises(BadInput, match=next(iter(change))):
        load_policies(path)


def test_a_step_without_policy_has_no_retries() -> None:
    assert Policies(steps={"1": POLICY}).step("3").retries == 0


def test_every_default_remedy_changes_a_registered_parameter_that_its_step_reads() -> None:
    check_remedies(DEFAULTS, ALL_PARAMETERS)
    for step, policy in DEFAULTS.steps.items():
        read = PipelineParameters().of(step)
        for remedy in policy.remedies:
            assert remedy.parameter.removeprefix("pipeline.") in read, (
                f"step {step} does not read {remedy.parameter}"
            )
