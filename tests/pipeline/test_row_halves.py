"""A task of feature rows that is halved gives the table, targets and marks of the whole, and finds the same leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.compute.stop import Stop, StopWord
from engine.compute.task import Task, TaskResult
from engine.pipeline.feature_task import run_task
from engine.pipeline.features_meta import ARRAYS, Meta
from engine.pipeline.lint import BLIND_ROWS
from engine.pipeline.replay import Lines
from engine.pipeline.row_halves import PER_CELL, RowHalves, need
from engine.search.alignment import Alignment, Gap, Origin

ROWS, DRAWS = 2 * BLIND_ROWS + 5, 60


def task() -> Task:
    rows = [
        Alignment(
            family="lcg48/java", mapping="java_bounded", range=(0, 9), origin=Origin.seed(1 + row, 48), start=2, gap=Gap.constant(row % 3)
        ).model_dump(mode="json")
        for row in range(ROWS)
    ]  # fmt: skip
    rng = np.random.default_rng(4)
    lines = Lines(rng.integers(0, 10, DRAWS), np.full(DRAWS, -1), ())
    meta = Meta({name: rng.integers(1, 20, ROWS) for name in ARRAYS})
    params = {
        "job": "table", "alignments": rows, "range": [0, 9], "labels": [], "reads": [20, 40, DRAWS], "blocks": [[20, 40], [40, DRAWS]],
        "seed": 1,
    }  # fmt: skip
    return Task("features", "k", params, {**lines.arrays(), **meta.arrays()}, memory=need(ROWS, DRAWS))


def test_halves_give_the_whole_table(tmp_path) -> None:
    whole, split = task(), RowHalves(DRAWS)
    stop = Stop(StopWord(tmp_path / "word"), 0)

    def performed(one: Task) -> TaskResult:
        meta, arrays = run_task(one.params, dict(one.arrays), stop)
        return TaskResult(one.key, True, meta, arrays, None, 0.0, "w", False)

    halves = split.halve(whole)
    assert halves is not None
    assert sum(len(half.params["alignments"]) for half in halves) == ROWS
    assert all(half.memory < whole.memory for half in halves)
    meta, arrays = split.join(whole, [performed(half) for half in halves])
    wanted = performed(whole)
    assert meta == wanted.meta
    assert list(arrays) == list(wanted.arrays)
    for name in ("targets", "marks"):
        assert np.array_equal(arrays[name], wanted.arrays[name])
    # Sums over rows of another number are rounded otherwise in their last bit.
    np.testing.assert_allclose(arrays["x"], wanted.arrays["x"], rtol=1e-12, atol=1e-15)
    few = replace(
        whole, params={**whole.params, "alignments": whole.params["alignments"][: 2 * BLIND_ROWS - 1]}
    )
    assert split.halve(few) is None
    assert need(256, 1_000_000) > 256 * 1_000_000 * PER_CELL
