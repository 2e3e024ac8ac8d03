"""One attempt of a worker, however it is cut short: whoever asked for it hears of its end, and it ends nobody else's worker."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from rigside import until

from engine.rigs.attempt import GIVEN_UP, Gate, Running
from engine.rigs.payload import Payload, Place

PLACE = Place("rig-a", 0, "0000:03:00.0", "python3", {})


class Crew:
    """Hands out a payload, slowly if asked, and writes down what it hears."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.handed = asyncio.Event()

    async def payload(self, place: Place, voice: Any) -> Payload:
        self.handed.set()
        return Payload(("true",))

    def gone(self, place: Place, ending: Any) -> None:
        self.ended.append(ending.cause)

    def started(self, place: Place, pid: int) -> None:
        return

    def said(self, place: Place, line: Any) -> None:
        return


class Rig:
    """Takes files, for ever if asked."""

    def __init__(self, *, hangs: bool) -> None:
        self.hangs = hangs

    async def push(self, folder: str, files: Any) -> None:
        if self.hangs:
            await asyncio.Event().wait()


def made(*, hangs: bool = False) -> tuple[Running, Crew, list[dict[str, Any]]]:
    crew, sent = Crew(), []  # type: ignore[var-annotated]
    link: Any = SimpleNamespace(
        run="/run", closed=asyncio.Event(), why="cut", blind="", send=lambda **line: sent.append(line)
    )
    rig: Any = Rig(hangs=hangs)
    running = Running(rig, link, PLACE, 1, crew=crew, gate=Gate(1), held=lambda: None, tunnel=lambda port: port, delay=0.0, start_limit=9.0)  # fmt: skip
    return running, crew, sent


@pytest.mark.parametrize("hangs", [True, False], ids=["while it is sent", "while it runs"])
async def test_an_attempt_that_is_cut_short_tells_whoever_asked_for_it(hangs: bool) -> None:
    running, crew, sent = made(hangs=hangs)
    task = asyncio.create_task(running.run())
    await until(lambda: running.state == "starting" if hangs else sent)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert crew.ended == [GIVEN_UP]


async def test_what_was_handed_out_in_the_moment_of_the_end_is_not_lost() -> None:
    running, crew, sent = made()
    task = asyncio.create_task(running.run())
    await crew.handed.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (crew.ended, sent) == ([GIVEN_UP], [])


async def test_the_voice_of_an_attempt_that_is_over_ends_nobody() -> None:
    running, crew, sent = made()
    task = asyncio.create_task(running.run())
    await until(lambda: sent)
    running.take(
        {"event": "exit", "attempt": 1, "code": -9, "cause": "", "phase": "ready", "stderr": "", "kernel": []}
    )
    attempt = await task
    assert attempt is not None
    assert (attempt.cause, crew.ended) == ("killed by signal 9", ["killed by signal 9"])
    running.end("drained")
    assert [line["op"] for line in sent] == ["start"], "the next worker of that name is another's"


async def test_a_worker_that_asks_for_the_gate_twice_takes_one_place() -> None:
    running, _, sent = made()
    task = asyncio.create_task(running.run())
    for _ in range(2):
        running.take({"event": "line", "attempt": 1, "line": {"event": "gate"}})
    await until(lambda: len(sent) == 2)
    running.take(
        {"event": "exit", "attempt": 1, "code": 0, "cause": "", "phase": "gate", "stderr": "", "kernel": []}
    )
    await task
    assert [line["op"] for line in sent] == ["start", "admit"]
    await asyncio.wait_for(running._gate.enter("next"), 1)
