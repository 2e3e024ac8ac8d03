"""`apply_policy` is pure: deterministic, mutates nothing, invents nothing. Properties over random tables and policies."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.selfplay.policy as module
from engine.selfplay.policy import PolicyError, Table, apply_policy, masked
from engine.selfplay.rules import Filter, Mask, Policy, Weight, Window

NAMES = ("a", "b", "c")


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.integers(10, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = np.round(rng.normal(size=(rows, 3)), draw(st.sampled_from([0, 6])))
    block = np.sort(rng.integers(0, 5, rows)).astype(np.int64)
    return Table(NAMES, x, rng.normal(size=rows), block, np.ones(rows))


columns = st.sampled_from(NAMES)
policies = st.builds(
    Policy,
    filter=st.none()
    | st.builds(
        Filter, column=columns, side=st.sampled_from(["above", "below"]), quantile=st.floats(0.05, 0.9)
    ),
    weight=st.none() | st.builds(Weight, column=columns, power=st.floats(-3, 3)),
    mask=st.none() | st.builds(Mask, columns=st.sets(columns, min_size=1, max_size=2).map(tuple)),
    window=st.none() | st.builds(Window, blocks=st.integers(1, 6)),
)


def applied(policy: Policy, table: Table) -> Table | None:
    try:
        return apply_policy(policy, table)
    except PolicyError:
        return None


def copies(table: Table) -> list[bytes]:
    return [part.tobytes() for part in (table.x, table.y, table.block, table.weight)]


@given(policies, tables())
@settings(max_examples=150, deadline=None)
def test_it_is_deterministic_and_leaves_its_input_as_it_was(policy: Policy, table: Table) -> None:
    before = copies(table)
    first, second = applied(policy, table), applied(policy, table)
    assert copies(table) == before
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert copies(first) == copies(second)
        first.x[:] = -1.0
        first.weight[:] = -1.0
        assert copies(table) == before, "the result shares memory with the input"


@given(policies, tables())
@settings(max_examples=150, deadline=None)
def test_every_row_it_returns_is_a_row_it_was_given(policy: Policy, table: Table) -> None:
    result = applied(policy, table)
    if result is None:
        return
    index = [table.names.index(name) for name in result.names]
    given_rows = {
        (*row, y, b) for row, y, b in zip(table.x[:, index].tolist(), table.y, table.block, strict=True)
    }
    assert {
        (*row, y, b) for row, y, b in zip(result.x.tolist(), result.y, result.block, strict=True)
    } <= given_rows
    assert len(result.y) <= len(table.y)
    assert set(result.names) <= set(table.names)


@given(policies, tables())
@settings(max_examples=100, deadline=None)
def test_weights_are_finite_positive_and_mean_one(policy: Policy, table: Table) -> None:
    result = applied(policy, table)
    if result is not None:
        assert np.isfinite(result.weight).all()
        assert (result.weight > 0).all()
        assert result.weight.mean() == pytest.approx(1.0)


@given(policies, tables())
@settings(max_examples=80, deadline=None)
def test_the_order_of_rows_changes_nothing_but_the_order(policy: Policy, table: Table) -> None:
    order = np.random.default_rng(1).permutation(len(table.y))
    shuffled = Table(table.names, table.x[order], table.y[order], table.block[order], table.weight[order])
    first, second = applied(policy, table), applied(policy, shuffled)
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        pairs = [np.array(sorted(zip(one.y, one.weight, strict=True))) for one in (first, second)]
        assert np.allclose(pairs[0], pairs[1])


def test_the_empty_policy_changes_nothing() -> None:
    table = Table(NAMES, np.arange(36.0).reshape(12, 3), np.arange(12.0), np.arange(12), np.ones(12))
    assert copies(apply_policy(Policy(), table)) == copies(table)
    assert Policy().line() == "unchanged"


def test_test_rows_share_the_mask_only() -> None:
    table = Table(NAMES, np.arange(36.0).reshape(12, 3), np.arange(12.0), np.arange(12), np.ones(12))
    policy = Policy(
        mask=Mask(columns=("b",)),
        window=Window(blocks=10),
        filter=Filter(column="a", side="above", quantile=0.1),
    )
    assert masked(policy, table).names == ("a", "c")
    assert len(masked(policy, table).y) == len(table.y)
    assert apply_policy(policy, table).block.min() >= 2


@pytest.mark.parametrize(
    "policy",
    [
        Policy(mask=Mask(columns=NAMES)),
        Policy(mask=Mask(columns=("z",))),
        Policy(weight=Weight(column="z", power=1.0)),
        Policy(window=Window(blocks=2)),
    ],
)
def test_a_policy_that_leaves_nothing_or_names_the_unknown_is_refused(policy: Policy) -> None:
    table = Table(NAMES, np.arange(36.0).reshape(12, 3), np.arange(12.0), np.arange(12), np.ones(12))
    with pytest.raises(PolicyError):
        apply_policy(policy, table)


def test_the_module_imports_nothing_that_could_make_it_impure() -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    roots = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert roots <= {"__future__", "dataclasses", "numpy", "engine"}
    assert ".random" not in Path(module.__file__).read_text()
