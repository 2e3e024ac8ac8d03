"""The snapshot: assembled from plain facts, gathered from a real journal, true in every mode."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.dispatch.queue import Queue
from engine.halt import Halt
from engine.protocol import LINE_LIMIT, Snapshot
from engine.status import (
    ALERT,
    STEP_NAMES,
    VERDICT,
    Facts,
    Live,
    SearchAt,
    StepAt,
    assemble,
    autonomy,
    gather,
    pool_line,
)
from engine.vitals.probes import Reading
from state.journal import Journal

FOUND = {
    "verdict": "identified", "line": "mt19937/init_genrand mod seed 0x2a", "best": "mt19937/init_genrand mod", "best_bits": 41.2,
    "required_bits": 19.93, "null_bits": 3.1, "excluded_share": 0.12, "power": 0.97,
}  # fmt: skip
POOL = {
    "range": [0, 999],
    "for_draw": 61,
    "uniform": False,
    "basis": "evidence",
    "heads": [[7, 0.9], [8, 0.05]],
}


@dataclass
class Worker:
    alive: bool = True
    busy: bool = False
    age: float = 0.5


class Word:
    def bump(self) -> int:
        return 1


def queue_of(journal: Journal) -> Queue:
    return Queue(journal, Halt(journal, Word()))


def snapshot(facts: Facts, live: Live | None = None, now: float = 100.0) -> Snapshot:
    return assemble(facts, live or Live(started=40.0), now=now, at="2026-11-23T14:02:31.204Z", host="zeus")


def test_an_empty_room_says_so_and_is_idle() -> None:
    shot = snapshot(Facts(seq=0, head="0" * 64))
    assert shot.mode == "idle"
    assert shot.evidence.verdict == "none yet"
    assert shot.evidence.pool == "no pool published"
    assert shot.fleet[0].devices == ["idle"]
    assert shot.pipeline.steps == []
    assert shot.autonomy is None
    assert shot.engine.uptime == 60.0


@pytest.mark.parametrize(
    ("live", "mode"),
    [
        (Live(working=True), "run"),
        (Live(starting=True), "starting"),
        (Live(stopping=True, working=True), "stopping"),
        (Live(), "idle"),
    ],
)
def test_modes_without_a_halt(live: Live, mode: str) -> None:
    assert snapshot(Facts(1, "h"), live).mode == mode


def test_a_halt_is_pending_until_reached(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.halt_set("now", "smoke test", "ops")
        pending = snapshot(Facts(1, "h", halt=journal.halt_state()), Live(working=True))
        journal.halt_reached()
        reached = snapshot(gather(journal, queue_of(journal)), Live())
    assert (pending.mode, reached.mode) == ("halting", "halted")
    assert reached.halt is not None
    assert (reached.halt.kind, reached.halt.by, reached.halt.reason) == ("now", "ops", "smoke test")


def test_the_verdict_and_the_pool_stand_in_the_panel() -> None:
    shot = snapshot(Facts(1, "h", verdict=FOUND, pool=POOL), Live(draws=60))
    assert shot.evidence.best_bits == 41.2
    assert shot.evidence.null_bits == 3.1
    assert "95.0%" in shot.evidence.pool
    assert "chance 0.20%" in shot.evidence.pool
    assert "uniform" in pool_line(POOL | {"uniform": True, "heads": [], "basis": "uniform, no evidence"})


def test_a_running_search_shows_its_own_numbers_and_keeps_the_old_verdict() -> None:
    at = SearchAt("lcg48/java", 11.0, 10.8, 19.93, 0.61, 1e8, 30.0, 61_000, 100_000, 7, 12)
    shot = snapshot(Facts(1, "h", verdict=FOUND), Live(search=at, draws=60, working=True))
    assert shot.evidence.verdict == "identified"
    assert (shot.evidence.best_bits, shot.evidence.excluded_share) == (11.0, 0.61)
    assert "7 of 12 cells" in shot.evidence.line


def test_workers_are_one_light_each() -> None:
    workers = [Worker(busy=True), Worker(), Worker(alive=False), Worker(age=99.0)]
    host = snapshot(Facts(1, "h"), Live(workers=workers, rate=2e8)).fleet[0]
    assert host.devices == ["ok", "idle", "fail", "stale"]
    assert host.util == 0.25
    assert host.rate == pytest.approx(200.0)


def test_a_real_journal_gives_a_whole_snapshot_that_fits_one_line(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        row = journal.requests.enqueue("pipeline_rerun", {}, origin="operator")
        journal.requests.enqueue("learning_loop", {}, origin="chapter 13", why="waits")
        journal.requests.claim()
        journal.requests.start(row.id, "step 1")
        run = journal.runs.open("pipeline_rerun", {}, request=row.id)
        journal.runs.step(run.id, "1", "done", note="1 survivor", best=41.2)
        journal.runs.step(run.id, "2.5", "running")
        journal.append(VERDICT, FOUND)
        journal.append(ALERT, {"level": "warn", "text": "loop lag 900 ms"})
        evidence = [{"metric": "rows", "value": 1, "limit": 1, "ok": True}]
        journal.decisions.add(step="1", action="PROCEED", reason="all met", source="rule", rule="W6", evidence=evidence, advice="none(not configured)")  # fmt: skip
        at = StepAt("2.5", 4, 16, begun=60.0, best=1.5, null=0.2)
        shot = snapshot(gather(journal, queue_of(journal)), Live(step=at, working=True))
    assert [step.id for step in shot.pipeline.steps] == list(STEP_NAMES)
    assert [step.status for step in shot.pipeline.steps][:3] == ["done", "running", "waiting"]
    assert shot.pipeline.steps[1].eta == pytest.approx(120.0)
    assert shot.pipeline.steps[0].best == 41.2
    assert [request.state for request in shot.requests] == ["running", "queued"]
    assert shot.requests_waiting == 1
    assert shot.decisions[0].advice == "none(not configured)"
    assert shot.alerts[0].text == "loop lag 900 ms"
    assert shot.seq == 9 or shot.seq > 5
    line = shot.model_dump_json()
    assert len(line) < LINE_LIMIT // 16
    assert Snapshot.model_validate_json(line) == shot


@pytest.mark.parametrize(("state", "stands"), [("halted", "held"), ("failed", "failed")])
def test_no_step_runs_in_a_run_that_does_not(state: str, stands: str, tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = journal.runs.open("pipeline_rerun", {})
        journal.runs.step(run.id, "3", "running")
        journal.runs.move(run.id, state, "halted by ops")
        shot = snapshot(gather(journal, queue_of(journal)))
    assert shot.pipeline.steps[2].status == stands


def test_engine_numbers_come_from_the_probe() -> None:
    read = Reading(0.0, 91.5, 80.25, 33, 4, 2, 27, 9, 3, 14, 1.5, 0.25, 9e4, 0.8)
    shot = snapshot(Facts(1, "h"), Live(reading=read, memory=[80.0, None], throughput=[1e6, None]))
    assert (shot.engine.rss_mb, shot.engine.pss_mb, shot.engine.cpu) == (91.5, 80.25, 0.008)
    assert shot.throughput.values == [1.0, None]


def rows(*actions: str, hours: float = 1.0) -> list[Any]:
    @dataclass
    class Row:
        action: str
        at: str
        source: str = "rule"

    stamp = (datetime(2026, 11, 23, 14, tzinfo=UTC) - timedelta(hours=hours)).isoformat()
    return [Row(action, stamp) for action in actions]


@pytest.mark.parametrize(
    ("decisions", "share"),
    [
        (rows("PROCEED", "RETRY", "PROCEED", "ESCALATE"), 0.75),
        (rows("ESCALATE", hours=25.0), None),
        ([], None),
    ],
)
def test_autonomy_counts_the_last_day(decisions: list[Any], share: float | None) -> None:
    assert autonomy(decisions, datetime(2026, 11, 23, 14, tzinfo=UTC)) == share
