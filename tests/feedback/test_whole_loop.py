"""The whole loop with real parts, in exactly this order: advice, model server stopped and memory measured, selfplay, server back, evaluation, archive."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))

from tiny_model import write

from engine.compute.stop import StopWord
from engine.config import load
from engine.history.injector import Injector, Plant
from engine.room import Room
from state.journal import Journal

SERVER = [sys.executable, "-m", "engine.llm.wheel"]
DRAWS, EPISODES = 60, 8


@pytest.fixture
def flags(tmp_path: Path) -> dict[str, Any]:
    model = write(tmp_path / "tiny.gguf")
    return {
        "test_mode": True, "synthetic_injection.enabled": True, "history.range": "0:999", "search.gaps": "0:4",
        "search.families": ["lcg48/java"], "search.seeds": "0:65535", "llm.command": SERVER, "llm.model": str(model),
        "llm.context": 4096, "llm.start_s": 240.0, "llm.deadline_s": 240.0, "llm.silence_s": 120.0,
    }  # fmt: skip


@pytest.mark.slow
async def test_advice_stop_selfplay_back_evaluation_archive(tmp_path: Path, flags: dict[str, Any]) -> None:
    """Two minutes: a model server of a tiny random model, a planted history, the whole pipeline, a session of selfplay."""
    state = tmp_path / "state"
    state.mkdir()
    source = Injector(Plant("lcg48/java", "java_bounded", 0, 999, seed=31337), 5)
    with Journal.open(state) as journal, StopWord(state / "stop.word") as word:
        room = Room(state, load(flags=flags), journal, word, demo=False)
        living = asyncio.create_task(room.live())
        try:
            await until(lambda: room.desk.advisor.state.startswith("ready"), 240)
            room.desk.intake.append([source.next_draw() for _ in range(DRAWS)], "synthetic")
            await until(lambda: ended(journal, "pipeline_rerun"), 300)
            inbox = state / "watcher_requests"
            (inbox / "play.json").write_text(json.dumps({"type": "selfplay_retrain", "episodes": EPISODES}))
            await until(lambda: ended(journal, "selfplay_retrain"), 300)
            await until(lambda: any(inbox.rglob("archive/**/*play*")), 60)
            degraded = room.snapshot().degraded
        finally:
            room.stop()
            assert await asyncio.wait_for(living, 60) == 0
        check_order(journal)
        check_calm(journal, degraded)


async def until(true: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - another thread commits
            await asyncio.sleep(0.05)


def ended(journal: Journal, kind: str) -> bool:
    rows = [row for row in journal.requests.list() if row.kind == kind]
    return bool(rows) and all(row.terminal for row in rows)


def check_order(journal: Journal) -> None:
    (request,) = [row for row in journal.requests.list() if row.kind == "selfplay_retrain"]
    assert request.state == "done", request.why
    asked = next(at(journal, "llm.call", about=request.id))
    stopped = next(at(journal, "llm.server", after=asked, state="stopped"))
    first = next(at(journal, "selfplay.episode", after=stopped))
    finished = next(at(journal, "selfplay.finished", after=first))
    back = next(at(journal, "llm.server", after=finished, state="ready"))
    proposed = next(at(journal, "candidate.proposed", after=finished))
    judged = next(at(journal, "candidate.judged", after=back))
    done = next(at(journal, "request.done", after=judged, request=request.id))
    assert asked < stopped < first < finished < back < proposed < judged < done
    freed = event(journal, stopped)
    assert freed["freed"] is True, freed


def at(journal: Journal, kind: str, after: int = 0, **values: Any) -> Any:
    for one in journal.events(after=after, kinds=(kind,)):
        if all(one.data.get(name) == value for name, value in values.items()):
            yield one.seq


def event(journal: Journal, seq: int) -> Any:
    return next(iter(journal.events(after=seq - 1, limit=1))).data


def check_calm(journal: Journal, degraded: list[str]) -> None:
    """No warning and no fallback: every question was answered by the local model, nothing was an alert."""
    assert not list(degraded)
    assert [one.data for one in journal.events(kinds=("alert.raised",))] == []
    calls = [one.data for one in journal.events(kinds=("llm.call",))]
    assert len(calls) >= 7, "one for each step, one for the request"
    assert {call["source"] for call in calls} == {"llm"}
    assert all(
        row.advice and not str(row.advice).startswith("none") for row in journal.decisions.list(limit=50)
    )
