"""The host memory that a task of feature rows takes, and how it is halved by its rows where a machine has not got so much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.compute.task import Task, TaskResult
from engine.pipeline.features_meta import Meta
from engine.pipeline.lint import BLIND_ROWS

BASE = 16 << 20
PER_CELL = 150
"""Bytes of one row's prediction of one draw and of all that is made of it; 120 to 135 were measured."""


def need(rows: int, draws: int) -> int:
    """Return the bytes of host memory that so many rows over so many draws may take at their peak."""
    return BASE + rows * draws * PER_CELL


class RowHalves:
    """Cuts a `table` job by its rows; the first half alone says what leaks, from the same rows as the whole would.

    Columns that are sums may differ from the whole's in their last bit, as they do between two machines.
    """

    def __init__(self, draws: int) -> None:
        """Cut tasks over a history of so many draws."""
        self._draws = draws

    def halve(self, task: Task) -> tuple[Task, Task] | None:
        """Return both halves; None where they would have fewer rows than the leak check looks at."""
        rows = task.params["alignments"]
        half = len(rows) // 2
        if half < BLIND_ROWS:
            return None
        meta = Meta.from_task(task.arrays)
        rest = {name: array for name, array in task.arrays.items() if not name.startswith("meta_")}
        one, two = (
            replace(
                task,
                key=f"{task.key}.{part.start}+{part.stop - part.start}",
                params={**task.params, "alignments": rows[part]},
                arrays={**rest, **meta.rows(part).arrays()},
                memory=need(part.stop - part.start, self._draws),
            )
            for part in (slice(0, half), slice(half, len(rows)))
        )
        return one, two

    def join(self, task: Task, halves: Sequence[TaskResult]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the whole's columns, its arrays joined along their rows."""
        axes = {"x": 1, "targets": 2, "marks": 0}
        arrays = {
            name: np.concatenate([one.arrays[name] for one in halves], axis=axis)
            for name, axis in axes.items()
        }
        return dict(halves[0].meta), arrays
