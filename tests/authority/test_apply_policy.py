"""`apply_policy()` is pure: stateless, deterministic, invents no data, mutates nothing."""

from __future__ import annotations

import numpy as np
import pytest
import walls

from engine.selfplay.policy import PolicyError, Table, apply_policy
from engine.selfplay.rules import Policy


def table(seed: int) -> Table:
    rng = np.random.default_rng(seed)
    rows = 60
    made = Table(
        ("a", "b", "c"), rng.random((rows, 3)), rng.random(rows), np.repeat(np.arange(6), 10), np.ones(rows)
    )
    for part in (made.x, made.y, made.block, made.weight):
        part.setflags(write=False)
    return made


POLICIES = [
    Policy.model_validate(one)
    for one in (
        {},
        {"window": {"blocks": 3}},
        {"filter": {"column": "a", "quantile": 0.5, "side": "above"}},
        {"weight": {"column": "b", "power": 1.0}},
        {"mask": {"columns": ["c"]}},
        {
            "window": {"blocks": 4},
            "filter": {"column": "a", "quantile": 0.2, "side": "below"},
            "weight": {"column": "b", "power": -2.0},
        },
    )
]


@pytest.mark.parametrize("seed", range(4))
def test_the_same_table_gives_the_same_rows_and_stays_as_it_is(seed: int) -> None:
    given = table(seed)
    before = (given.x.tobytes(), given.y.tobytes(), given.weight.tobytes())
    for policy in POLICIES:
        np.random.seed(seed)
        first = apply_policy(policy, given)
        np.random.seed(seed + 1)
        second = apply_policy(policy, given)
        assert first.x.tobytes() == second.x.tobytes()
        assert first.weight.tobytes() == second.weight.tobytes()
        rows = {tuple(row) for row in given.x[:, [given.names.index(name) for name in first.names]].tolist()}
        assert {tuple(row) for row in first.x.tolist()} <= rows, "no invented row"
    assert (given.x.tobytes(), given.y.tobytes(), given.weight.tobytes()) == before


@pytest.mark.parametrize("imported", ["random", "time", "os", "pathlib", "state.journal"])
def test_an_import_that_could_remember_or_look_breaks_the_build(imported: str) -> None:
    assert walls.kept("evidence and policy transforms are pure")
    assert walls.held_off("evidence and policy transforms are pure", "engine.selfplay.policy", imported)


def test_a_column_that_is_not_there_is_refused_not_invented() -> None:
    for policy in POLICIES:
        if policy in (POLICIES[0], POLICIES[1]):
            continue
        other = Table(("z",), np.ones((20, 1)), np.ones(20), np.zeros(20, dtype=np.int64), np.ones(20))
        with pytest.raises(PolicyError):
            apply_policy(policy, other)
