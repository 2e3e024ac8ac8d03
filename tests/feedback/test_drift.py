"""Feature drift is measured in the blocks' own spread and put on record with the columns that moved most."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from engine.feedback.drift import DRIFT, drifted, shifts
from state.journal import Journal


def table(ahead: float) -> SimpleNamespace:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 200, 3))
    x[:, :, 2] = 1.0
    x[-1, :, 1] += ahead
    return SimpleNamespace(head=SimpleNamespace(names=("still", "moving", "constant")), x=x)


def test_a_column_that_moved_stands_out_and_a_constant_one_is_still() -> None:
    found = shifts(table(2.0))
    assert found["moving"] > 10
    assert abs(found["still"]) < 3
    assert found["constant"] == 0.0


def test_the_record_names_the_columns_that_moved_most(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        drifted(journal, table(2.0), "run-0001")
        event = journal.last([DRIFT])
    assert event is not None
    assert (event.data["columns"], event.data["far"], event.data["most"][0]["name"]) == (3, 1, "moving")
