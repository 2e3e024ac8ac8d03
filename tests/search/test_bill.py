"""Everything that is tried is billed before it runs, on every path of the search; a path more, and the bill grows by it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.compute.task import Task, TaskResult
from engine.history.history import History
from engine.search.clock import Offset
from engine.search.identify import identify
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.sweeper import BOOKED, booked_at_once
from state.journal import Journal

pytestmark = pytest.mark.asyncio(loop_scope="package")
Maker = Callable[..., History]
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
    "a draw's own time": Space(
        families=("lcg48/java",),
        mappings=("java_bounded",),
        range=(0, 999),
        gap_law="clock",
        starts=Range(0, 1),
        offsets=(Offset(-50, 50, "s"), Offset(0, 99, "ms")),
    ),
    "in reverse": Space(families=("lcg48/java",), mappings=("java_bounded",), gap_law="inverse", **FEW),
    "words": Space(
        families=("lcg48/java",),
        mappings=("java_bounded", "digits(3)"),
        words=tuple("abcdefg"),
        **{**FEW, "seeds": None},
    ),
    **{
        f"words, {law}": Space(
            families=("lcg48/java",),
            mappings=("java_bounded",),
            words=tuple("abcdefg"),
            gap_law=law,
            **{**FEW, "seeds": None},
        )
        for law in ("range", "periodic", "inverse")
    },
    "states": Space(families=("lcg48/java",), mappings=("java_bounded",), range=(0, 999), methods="algebra"),
    "gaps in turn": Space(families=("lcg48/java",), mappings=("java_bounded",), gap_law="periodic", **FEW),
    "states, gaps in turn": Space(
        families=("lcg48/java",),
        mappings=("java_bounded",),
        range=(0, 999),
        gap_law="periodic",
        gaps=Range(0, 2),
        methods="algebra",
    ),
}


class Watched:
    """A compute engine that notes, for every task it is handed, what the journal had billed by then."""

    def __init__(self, compute: Compute, journal: Journal) -> None:
        self._compute, self._journal = compute, journal
        self.billed: dict[str, int] = {}

    def map(self, tasks: AsyncIterator[Task]) -> AsyncIterator[TaskResult]:
        return self._compute.map(self._noted(tasks))

    async def _noted(self, tasks: AsyncIterator[Task]) -> AsyncIterator[Task]:
        async for task in tasks:
            self.billed[task.key] = self._journal.billed()
            yield task


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_is_billed_whole_before_its_first_task(
    path: str, compute: Compute, journal: Journal, make_history: Maker
) -> None:
    times = [datetime(2026, 1, 31, 12, tzinfo=UTC) + timedelta(seconds=7.3) * place for place in range(60)]
    history = make_history(np.random.default_rng(31).integers(0, 1000, 60), times)
    plan = Question(history, PATHS[path]).plan
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
    assert not found.hypotheses, "chance is not claimed on any path"


async def test_a_path_more_makes_the_bill_grow_by_what_it_tries(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(32).integers(0, 1000, 60))
    one = PATHS["seeds"]
    await identify(history, one, compute, journal, run="one")
    alone = journal.billed()
    more = Space(families=(*one.families, "xorshift32/raw_seed"), mappings=("mod",), **FEW)
    added = sum(cell.tested for cell in Question(history, more).plan.cells if "xorshift" in cell.family)
    await identify(history, more, compute, journal, run="two")
    assert added > 0
    assert journal.billed() == alone + added, "cells that the ledger holds are not billed twice, new ones are"


async def test_cells_are_billed_together_and_never_by_the_engine_s_loop(
    compute: Compute, journal: Journal, make_history: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, bill = [], Journal.bill

    def noted(self: Journal, *what: Any) -> bool:
        threads.append(threading.get_ident())
        return bill(self, *what)

    monkeypatch.setattr(Journal, "bill", noted)
    written: list[int] = []
    journal.listen(written.append)
    history = make_history(np.random.default_rng(33).integers(0, 1000, 60))
    await identify(history, PATHS["two mappings"], compute, journal, run="t")
    assert len(threads) > 1
    assert threading.get_ident() not in threads
    kinds = [event.kind for event in journal.events()]
    first = kinds.index("bill.charged")
    assert kinds[first : first + len(threads)] == ["bill.charged"] * len(threads)
    assert not any(first < seq < first + len(threads) for seq in written), "one transaction for all of them"


async def test_few_chunks_are_billed_before_their_time(make_history: Maker) -> None:
    history = make_history(np.random.default_rng(34).integers(0, 1000, 60))
    cell = Question(history, PATHS["seeds"]).plan.cells[0]
    assert len(list(cell.chunks())) == 1
    large = replace(cell, seeds=Range(0, 2**24 - 1), seconds=1e6)
    assert len(list(large.chunks())) > BOOKED
    groups = list(booked_at_once([cell] * (BOOKED + 1) + [large, cell, large, large]))
    assert [len(group) for group in groups] == [BOOKED, 2, 2, 1]
