"""Everything that is tried is billed before it runs, on every path of the search; a path more, and the bill grows by it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.compute.task import Task, TaskResult
from engine.history.history import History
from engine.search.identify import Identification, identify
from engine.search.ranges import Range
from engine.search.space import Space
from state.journal import Journal

pytestmark = pytest.mark.asyncio(loop_scope="package")
Maker = Callable[[np.ndarray], History]
FEW: dict[str, Any] = {"range": (0, 999), "seeds": Range(0, 4095), "starts": Range(0, 1), "gaps": Range(0, 2)}
PATHS: dict[str, Space] = {
    "seeds": Space(families=("glibc_random/type3",), mappings=("mod",), **FEW),
    "two mappings": Space(families=("lcg48/java",), mappings=("java_bounded", "float(53)"), **FEW),
    "a call without a filter": Space(families=("lcg48/java",), mappings=("digits(3)",), **FEW),
    "a formula": Space(families=("lcg48/java",), mappings=("formula(floor(u*1000))",), **FEW),
    "gaps that vary": Space(families=("lcg48/java",), mappings=("java_bounded",), gap_law="range", **FEW),
    "a seed a draw": Space(
        families=("lcg48/java",), mappings=("java_bounded",), gap_law="reseed", **{**FEW, "gaps": Range(1, 2)}
    ),
    "states": Space(families=("lcg48/java",), mappings=("java_bounded",), range=(0, 999), methods="algebra"),
    "patterns of gaps": Space(
        families=("lcg48/java",),
        mappings=("java_bounded",),
        range=(0, 999),
        gap_law="periodic",
        gaps=Range(0, 2),
    ),
}


class Watched:
    """A compute engine that notes, for every task it is handed, what the journal had billed by then."""

    def __init__(self, compute: Compute, journal: Journal) -> None:
        self._compute, self._journal = compute, journal
        self.billed: dict[str, int] = {}

    def map(self, tasks: Iterable[Task]) -> AsyncIterator[TaskResult]:
        return self._compute.map(self._noted(tasks))

    def _noted(self, tasks: Iterable[Task]) -> Iterator[Task]:
        for task in tasks:
            self.billed[task.key] = self._journal.billed()
            yield task


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_is_billed_whole_before_its_first_task(
    path: str, compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(31).integers(0, 1000, 60))
    plan = Identification(history, PATHS[path]).plan
    assert plan.cells
    watched = Watched(compute, journal)
    found = await identify(history, PATHS[path], watched, journal, run="t")  # type: ignore[arg-type]
    owed = 0
    for cell in plan.cells:
        owed += cell.tested
        billed = [sum_ for key, sum_ in watched.billed.items() if key.rsplit("/", 1)[0] == cell.key]
        assert billed, f"{cell.key} was never run"
        assert min(billed) >= owed
    assert journal.billed() == found.hypotheses_tested == plan.hypotheses


async def test_a_path_more_makes_the_bill_grow_by_what_it_tries(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(32).integers(0, 1000, 60))
    one = PATHS["seeds"]
    await identify(history, one, compute, journal, run="one")
    alone = journal.billed()
    more = Space(families=(*one.families, "xorshift32/raw_seed"), mappings=("mod",), **FEW)
    added = sum(cell.tested for cell in Identification(history, more).plan.cells if "xorshift" in cell.family)
    await identify(history, more, compute, journal, run="two")
    assert added > 0
    assert journal.billed() == alone + added, "cells that the ledger holds are not billed twice, new ones are"
