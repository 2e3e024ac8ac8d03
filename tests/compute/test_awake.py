"""A standstill of our own is not the silence of others."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.compute import awake as module
from engine.compute.awake import awake
from engine.compute.cluster import Compute
from engine.compute.kinds import LIMITS
from engine.compute.lives import Lives
from engine.compute.stop import StopWord
from engine.errors import EnvironmentFault


async def test_waking_late_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await awake(0.0)
    monkeypatch.setattr(module, "LATE", 0.05)

    async def stalled(seconds: float) -> None:
        time.sleep(0.1)  # noqa: ASYNC251 - the loop stands still, as under SIGSTOP

    monkeypatch.setattr(module.asyncio, "sleep", stalled)
    assert not await awake(0.0)


async def test_a_process_that_dies_while_it_comes_up_does_not_cost_the_work_that_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lives, tries = object.__new__(Lives), 0

    async def new_life() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise EnvironmentFault("no worker came up")

    monkeypatch.setattr("engine.compute.lives.FIRST_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(lives, "_next", new_life)
    await lives.begin()
    assert tries == 3
    tries = -9
    with pytest.raises(EnvironmentFault, match="no worker"):
        await lives.begin()


def test_a_shorter_limit_holds_for_kinds_that_have_one_and_never_prolongs(tmp_path: Path) -> None:
    for hung, sieve in ((None, LIMITS["sieve"]), (5.0, 5.0), (1e6, LIMITS["sieve"])):
        with StopWord(tmp_path / "stop.word") as word:
            compute = Compute(tmp_path, word, [], {}, None, hung)
            assert compute._traffic._limits["sieve"] == sieve
            assert set(compute._traffic._limits) == set(LIMITS)
