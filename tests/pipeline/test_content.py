"""Content checks: each silent fault of the past, planted, is found."""

from dataclasses import replace

import numpy as np
import pytest

from engine.pipeline import content
from engine.pipeline.artifacts import SCORED, SURVIVORS, Pool
from engine.pipeline.pool import make
from engine.pipeline.scored import Scored
from engine.search.survivors import Survivors


@pytest.fixture
def scored(full_run):
    return Scored.from_bytes(full_run.ctx.artifacts.read_bytes(SCORED))


@pytest.fixture
def survivors(full_run):
    return Survivors.from_bytes(full_run.ctx.artifacts.read_bytes(SURVIVORS))


def codes(findings):
    return {finding.code for finding in findings if finding.level == "fail"}


def test_a_healthy_run_has_no_finding(full_run):
    assert not set().union(*(codes(one.findings) for one in full_run.outcomes.values()))


def test_frozen_trials_equal_directions_doubles_and_tiny_files_are_found(survivors):
    same = survivors.with_columns(backward_matched=survivors["forward_matched"])
    assert "directions.equal" in codes(content.window_search([1.0, 2.0], same, 10**6))
    assert "trials.equal" in codes(content.window_search([1.0] * 4, survivors, 10**6))
    assert "artifact.small" in codes(content.window_search([1.0, 2.0], survivors, 10))
    twice = Survivors.join(survivors.header, [survivors, survivors.take([0])])
    assert "survivors.twice" in codes(content.window_search([1.0, 2.0], twice, 10**6))


def test_null_twins_that_meet_far_more_or_less_than_chance_are_found():
    assert content.null_counts(120.0, 100.0) == content.null_counts(0.0, 3.0) == []
    assert codes(content.null_counts(900.0, 100.0)) == {"twins.many"}
    assert codes(content.null_counts(0.0, 500.0)) == {"twins.few"}


def test_a_scorer_without_weights_is_found():
    assert codes(content.scorer_search([0.1, 0.2], [0.0, 0.0])) == {"scorer.empty"}


def test_constant_and_infinite_columns_are_found(scored):
    x = scored.x.copy()
    x[:, :, 2] = 4.0
    assert "column.constant" in codes(content.scored(replace(scored, x=x), 10**7))
    x[0, 0, 1] = np.nan
    assert "column.infinite" in codes(content.scored(replace(scored, x=x), 10**7))


def test_a_column_that_is_the_label_is_a_leak_and_one_that_is_another_a_copy(scored):
    targets, x = np.full_like(scored.targets, 12), scored.x.copy()
    targets[0] = np.arange(targets[0].size).reshape(targets[0].shape) % 13
    scored = replace(scored, targets=targets)
    x[: len(targets[0]), :, 2] = targets[0] / 4.0 - 1.0
    found = {one.code: one for one in content.scored(replace(scored, x=x), 10**7)}
    assert found["column.leak"].level == "fail"
    x[:, :, 2] = -2.0 * x[:, :, 3]
    found = {one.code: one for one in content.scored(replace(scored, x=x), 10**7)}
    assert found["column.copy"].level == "warn"
    assert "column.leak" not in found


def test_models_that_agree_to_the_last_digit_are_found():
    rate = np.array([0.1, 0.2])
    assert codes(content.training({"a": rate, "b": rate}, [1.0, 2.0])) == {"models.equal"}
    assert "episodes.durations" in codes(
        content.training({"a": rate, "b": rate * 2, "c": rate * 3}, [1.0, 1.0, 1.0])
    )
    assert codes(content.architectures({"a": [0.5], "b": [0.5]})) == {"models.equal"}


def test_a_pool_that_does_not_sum_to_one_is_found():
    uniform = make(
        [], history="h", for_draw=1, session=None, span=(0, 9), basis="evidence", model="", heads=1
    )
    assert codes(content.pool(uniform)) == set()
    assert codes(content.pool(uniform.model_copy(update={"rest": 0.2}))) == {"pool.sum"}
    assert "pool.uniform" in codes(content.pool(uniform.model_copy(update={"uniform": False})))
    assert isinstance(uniform, Pool)
