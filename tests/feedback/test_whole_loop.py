"""The whole loop with real parts, in exactly this order: advice, model server stopped and memory measured, selfplay, server back, evaluation, archive."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))

from tiny_model import write

from engine.compute.stop import StopWord
from engine.config import load
from engine.dispatch.queue import LearningLoop
from engine.history.injector import Injector, Plant
from engine.pipeline.artifacts import MODEL_META
from engine.room import Room
from engine.selfplay.active import ACTIVE_POLICY
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Mask, Policy
from state.journal import Journal

SERVER = [sys.executable, "-P", "-m", "engine.llm.wheel"]
DRAWS, NOISE, EPISODES = 60, 0.4, 12


PLAIN: dict[str, Any] = {
    "test_mode": True, "synthetic_injection.enabled": True, "history.range": "0:999", "search.gaps": "0:4",
    "search.families": ["lcg48/java"], "search.seeds": "0:65535",
}  # fmt: skip


@asynccontextmanager
async def room_of(state: Path, flags: dict[str, Any]) -> AsyncIterator[tuple[Room, Journal]]:
    with Journal.open(state) as journal, StopWord(state / "stop.word") as word:
        room = Room(state, load(flags=flags), journal, word, demo=False)
        living = asyncio.create_task(room.live())
        try:
            yield room, journal
        finally:
            room.stop()
            assert await asyncio.wait_for(living, 60) == 0


async def piped(state: Path) -> None:
    """Run the pipeline over a planted history in a room without a model: a random one would ask for needless care."""
    source = Injector(Plant("lcg48/java", "java_bounded", 0, 999, seed=31337, noise=NOISE), 5)
    async with room_of(state, PLAIN) as (room, journal):
        room.desk.intake.append([source.next_draw() for _ in range(DRAWS)], "synthetic")
        await until(lambda: ended(journal, "pipeline_rerun"), 300)
        assert room.desk.shelf.scored() is not None, journal.requests.list()[0].why


@pytest.mark.slow
async def test_advice_stop_selfplay_back_evaluation_archive(tmp_path: Path) -> None:
    """One to three minutes: the whole pipeline, then a session of selfplay beside a model server of a tiny random model."""
    state = tmp_path / "state"
    state.mkdir()
    await piped(state)
    model = {
        "llm.command": SERVER, "llm.model": str(write(tmp_path / "tiny.gguf")), "llm.context": 4096, "llm.start_s": 240.0,
        "llm.deadline_s": 240.0, "llm.silence_s": 120.0,
    }  # fmt: skip
    async with room_of(state, {**PLAIN, **model}) as (room, journal):
        await until(lambda: room.desk.advisor.state.startswith("ready"), 240)
        begun, inbox = journal.seq, state / "watcher_requests"
        (inbox / "play.json").write_text(json.dumps({"type": "selfplay_retrain", "episodes": EPISODES}))
        await until(lambda: ended(journal, "selfplay_retrain"), 300)
        await until(lambda: any(path.is_file() for path in (inbox / "archive").rglob("*")), 60)
        check_order(journal)
        check_calm(journal, begun, list(room.snapshot().degraded))


@pytest.mark.slow
async def test_a_promoted_policy_is_what_step_5_trains_under_and_rollback_undoes_it(tmp_path: Path) -> None:
    """One to three minutes: the pipeline three times, of which steps 5 and 6 run anew where the policy has changed."""
    state = tmp_path / "state"
    state.mkdir()
    await piped(state)
    async with room_of(state, PLAIN) as (room, journal):
        acceptance, shelf = room.desk.acceptance, room.desk.shelf
        first = policy_of_model(room)
        scored = shelf.scored()
        assert scored is not None
        mask = Policy(mask=Mask(columns=scored[0].head.names[:1]))
        found = Candidate(policy=mask, model="lightgbm", fitness=1.0, baseline=0.0, null=0.0, gains=(1.0,), episodes=1,
                          exploration=1.0, seed=1, draws_seen=DRAWS, table=scored[1], run="run-0001")  # fmt: skip
        acceptance.propose(found)
        acceptance.promote(found.id, by="test", testing=True)
        assert await learned(room, journal) == ["done", "done"], "a new policy makes steps 5 and 6 run"
        assert policy_of_model(room) != first
        assert await learned(room, journal) == ["skipped", "skipped"]
        acceptance.rollback(by="test")
        assert await learned(room, journal) == ["done", "done"]
        assert policy_of_model(room) == first


def policy_of_model(room: Room) -> str:
    """Return the hash of the active policy that the best model's lineage names."""
    return room.desk.shelf.artifacts.lineage(MODEL_META).inputs[ACTIVE_POLICY]


async def learned(room: Room, journal: Journal) -> list[str]:
    """Ask for the learning loop and return how steps 5 and 6 went."""
    row = room.queue.submit(LearningLoop(), origin="test")
    room.watcher.wake()
    await until(lambda: journal.requests.get(row.id).terminal, 300)
    done = journal.requests.get(row.id)
    assert done.state == "done", done.why
    steps = journal.runs.get(str(done.run)).steps
    return [steps[step]["status"] for step in ("5", "6")]


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
    call = next(at(journal, "llm.call", by=f"selfplay {request.id}"))
    asked = next(at(journal, "selfplay.advised", after=call, request=request.id, source="llm"))
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


def check_calm(journal: Journal, begun: int, degraded: list[str]) -> None:
    """No warning and no fallback: the question was answered by the local model, nothing was an alert, nothing is degraded."""
    assert degraded == []
    assert [one.data for one in journal.events(after=begun, kinds=("alert.raised",))] == []
    assert [one.data["source"] for one in journal.events(after=begun, kinds=("llm.call",))] == ["llm"]
