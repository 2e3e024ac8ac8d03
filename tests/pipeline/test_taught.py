"""The active policy reaches training: read as acceptance wrote it, part of the lineage, and it changes what a model is taught on."""

import numpy as np

from engine.pipeline.fitting import Rows
from engine.pipeline.shelf import Shelf
from engine.pipeline.taught import active_policy, params_of, taught
from engine.selfplay.active import ACTIVE_POLICY, ActivePolicy
from engine.selfplay.rules import Mask, Policy, Window
from state.artifacts import Lineage

HIDDEN = Policy(mask=Mask(columns=("late",)), window=Window(blocks=1))


def test_step_5_reads_the_policy_that_acceptance_wrote(planted) -> None:
    assert active_policy(Shelf(planted, "5")) == Policy()
    told = ActivePolicy(policy=HIDDEN)
    planted.artifacts.write_json(ACTIVE_POLICY, told.model_dump(mode="json"), Lineage(schema=told.schema_))
    shelf = Shelf(planted, "5")
    assert active_policy(shelf) == HIDDEN
    assert shelf.inputs[ACTIVE_POLICY] == planted.artifacts.ref(ACTIVE_POLICY).sha256


def test_the_policy_cuts_rows_and_blinds_columns_and_none_changes_nothing() -> None:
    rows = Rows(np.arange(60.0).reshape(30, 2) + 1.0, np.ones(30), np.full(30, 9.0), 0.1)
    names = ("early", "late")
    assert taught(rows, [0, 1, 2], params_of(Policy(), names)) is rows
    seen = taught(rows, [0, 1, 2], params_of(HIDDEN, names))
    assert seen.x[:, 0].tolist() == rows.x[20:, 0].tolist()
    assert not seen.x[:, 1].any()
    assert (len(seen.hits), len(seen.scored)) == (10, 10)
