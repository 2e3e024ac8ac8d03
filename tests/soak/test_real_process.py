"""A real daemon with something wrong in it, soaked for a minute: memory, a handle, an orphan, a slow halt; each gate sees its own."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.soak import ground, runner
from engine.soak.gates.clean import orphans
from engine.soak.gates.growth import COUNTS, MEMORY, judge
from engine.soak.gates.halted import halts
from engine.soak.plan import Plan
from engine.soak.processes import marked
from engine.soak.records import Records
from engine.soak.scenarios.scenario import Scenario
from engine.soak.scenarios.table import SCENARIOS
from engine.soak.stage import Stage

pytestmark = pytest.mark.soak
SECONDS, COMPRESS = 80.0, 100.0
A_MINUTE = 60.0
"""The limits are per hour and judge two hours; here a minute stands for an hour."""


async def rest(stage: Stage) -> None:
    """Ask for nothing: what is measured is what was done to the process."""
    await stage.sleep(SECONDS)


def soaked(tmp_path: Path, wrong: str, monkeypatch: pytest.MonkeyPatch) -> Records:
    """Return the records of a soak over an engine in which these things are wrong."""
    one = SCENARIOS["a"]
    bare = Scenario("a", "rest", "nothing", one.settings, one.stream, rest, halt_every_s=25.0 * COMPRESS)
    monkeypatch.setitem(SCENARIOS, "a", bare)  # type: ignore[arg-type]
    monkeypatch.setattr("engine.soak.halting.LEAST_EVERY_S", 20.0)
    made = ground.new(tmp_path, "a")
    runner.begin(made, Plan(scenario="a", hours=SECONDS * COMPRESS / 3600, compress=COMPRESS), None)
    saboteur = Path(__file__).parent / "saboteur.py"
    try:
        assert runner.run(made, {}, command=(sys.executable, str(saboteur), wrong))
        return Records.load(made.path, made.room)
    finally:
        for pid in marked(made.id, but={os.getpid()}):
            os.kill(pid, signal.SIGKILL)


def test_leaks_an_orphan_and_a_slow_halt_of_a_real_process_fail_their_gates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some 110 s."""
    records = soaked(tmp_path, "memory,handle,orphan,slow", monkeypatch)
    grown = judge(records, [replace(MEMORY[0], most=MEMORY[0].most * A_MINUTE)], least=40.0)
    assert (grown.state, "engine.pss_mb grows" in grown.text) == ("fail", True), grown
    handles = judge(records, [replace(COUNTS[0], most=COUNTS[0].most * A_MINUTE)], least=40.0)
    assert (handles.state, "engine.handles grows" in handles.text) == ("fail", True), handles
    left = orphans(records)
    assert left.state == "fail"
    assert any("sleep 600" in finding for finding in left.findings)
    late = halts(records)
    assert late.state == "fail"
    assert late.numbers["p99"] > 1.4


def test_the_same_process_with_nothing_wrong_passes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some 110 s."""
    records = soaked(tmp_path, "", monkeypatch)
    counts = judge(records, [replace(COUNTS[0], most=COUNTS[0].most * A_MINUTE)], least=40.0)
    assert counts.state == "pass", counts
    assert orphans(records).state == "pass"
    assert halts(records).state in ("pass", "short")
