"""What a worker on a rig says while nobody listens: short jobs never flood it, order stays, and its bound holds."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from engine.compute.dealer import LONGEST_LOT
from engine.rigs.attempt import EVENTS, Running
from engine.rigs.inbox import Inbox


def line(word: str, attempt: int = 1, **more: Any) -> dict[str, Any]:
    return {"event": "line", "name": "gpu0", "attempt": attempt, "line": {"event": word, **more}}


async def heard(inbox: Inbox) -> list[Any]:
    return [(await inbox.get()) for _ in range(len(inbox))]


async def test_short_jobs_during_a_stall_cost_no_worker_and_the_last_begun_is_known() -> None:
    ended: list[str] = []
    attempt: Any = SimpleNamespace(_events=Inbox(EVENTS), end=ended.append)
    jobs = 20 * LONGEST_LOT  # many lots: their answers went by another way
    for serial in range(jobs):
        Running.take(attempt, line("begin", serial=serial))
        if serial % 100 == 0:
            Running.take(attempt, line("beat", rss=serial))
    Running.take(attempt, {"event": "exit", "name": "gpu0", "attempt": 1})
    assert ended == []
    begin, beat, end = await heard(attempt._events)
    assert begin["line"]["serial"] == jobs - 1
    assert beat["line"]["rss"] == jobs - 20
    assert end["event"] == "exit"


async def test_what_nothing_replaces_is_heard_in_its_order_and_lives_are_kept_apart() -> None:
    inbox = Inbox(10)
    said = [line("gate"), line("begin", serial=1), line("ready"), line("begin", 2, serial=7), line("ready")]
    assert all([inbox.put(event) for event in said])
    assert await heard(inbox) == said


async def test_one_that_is_full_loses_its_oldest_and_says_so() -> None:
    inbox = Inbox(2)
    assert [inbox.put(line(word)) for word in "abc"] == [True, True, False]
    assert [event["line"]["event"] for event in await heard(inbox)] == ["b", "c"]


async def test_who_waits_for_an_event_gets_it() -> None:
    inbox = Inbox(2)
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put(line("ready"))
    assert (await asyncio.wait_for(waiting, 1))["line"]["event"] == "ready"
    assert not inbox
