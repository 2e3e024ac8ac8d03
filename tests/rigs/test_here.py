"""This machine as a rig: a command that nobody waits for any more leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
from rigside import until

from engine.rigs.here import Here


async def test_a_command_that_is_given_up_is_gone_with_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    asked = asyncio.create_task(Here("zeus").run(f"sleep 600 & echo $! > {mark}; wait", within=60))
    await until(lambda: mark.exists() and mark.read_text())
    asked.cancel()
    await asyncio.wait({asked}, timeout=20)
    assert asked.cancelled()
    pid = int(mark.read_text())
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
