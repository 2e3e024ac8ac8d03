"""What every backend of `Compute` must do; subclass `ComputeContract` and give it a `compute` fixture with two workers.

The fixture starts the backend with `kinds=sample_kinds.KINDS` and runs on the module's loop. Tests leave the backend as they found it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.compute.stop import StopWord
from engine.compute.task import Task, TaskResult


async def until(condition: Any, limit: float = 60.0) -> float:
    """Wait for a condition and return how long it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < limit, "waited in vain"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


def tasks(kind: str, count: int, **params: Any) -> Iterator[Task]:
    return (Task(kind, f"{kind}-{index}", {**params, "index": index}) for index in range(count))


class ComputeContract:
    """The promises in the docstring of `Compute`, one test each."""

    state: Path

    async def test_params_and_arrays_arrive_and_come_back_as_they_are(self, compute: Compute) -> None:
        params = {"text": "ä", "list": [1, 2.5, None, True], "deep": {"a": {"b": []}}}
        arrays = {"v": np.arange(6, dtype=">i4").reshape(2, 3), "empty": np.zeros((0, 3))}
        result = await compute.run(Task("echo", "one", params, arrays))
        assert (result.key, result.ok, result.error, result.stopped) == ("one", True, None, False)
        assert result.meta["got"] == params
        assert result.arrays["v"].tolist() == [[0, 2, 4], [6, 8, 10]]
        assert result.arrays["empty"].shape == (0, 3)
        assert result.worker in {worker.name for worker in compute.workers()}

    async def test_large_arrays_survive_the_way(self, compute: Compute) -> None:
        big = np.random.default_rng(1).integers(0, 1 << 30, 3_000_000)
        result = await compute.run(Task("echo", "big", {}, {"big": big}))
        assert np.array_equal(result.arrays["big"], big * 2)

    @pytest.mark.parametrize("isolate", [False, True])
    async def test_a_failing_kind_gives_a_failed_result_with_one_line(
        self, compute: Compute, isolate: bool
    ) -> None:
        result = await compute.run(Task("boom", "b", {}, isolate=isolate))
        assert not result.ok
        assert not result.stopped
        assert result.error is not None
        assert result.error.startswith("ValueError: first line | second line at sample_kinds.py:")
        assert "\n" not in result.error

    async def test_a_kind_that_leaves_does_not_take_the_worker_with_it(self, compute: Compute) -> None:
        result = await compute.run(Task("leave", "l", {}))
        assert result.error is not None
        assert result.error.startswith("SystemExit: 3")
        assert (await compute.run(Task("echo", "after", {}))).ok

    async def test_an_isolated_child_that_dies_leaves_exit_code_and_last_words(
        self, compute: Compute
    ) -> None:
        result = await compute.run(Task("leave", "l", {"hard": True}, isolate=True))
        assert result.error == "child ended with exit code 3; stderr: leaving"

    async def test_what_does_not_travel_is_a_failed_result(self, compute: Compute) -> None:
        nan = await compute.run(Task("unjson", "nan", {}))
        assert nan.error is not None
        assert "score is nan" in nan.error
        asked = await compute.run(Task("echo", "set", {"bad": {1, 2}}))
        assert asked.error is not None
        assert "bad is a set" in asked.error
        unknown = await compute.run(Task("no such", "k", {}))
        assert unknown.error is not None
        assert unknown.error.startswith("unknown kind")

    async def test_an_isolated_task_has_its_own_process_and_threads(self, compute: Compute) -> None:
        inside = await compute.run(Task("threads", "in", {}))
        alone = await compute.run(Task("threads", "out", {}, isolate=True, threads=3))
        assert inside.meta["omp"] == "1"
        assert alone.meta["omp"] == "3"
        assert alone.meta["parent"] in {worker.pid for worker in compute.workers()}

    async def test_map_gives_every_task_exactly_once(self, compute: Compute) -> None:
        results = [result async for result in compute.map(tasks("echo", 40))]
        assert sorted(result.meta["got"]["index"] for result in results) == list(range(40))

    async def test_map_reads_tasks_that_wait_for_something_while_those_before_run(
        self, compute: Compute, tmp_path: Path
    ) -> None:
        mark = tmp_path / "first"

        async def waiting() -> AsyncIterator[Task]:
            yield Task("obey", "first", {"mark": str(mark)})
            await until(mark.exists, 5)
            yield Task("echo", "second", {})

        async with aclosing(compute.map(waiting())) as results:
            assert (await anext(results)).key == "second"

    async def test_map_loses_no_failure(self, compute: Compute) -> None:
        mixed = [
            Task(kind, f"{kind}{index}", {})
            for index in range(5)
            for kind in ("echo", "boom", "unjson", "none")
        ]
        results = [result async for result in compute.map(mixed)]
        assert sorted(result.key for result in results) == sorted(task.key for task in mixed)
        assert sum(result.ok for result in results) == 5

    async def test_map_yields_in_order_of_completion(self, compute: Compute) -> None:
        slow, quick = Task("nap", "slow", {"seconds": 0.6}), Task("nap", "quick", {"seconds": 0.0})
        assert [result.key async for result in compute.map([slow, quick])] == ["quick", "slow"]

    async def test_no_task_waits_behind_a_long_one_while_a_worker_is_free(self, compute: Compute) -> None:
        long = asyncio.ensure_future(compute.run(Task("nap", "long", {"seconds": 2.0})))
        await until(lambda: any(worker.busy for worker in compute.workers()))
        await asyncio.gather(*(compute.run(task) for task in tasks("nap", 3, seconds=0.05)))
        assert not long.done()
        assert (await long).ok

    async def test_map_reads_only_as_far_as_its_window(self, compute: Compute) -> None:
        read = 0

        def endless() -> Iterator[Task]:
            nonlocal read
            while True:
                read += 1
                yield Task("echo", f"e{read}", {})

        results, most = 0, 0
        async for _ in compute.map(endless()):
            results += 1
            most = max(most, read - results)
            if results == 20:
                break
        assert most <= 5
        await asyncio.sleep(0)
        assert read <= 25

    async def test_a_smaller_window_is_kept(self, compute: Compute) -> None:
        results = [result async for result in compute.map(tasks("nap", 4, seconds=0.05), window=1)]
        assert [result.meta["pid"] for result in results]
        assert [result.key for result in results] == [f"nap-{index}" for index in range(4)]

    async def test_closing_a_map_frees_the_workers(self, compute: Compute, tmp_path: Path) -> None:
        running = compute.map(
            Task("obey", str(index), {"mark": str(tmp_path / str(index))}) for index in range(6)
        )
        first = asyncio.ensure_future(anext(running))
        await until(lambda: sum(worker.busy for worker in compute.workers()) == 2)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await running.aclose()
        assert await until(lambda: not any(worker.busy for worker in compute.workers())) < 2
        assert (await compute.run(Task("echo", "after", {}))).ok

    # -- halt ---------------------------------------------------------------------------------------------------------

    async def _halted(
        self, compute: Compute, work: list[Task], marks: Path, wanted: int = 2
    ) -> tuple[list[TaskResult], float]:
        """Run `work`, halt once `wanted` tasks have begun, and return results and seconds from halt to the last result."""
        gathering = asyncio.gather(*(compute.run(task) for task in work))
        await until(lambda: len(list(marks.iterdir())) >= wanted)
        begun = time.monotonic()
        compute.stop_now()
        try:
            return await gathering, time.monotonic() - begun
        finally:
            compute.resume()

    @pytest.mark.parametrize("kind", ["spin", "obey"])
    async def test_a_halt_brings_running_and_queued_work_back_within_a_second(
        self, compute: Compute, tmp_path: Path, kind: str
    ) -> None:
        work = [Task(kind, str(index), {"mark": str(tmp_path / str(index))}) for index in range(12)]
        results, seconds = await self._halted(compute, work, tmp_path)
        assert seconds < 1.0
        assert all(result.stopped and not result.ok for result in results)
        assert len(list(tmp_path.iterdir())) == 2, "a queued task began after the halt"
        assert all(worker.alive for worker in compute.workers()), "an obedient worker was killed"

    async def test_partial_work_of_a_silent_kind_is_stopped_but_kept(
        self, compute: Compute, tmp_path: Path
    ) -> None:
        results, _ = await self._halted(
            compute, [Task("spin", "s", {"mark": str(tmp_path / "m")})], tmp_path, 1
        )
        assert (results[0].stopped, results[0].ok, results[0].meta) == (True, False, {"partial": True})

    async def test_a_halt_kills_isolated_children_and_what_they_started(
        self, compute: Compute, tmp_path: Path
    ) -> None:
        work = [
            Task("family", str(index), {"mark": str(tmp_path / str(index))}, isolate=True)
            for index in range(3)
        ]
        results, seconds = await self._halted(compute, work, tmp_path)
        assert seconds < 1.0
        assert all(result.stopped for result in results)
        assert sum("child killed" in (result.error or "") for result in results) == 2
        pids = [int(pid) for mark in tmp_path.iterdir() for pid in mark.read_text().split()]
        await until(lambda: not any(running(pid) for pid in pids), 2)

    async def test_a_halt_reaches_even_work_that_ignores_it(self, compute: Compute, tmp_path: Path) -> None:
        results, seconds = await self._halted(
            compute, [Task("deaf", "d", {"mark": str(tmp_path / "m")})], tmp_path, 1
        )
        assert seconds < 1.0
        assert results[0].stopped
        pid = int((tmp_path / "m").read_text())
        await until(lambda: not running(pid), 2)
        await until(lambda: all(worker.alive for worker in compute.workers()))

    async def test_after_a_halt_nothing_runs_until_resume(self, compute: Compute) -> None:
        compute.stop_now()
        assert (await compute.run(Task("echo", "held", {}))).stopped
        assert [result.stopped async for result in compute.map(tasks("echo", 3))] == [True]
        assert [result async for result in compute.map([])] == []
        compute.resume()
        assert (await compute.run(Task("echo", "free", {}))).ok

    async def test_a_map_that_was_halted_stays_halted_after_resume(self, compute: Compute) -> None:
        results = compute.map(tasks("nap", 50, seconds=0.02))
        await anext(results)
        compute.stop_now()
        compute.resume()
        rest = [result async for result in results]
        assert len(rest) <= 5, "what was in flight, and one that says that it was halted"
        assert not any(result.ok for result in rest if result.seconds == 0)

    async def test_another_process_or_thread_can_halt(self, compute: Compute, tmp_path: Path) -> None:
        work = [compute.run(Task("obey", "o", {"mark": str(tmp_path / "m")}))]
        gathering = asyncio.gather(*work)
        await until(lambda: (tmp_path / "m").exists())
        thread = threading.Thread(target=lambda: StopWord(self.state / "stop.word").bump())
        thread.start()
        begun = time.monotonic()
        assert (await gathering)[0].stopped
        assert time.monotonic() - begun < 1
        thread.join()
        compute.resume()

    # -- faults -------------------------------------------------------------------------------------------------------

    async def test_a_task_whose_worker_dies_is_run_again(self, compute: Compute, tmp_path: Path) -> None:
        others = asyncio.gather(*(compute.run(task) for task in tasks("nap", 6, seconds=0.05)))
        result = await compute.run(Task("die_once", "d", {"mark": str(tmp_path / "m")}))
        assert result.ok
        assert all(other.ok for other in await others)
        await until(lambda: all(worker.alive for worker in compute.workers()))

    async def test_a_task_that_kills_every_worker_is_failed_and_harms_nobody_else(
        self, compute: Compute, tmp_path: Path
    ) -> None:
        others = asyncio.gather(*(compute.run(task) for task in tasks("nap", 12, seconds=0.1)))
        result = await compute.run(Task("die", "poison", {"mark": str(tmp_path / "m")}))
        assert not result.ok
        assert not result.stopped
        assert result.error is not None
        assert "worker died 4 times" in result.error
        assert (tmp_path / "m").read_text() == "xxxx"
        assert all(other.ok for other in await others)
        await until(lambda: all(worker.alive for worker in compute.workers()))

    async def test_the_rate_counts_the_hypotheses_of_results(self, compute: Compute) -> None:
        before = sum(compute.rate_series(600))
        for task in tasks("nap", 3, seconds=0.1, hypotheses=1000):
            await compute.run(task)
        await asyncio.sleep(1.1)
        assert sum(compute.rate_series(600)) - before == pytest.approx(3000)
        assert all(one.rate is None or 0 < one.rate < 11_000 for one in compute.workers())
        assert any(one.rate for one in compute.workers())


def running(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
