"""A map that a halt ends before it began: what the ledger holds is served, what it does not hold is halted, never called exhausted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.task import Task, TaskResult
from engine.history.history import History
from engine.search.analysis import Analysis
from engine.search.identify import Identification
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from state.journal import Journal

SPACE = Space(range=(0, 999), families=("lcg48/java",), mappings=("java_bounded",), seeds=Range(0, 8191), starts=Range(0, 3), gaps=Range(0, 3))  # fmt: skip


class Here:
    """The compute engine's interface in this process; `most` tasks are done, then the map ends as a halted one does."""

    def __init__(self, folder: Path, most: int) -> None:
        self.word, self.most = StopWord(folder / "stop.word"), most

    async def map(
        self, tasks: AsyncIterator[Task], *, window: int | None = None
    ) -> AsyncIterator[TaskResult]:
        if self.most == 0:
            return
        number = 0
        async for task in tasks:
            number += 1
            meta, arrays = resolve(task.kind)(
                dict(task.params), dict(task.arrays), Stop(self.word, self.word.generation())
            )
            yield TaskResult(task.key, True, meta, arrays, None, 0.01, "here", False)
            if number == self.most:
                return


async def searched(journal: Journal, compute: Any) -> Analysis:
    values = host.values("lcg48/java", "java_bounded", 4711, 0, 999, 60, start=2, gap=1)
    return await Identification(Question(History.of(values.tolist()), SPACE)).run(compute, journal)


async def test_a_halt_before_the_first_task_is_a_halt(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert (await searched(journal, Here(tmp_path, 0))).stopped_by == "halt"


async def test_what_the_ledger_holds_is_found_though_nothing_may_run(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        whole = await searched(journal, Here(tmp_path, 10_000))
        assert (whole.verdict, whole.stopped_by) == ("identified", "found")
        again = await searched(journal, Here(tmp_path, 0))
        assert (again.verdict, again.stopped_by) == (whole.verdict, whole.stopped_by)
        assert again.hypotheses == whole.hypotheses
