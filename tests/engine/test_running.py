"""A command's loop: a signal ends the work, its cleaning up included, and never strikes inside of the loop."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from engine.errors import Interrupted
from engine.running import on_signal, run

done: list[str] = []


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    done.clear()


def told(number: int, after: float = 0.02) -> None:
    asyncio.get_running_loop().call_later(after, os.kill, os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_work_and_waits_for_what_it_cleans_up(number: int) -> None:
    async def work() -> None:
        told(number)
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.02)
            done.append("cleaned up")

    before = signal.getsignal(number)
    with pytest.raises(Interrupted):
        run(work())
    assert done == ["cleaned up"]
    assert signal.getsignal(number) == before


def test_who_takes_the_signal_over_has_it_until_they_leave_it() -> None:
    async def work() -> str:
        with on_signal(lambda: done.append("stopped")):
            told(signal.SIGINT, 0.0)
            await asyncio.sleep(0.05)
        told(signal.SIGINT, 0.0)
        await asyncio.sleep(30)
        return "never"

    with pytest.raises(Interrupted):
        run(work())
    assert done == ["stopped"]


def test_a_signal_while_a_loop_ends_waits_for_its_end() -> None:
    async def lingers() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            told(signal.SIGINT, 0.0)
            await asyncio.sleep(0.05)
            done.append("ended")

    async def work() -> str:
        kept.append(asyncio.create_task(lingers()))
        await asyncio.sleep(0)
        return "result"

    kept: list[asyncio.Task[None]] = []
    assert run(work()) == "result"
    assert done == ["ended"]


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:

        async def work() -> str:
            told(signal.SIGINT, 0.0)
            await asyncio.sleep(0.05)
            return "went on"

        assert run(work()) == "went on"
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("fails", [lambda: asyncio.CancelledError(), lambda: ValueError("broken")])
def test_what_the_work_raises_itself_is_raised(fails: Callable[[], BaseException]) -> None:
    async def work() -> None:
        raise fails()

    with pytest.raises(type(fails())):
        run(work())
