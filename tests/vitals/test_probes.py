"""Probes read this very process: a new handle, a child and a late loop must show."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.vitals.probes import Lag, Probe, children, watch_lag

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")


def test_an_opened_file_and_a_child_show(tmp_path: Path) -> None:
    probe = Probe(tmp_path, lambda: 1 << 20, Lag())
    before = probe.read()
    with (
        (tmp_path / "x").open("w"),
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child,
    ):
        during = probe.read()
        assert child.pid in children()
        assert child.stdin is not None
        child.stdin.close()
    assert during.files == before.files + 1
    assert during.children == before.children + 1
    assert during.wal_mb == 1.0
    assert before.rss_mb > 5


def test_cpu_is_a_rate_between_two_looks(tmp_path: Path) -> None:
    probe = Probe(tmp_path, lambda: 0, Lag())
    assert probe.read().cpu is None
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    cpu = probe.read().cpu
    assert cpu is not None
    assert cpu > 5


async def test_a_blocked_loop_shows_as_lag_once() -> None:
    lag = Lag()
    watcher = asyncio.create_task(watch_lag(lag, every=0.01))
    await asyncio.sleep(0.03)
    time.sleep(0.08)  # noqa: ASYNC251 - blocking the loop is the point
    await asyncio.sleep(0.02)
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher
    assert lag.take() > 50
    assert lag.take() == 0.0


def test_samples_carry_every_number_that_was_read(tmp_path: Path) -> None:
    samples = Probe(tmp_path, lambda: 0, Lag()).read().samples()
    assert {"engine.rss_mb", "engine.handles", "engine.loop_lag_ms"} <= set(samples)
    assert "engine.cpu" not in samples
