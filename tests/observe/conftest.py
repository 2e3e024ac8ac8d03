"""A snapshot in which every optional number is there, and readings to go with it."""

from __future__ import annotations

import pytest

from engine.alerts.rules import Sight
from engine.protocol import (
    Alert,
    Engine,
    Evidence,
    Host,
    Pipeline,
    Series,
    Snapshot,
    Step,
)

NONE = Series(unit="", seconds=1.0)


def shot(*, hosts: int = 2) -> Snapshot:
    return Snapshot(
        seq=1234, head="ab" * 32, at="2026-01-01T00:00:00.000Z", host="zeus", mode="run", degraded=["one", "two"],
        evidence=Evidence(verdict="identified", best_bits=41.5, null_bits=3.0, excluded_share=0.25, draws=60),
        fleet=[Host(name=f"rig-{n}", devices=["ok", "fail"], kind="gpu", util=0.5, hot=71.0, rate=2.5, age=1.0) for n in range(hosts)],
        pipeline=Pipeline(run="0001", steps=[Step(id="1", name="window", status="done"), Step(id="3", name="scores", status="running", done=3, total=4)]),
        requests=[], requests_waiting=7, decisions=[],
        engine=Engine(pid=1, uptime=99.0, rss_mb=50.0, pss_mb=40.0, handles=30, threads=8, tasks=20, loop_lag_ms=12.0, wal_mb=0.5, cpu=0.02,
                      memory=NONE, handle_series=NONE, memory_slope=1.5, handle_slope=0.0),
        throughput=NONE, alerts=[Alert(at="", level="warn", text="hot")], autonomy=0.9, readers=1,
    )  # fmt: skip


READINGS = {
    "engine.files": 9.0, "engine.sockets": 4.0, "engine.pipes": 2.0, "engine.children": 3.0,
    "engine.disk_free_mb": 2048.0, "loop.stalls": 2.0,
}  # fmt: skip


@pytest.fixture
def sight() -> Sight:
    return Sight(shot(), READINGS)


@pytest.fixture
def bare() -> Sight:
    """A room of which little is known."""
    return Sight(shot().model_copy(update={"autonomy": None, "fleet": []}), {})


@pytest.fixture
def crowd() -> Sight:
    """A room of a thousand machines."""
    return Sight(shot(hosts=1000), READINGS)
