"""A start of a process that is cancelled at any moment comes back and leaves nothing; an end is seen whoever holds the pipes."""

from __future__ import annotations

import asyncio
import os
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import psutil
import pytest

from engine import spawn
from engine.spawn import end, ended, shell_started, started


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


async def gone(before: set[psutil.Process]) -> None:
    async with asyncio.timeout(20):
        while not children() <= before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("session", [True, False])
async def test_a_start_that_is_cancelled_while_pipes_are_tied_comes_back_and_leaves_nothing(
    session: bool,
) -> None:
    before = children()
    for turns in range(1, 7):
        line = "sleep 600 & wait" if session else "exec sleep 600"
        start = started("/bin/sh", "-c", line, session=session, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        asked = asyncio.create_task(start)
        for _ in range(turns):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait({asked}, timeout=20)
        assert asked.cancelled(), f"cancelled after {turns} turns of the loop"
    await gone(before)


def test_a_loop_ends_though_somebody_was_starting_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "GIVE_UP", 0.01)

    async def main(turns: int) -> None:
        asked = asyncio.create_task(started("sleep", "600", stdin=PIPE, stdout=PIPE))
        for _ in range(turns):
            await asyncio.sleep(0)
        del asked

    before = children()
    for turns in range(1, 5):
        asyncio.run(main(turns))
    asyncio.run(gone(before))


async def test_an_end_is_seen_though_another_holds_the_pipe(tmp_path: Path) -> None:
    process = await shell_started(f"setsid sleep 600 & echo $! > {tmp_path}/pid; exit 3", stdout=PIPE)
    try:
        assert await asyncio.wait_for(ended(process), 5) == 3
        await end(process)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), 9)


async def test_a_process_that_nobody_reads_is_ended() -> None:
    open_files = len(os.listdir("/proc/self/fd"))
    process = await started("yes", stdout=PIPE)
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    await asyncio.wait_for(end(process), 20)
    await asyncio.sleep(0)
    assert process.returncode == -9
    assert time.monotonic() - begun < spawn.GIVE_UP
    assert len(os.listdir("/proc/self/fd")) <= open_files, "its pipe is closed"
