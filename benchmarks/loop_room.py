"""A room in virtual time: planted draws fed one by one, each once its pool is committed, and the books that are held over its journal."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.compute.stop import StopWord
from engine.config import Settings, load
from engine.history.injector import Injector, Plant
from engine.history.store import Arrival
from engine.room import Room
from state.journal import Journal

ROOT = Path(__file__).resolve().parent.parent
FIRST, FEW = 30, 12
"""Draws that a room knows at first: enough for models; too few for them, so that most of the time is the loop's."""
OPEN = ("queued", "claimed", "running", "deferred")
PATIENCE = 900.0  # seconds; a pipeline beside other work takes minutes
Source = Callable[[int], int]


def planted(seed: int, *, change: int | None = None, noise: float = 0.0) -> Source:
    """Return the n-th draw of a Java `nextInt(1000)`, a share of them wrong; from draw `change` on, of one with another seed."""
    wrong = np.random.default_rng([seed, 5]).random(100_000) < noise
    plants = [Injector(Plant("lcg48/java", "java_bounded", 0, 999, seed=at), 1) for at in (seed, seed + 7919)]

    def draw(number: int) -> int:
        second = change is not None and number >= change
        source = plants[second]
        source.position = number - (change or 0) if second else number
        value = source.next_draw().value
        assert value is not None
        return (value + 1) % 1000 if wrong[number] else value

    return draw


def settings(**flags: Any) -> Settings:
    """Return a room in test mode that asks for one family, so that a search takes a second."""
    asked = {
        "test_mode": True, "synthetic_injection.enabled": True, "history.range": "0:999", "search.gaps": "0:4",
        "search.families": ["lcg48/java"], "search.seeds": "0:65535",
    }  # fmt: skip
    return load(flags={**asked, **flags})


@asynccontextmanager
async def room_of(state: Path, asked: Settings) -> AsyncIterator[tuple[Room, Journal]]:
    """Run a room in this process."""
    with Journal.open(state) as journal, StopWord(state / "stop.word") as word:
        room = Room(state, asked, journal, word, demo=False)
        living = asyncio.create_task(room.live())
        try:
            yield room, journal
        finally:
            room.stop()
            await living


async def feed(room: Room, journal: Journal, source: Source, draws: int, first: int = FIRST) -> None:
    """Deliver draws up to number `draws`; each waits for its pool and for everything that was asked for."""
    while (at := room.desk.intake.count) < draws:
        if at >= first:
            await settled(journal, at)
            while room.desk.searching:  # noqa: ASYNC110 - a missed stream is looked for
                await asyncio.sleep(0.002)
        count = first - at if at < first else 1
        room.desk.intake.append(
            [Arrival(source(at + i), id=f"draw-{at + i}") for i in range(count)], "synthetic"
        )
    await settled(journal, draws)


async def settled(journal: Journal, coming: int) -> None:
    """Wait until the pool for the coming draw is committed and the queue is empty."""
    async with asyncio.timeout(PATIENCE):
        while journal.predictions.committed(coming) is None or journal.requests.list(states=OPEN, limit=1):  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def books(journal: Journal, draws: int) -> dict[str, Any]:
    """Count what must be there exactly once, in the journal itself."""
    judged = Counter(event.data["for_draw"] for event in journal.events(kinds=("draw.judged",)))
    skipped = [
        at for event in journal.events(kinds=("draws.unforecast",)) for at in range(event.data["first"], event.data["last"] + 1)
    ]  # fmt: skip
    taken = judged + Counter(skipped)
    ends = Counter(
        event.data["request"] for state in ("done", "failed", "rejected", "cancelled") for event in journal.events(kinds=(f"request.{state}",))
    )  # fmt: skip
    requests = journal.requests.list()
    decisions = journal.decisions.list(limit=10_000)
    went_on = Counter((row.run, row.step) for row in decisions if row.action == "PROCEED")
    after = sum(
        one.pool is not None and one.pool.seq > one.seq
        for one in journal.predictions.judgements(limit=10_000)
    )
    return {
        "draws": draws, "draws lost": sum(at not in taken for at in range(draws)),
        "draws doubled": sum(count > 1 for count in taken.values()), "judged": len(judged),
        "requests": len(requests), "requests not ended once": sum(ends[row.id] != 1 for row in requests),
        "decisions": len(decisions), "decisions doubled": sum(count - 1 for count in went_on.values()),
        "pools committed after their draw": after,
    }  # fmt: skip


def scores(journal: Journal) -> list[dict[str, Any]]:
    """Return the scores of all forecast draws, oldest first."""
    return [one.score for one in reversed(journal.predictions.judgements(limit=10_000)) if one.score]


def lift(rows: list[dict[str, Any]]) -> float:
    """Return hits over those that chance expected."""
    expected = sum(row["chance"] for row in rows)
    return sum(row["hit"] for row in rows) / expected if expected else 0.0


def story(journal: Journal) -> list[str]:
    """Return every request with who asked and why."""
    return [
        f"{row.id} {row.kind} ({row.origin}) {row.state}: {row.why[:110]}" for row in journal.requests.list()
    ]


def show(told: dict[str, Any], begun: float) -> None:
    """Print numbers one a line, the wall time last."""
    for name, value in told.items():
        print(f"{name:44} {value if not isinstance(value, (list, dict)) else json.dumps(value)}")
    print(f"{'wall time':44} {time.monotonic() - begun:.1f} s", flush=True)
