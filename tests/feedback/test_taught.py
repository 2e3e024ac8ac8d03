"""A promoted policy reaches step 5: rows, weights and hidden columns are the policy's, and a changed policy makes the step stale."""

from __future__ import annotations

import numpy as np
import pytest

from engine.pipeline.fitting import Rows
from engine.pipeline.taught import fitted, params_of, taught
from engine.pipeline.trainers import TRAINERS
from engine.selfplay.policy import PolicyError
from engine.selfplay.rules import Filter, Mask, Policy, Weight, Window

NAMES = ("match.rate", "noise.a", "noise.b")


def rows(blocks: int = 3, size: int = 40) -> Rows:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(blocks * size, 3))
    return Rows(x, (x[:, 0] > 0).astype(float) * 4, np.full(blocks * size, 5.0), 0.1)


def under(policy: Policy, blocks: int = 3) -> Rows:
    return taught(rows(blocks), list(range(blocks)), params_of(policy, NAMES))


def test_without_a_policy_nothing_changes() -> None:
    given = rows()
    assert taught(given, [0, 1, 2], params_of(Policy(), NAMES)) is given


def test_a_window_keeps_the_newest_blocks_and_a_filter_its_rows() -> None:
    assert np.array_equal(under(Policy(window=Window(blocks=1))).x, rows().x[80:])
    kept = under(Policy(filter=Filter(column="match.rate", side="above", quantile=0.5)))
    assert len(kept.x) == 60
    assert (kept.hits == 4).all(), "hits follow their rows"


def test_a_weight_counts_evidence_up_and_down_without_changing_a_rate() -> None:
    made, plain = under(Policy(weight=Weight(column="noise.a", power=2.0))), rows()
    assert np.allclose(made.hits / made.scored, plain.hits / plain.scored)
    assert made.scored.sum() == pytest.approx(plain.scored.sum())
    assert made.scored.std() > 0


@pytest.mark.parametrize(
    "family",
    [
        "xgboost",
        "lightgbm",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("torch_mlp", "catboost")),
    ],
)
def test_a_hidden_column_says_nothing_to_a_trained_model(family: str) -> None:
    """Loading torch takes seconds of CPU, so the other two are slow."""
    made = under(Policy(mask=Mask(columns=("match.rate",))))
    trainer = TRAINERS[family]
    model = trainer.fit(made, trainer.ladder[0][0], 1, lambda: None)
    one, other = rows().x, rows().x.copy()
    other[:, 0] = np.random.default_rng(2).normal(size=len(other)) * 9
    assert np.allclose(model.margin(one), model.margin(other))


def test_a_policy_is_fitted_to_a_table_whose_columns_have_changed_and_what_is_left_out_is_told() -> None:
    policy = Policy(
        mask=Mask(columns=("gone.mask", "noise.a")), filter=Filter(column="gone.filter", side="above", quantile=0.2),
        weight=Weight(column="noise.b", power=1.0),
    )  # fmt: skip
    made, told = fitted(policy, NAMES)
    assert made == Policy(mask=Mask(columns=("noise.a",)), weight=policy.weight)
    assert [(one.code, one.level, "gone.filter" in one.text) for one in told] == [
        ("policy.misfit", "warn", True)
    ]
    assert fitted(Policy(mask=Mask(columns=("gone.mask",))), NAMES) == (Policy(), [])
    assert fitted(made, NAMES) == (made, [])


def test_a_policy_for_a_column_that_is_gone_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"gone\.column"):
        under(Policy(mask=Mask(columns=("gone.column",))))
