"""In the live loop a missed stream is looked for under another seed; found, it opens an epoch and is in force; chance takes nothing over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.task import Task, TaskResult
from engine.errors import Halted
from engine.feedback.epochs import Epochs
from engine.feedback.pools import Pools, moved
from engine.feedback.reacquirer import LEAST, MOST, REACQUIRED, Reacquirer, bounds
from engine.history.store import Arrival, DrawStore
from engine.pipeline.artifacts import Pool
from engine.pipeline.pool import Believer, make
from engine.search.alignment import Alignment, Gap, Origin
from engine.search.ranges import Range
from engine.search.space import Space
from engine.status import ALERT
from hip_cuda_kernels import host
from state.journal import Journal

OLD, NEW, KNOWN, GAP = 77, 4242, 40, 2


def stream(seed: int, count: int) -> list[int]:
    return [
        int(one) for one in host.values("lcg48/java", "java_bounded", seed, 0, 999, count, start=1, gap=GAP)
    ]


def pool(trust: float = 0.999, seed: int = OLD) -> Pool:
    alignment = Alignment(
        family="lcg48/java", mapping="java_bounded", range=(0, 999), origin=Origin.seed(seed, 48), start=1, gap=Gap.constant(GAP)
    )  # fmt: skip
    believer = Believer(alignment, KNOWN, trust, 0.8, 30, 40)
    return make([believer], history="h", for_draw=KNOWN, session=None, span=(0, 999), basis="model", model="m", heads=20)  # fmt: skip


class Bench:
    """Runs the search where it stands, or ends it as told."""

    def __init__(self, word: StopWord) -> None:
        self.asked: list[Task] = []
        self.fault: str | None = None
        self._stop = Stop(word, word.generation())

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Bench]:
        yield self

    async def run(self, task: Task) -> TaskResult:
        self.asked.append(task)
        if self.fault == "halted":
            raise Halted("halted by ops")
        if self.fault is not None:
            return TaskResult(task.key, False, {}, {}, self.fault, 0.0, "inline", False)
        meta, arrays = resolve(task.kind)(task.params, task.arrays, self._stop)
        return TaskResult(task.key, True, meta, arrays, None, 0.0, "inline", False)


class Room:
    """A live loop over a journal and a store: each draw is judged by the pool committed before it."""

    def __init__(self, folder: Path) -> None:
        self.journal, self.draws = Journal.open(folder), DrawStore.open(folder / "history")
        self.word = StopWord(folder / "stop.word")
        self.bench, self.epochs = Bench(self.word), Epochs(self.journal)
        self.draws.append([Arrival(value) for value in stream(OLD, KNOWN)])
        self.pools = Pools(self.journal, self.draws)
        self.pools.publish(pool())
        self.open()

    def open(self) -> None:
        space = Space(seeds=(Range(0, 16383),))
        self.found = Reacquirer(
            self.journal, self.draws, self.pools, self.bench, self.epochs, lambda: space, lambda: None
        )

    async def commit(self) -> None:
        coming = self.draws.last
        told = await self.pools.reissue(coming)
        assert told is not None
        await asyncio.to_thread(self.journal.predictions.commit, coming, str(told["sha256"]), dict(told))

    async def walk(self, values: list[int]) -> list[int | None]:
        """Feed draws; return the value named first by the pool that was committed for each."""
        serving, named = asyncio.create_task(self.found.serve()), []
        try:
            for value in values:
                await self.commit()
                row = self.journal.predictions.committed(self.draws.last)
                assert row is not None
                named.append(row.pool["heads"][0][0] if row.pool["heads"] else None)
                self.draws.append([Arrival(value)])
                await self.found.turn()
                while self.found.searching:  # noqa: ASYNC110 - the search is over within milliseconds
                    await asyncio.sleep(0.001)
                await self.found.turn()
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        return named

    def close(self) -> None:
        self.draws.close()
        self.journal.close()
        self.word.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.close()


async def test_a_reseeded_stream_is_in_force_again_and_opens_an_epoch_at_its_first_draw(room: Room) -> None:
    right = stream(OLD, KNOWN + 6)[KNOWN:] + stream(NEW, 14)
    named = await room.walk(right)
    assert named[:6] == right[:6]
    assert named[10:] == right[10:], "three misses, a search, and it is named again"
    assert room.epochs.now.since == KNOWN + 6
    event = room.journal.last([REACQUIRED])
    assert event is not None
    assert (event.data["seed"], event.data["before"], event.data["since"]) == (NEW, OLD, KNOWN + 6)
    committed = room.journal.predictions.latest()
    assert committed is not None
    assert committed.pool["model"] == f"m, reseeded at draw {KNOWN + 6}", (
        "a new model: the trigger starts anew"
    )
    assert all(task.params["seeds"] == [0, 16383] for task in room.bench.asked)


async def test_a_second_reseed_is_found_as_the_first_was(room: Room) -> None:
    right = stream(NEW, 8) + stream(9000, 10)
    named = await room.walk(right)
    assert named[-4:] == right[-4:]
    assert room.epochs.now.since == KNOWN + 8


async def test_chance_takes_nothing_over(room: Room) -> None:
    await room.walk([int(one) for one in np.random.default_rng(5).integers(0, 1000, 30)])
    assert len(room.bench.asked) > 20
    assert room.journal.last([REACQUIRED]) is None
    assert room.epochs.now.number == 1


async def test_after_a_crash_between_draws_the_misses_are_counted_again(room: Room) -> None:
    right = stream(NEW, 8)
    room.bench.fault = "halted"
    await room.walk(right[:5])
    room.bench.fault = None
    room.pools = Pools(room.journal, room.draws)
    room.epochs = Epochs(room.journal)
    room.open()
    named = await room.walk(right[5:])
    assert named[1:] == right[6:]
    assert room.epochs.now.since == KNOWN


async def test_a_search_that_fails_is_an_alert_and_the_next_draw_asks_again(room: Room) -> None:
    room.bench.fault = "worker lost"
    await room.walk(stream(NEW, 4))
    alert = room.journal.last([ALERT])
    assert alert is not None
    assert "worker lost" in alert.data["text"]
    asked = len(room.bench.asked)
    await room.walk(stream(NEW, 5)[4:])
    assert len(room.bench.asked) > asked


async def test_what_hits_outranks_a_pool_that_trusts_nothing_and_what_misses_does_not(room: Room) -> None:
    even = pool(trust=0.0)
    await room.walk(stream(OLD, KNOWN + 3)[KNOWN:])
    assert room.found.outranks(even)
    assert not room.found.outranks(pool())
    room.bench.fault = "nothing is found"
    await room.walk([int(one) for one in np.random.default_rng(6).integers(0, 1000, 4)])
    assert not room.found.outranks(even)


async def test_a_pool_that_a_search_published_meanwhile_is_not_replaced(room: Room) -> None:
    room.bench.fault = "halted"
    await room.walk(stream(NEW, 5))
    room.bench.fault = None
    serving = asyncio.create_task(room.found.serve())
    await room.commit()
    room.draws.append([Arrival(stream(NEW, 6)[5])])
    await room.found.turn()
    assert room.found.searching
    while room.found.searching:  # noqa: ASYNC110 - the search is over within milliseconds
        await asyncio.sleep(0.001)
    other = moved(pool(seed=123), room.draws.last - KNOWN)
    room.pools.publish(other)
    assert not await room.found.turn()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    standing = room.pools.at(room.draws.last)
    assert standing is not None
    assert standing.model == other.model
    assert room.journal.last([REACQUIRED]) is None


@pytest.mark.parametrize(
    ("asked", "trusted", "expected"),
    [
        ((Range(0, 99), Range(500, 999)), 600, (500, 999)),
        ((Range(0, 99),), 600, (0, LEAST - 1)),
        ((), 5_000_000, (0, 2**23 - 1)),
        ((Range(0, 2**40),), 2**35, (0, MOST - 1)),
    ],
)
def test_the_seeds_looked_through(asked: tuple[Range, ...], trusted: int, expected: tuple[int, int]) -> None:
    assert bounds(asked, trusted) == expected
