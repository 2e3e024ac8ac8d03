"""The room in this process: what it refuses, what it asks for by itself, what it shows, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.compute.stop import StopWord
from engine.config import Settings, load
from engine.errors import BadInput, EnvironmentFault, MimicryError
from engine.history.store import Arrival
from engine.protocol import Snapshot
from engine.room import Room, run
from engine.status import VERDICT
from engine.watcher.work import Done
from state.journal import Journal
from state.requests import RequestRow


class Inside:
    """A running room whose work is a stub: these tests are about the room, not the pipeline."""

    def __init__(self, room: Room, journal: Journal) -> None:
        self.room, self.journal = room, journal
        self.asked: list[str] = []

    async def perform(self, row: RequestRow) -> Done:
        self.asked.append(row.kind)
        self.journal.requests.start(row.id)
        return Done("stub", {})

    async def until(self, true: Callable[[Snapshot], bool], seconds: float = 10.0) -> Snapshot:
        async with asyncio.timeout(seconds):
            while not true(shot := self.room.snapshot()):  # noqa: ASYNC110 - viewers look too
                await asyncio.sleep(0.02)
        return shot


@contextlib.asynccontextmanager
async def inside(
    state: Path, settings: Settings | None = None, *, demo: bool = False
) -> AsyncIterator[Inside]:
    with Journal.open(state) as journal, StopWord(state / "stop.word") as word:
        room = Room(state, settings or load(), journal, word, demo=demo)
        made = Inside(room, journal)
        room.watcher._work = made
        living = asyncio.create_task(room.live())
        await made.until(lambda shot: shot.mode != "starting")
        try:
            yield made
        finally:
            room.stop()
            assert await asyncio.wait_for(living, 20) == 0


async def test_a_second_room_on_the_same_state_is_refused_with_the_owner(tmp_path: Path) -> None:
    async with inside(tmp_path):
        with pytest.raises(EnvironmentFault) as error:
            await run(tmp_path, load())
    assert error.value.exit_code == 5
    assert "\n" not in str(error.value)


async def test_policies_that_name_an_unknown_parameter_stop_the_start(tmp_path: Path) -> None:
    remedies = [{"signal": "power", "parameter": "pipeline.window_trails", "direction": "up"}]
    policies = {"schema": "watcher_policies/1", "steps": {"1": {"remedies": remedies}}}
    (tmp_path / "watcher_policies.json").write_text(json.dumps(policies))
    with pytest.raises(MimicryError, match=r"pipeline\.window_trials"):
        await run(tmp_path, load())
    (tmp_path / "watcher_policies.json").write_text('{"weather": 1}')
    with pytest.raises(BadInput, match="weather"):
        await run(tmp_path, load())


async def test_the_first_draws_ask_for_a_search_once(tmp_path: Path) -> None:
    async with inside(tmp_path) as room:
        room.room.desk.intake.append([Arrival(value) for value in (1, 2)], "test")
        await asyncio.sleep(0.2)
        assert room.journal.requests.list() == [], "two draws are no history"
        room.room.desk.intake.append([Arrival(3)], "test")
        await room.until(lambda shot: [one.state for one in shot.requests] == ["done"])
        room.room.desk.intake.append([Arrival(4)], "test")
        await asyncio.sleep(0.2)
        assert room.asked == ["pipeline_rerun"]
        assert room.journal.requests.list()[0].origin == "history"


@pytest.mark.parametrize(
    ("verdict", "need", "draws", "searches"),
    [
        ("not_identifiable", 6, 6, 1),
        ("not_identifiable", 6, 5, 0),
        ("no_evidence", None, 6, 1),
        ("identified", None, 90, 0),
    ],
)
async def test_a_searched_history_is_searched_again_only_when_that_can_help(
    tmp_path: Path, verdict: str, need: int | None, draws: int, searches: int
) -> None:
    async with inside(tmp_path) as room:
        found = {
            "verdict": verdict,
            "draws": 4,
            "need": need,
            "line": verdict,
            "best": None,
            "best_bits": 1.0,
        }
        found |= {
            "required_bits": 19.9,
            "null_bits": None,
            "excluded_share": None,
            "power": None,
            "fingerprint": "x",
        }
        room.journal.append(VERDICT, found)
        room.room.desk.intake.append([Arrival(value) for value in range(draws)], "test")
        await asyncio.sleep(0.3)
        assert len(room.asked) == searches


@pytest.mark.parametrize("flags", [{"test_mode": True}, {"synthetic_injection.enabled": True}])
async def test_one_flag_alone_is_not_test_mode(tmp_path: Path, flags: dict[str, Any]) -> None:
    async with inside(tmp_path, load(None, flags)) as room:
        assert room.room.snapshot().test_mode is False


async def test_both_flags_show_test_mode_on_every_snapshot(tmp_path: Path) -> None:
    both = load(None, {"test_mode": True, "synthetic_injection.enabled": True})
    async with inside(tmp_path, both) as room:
        assert room.room.snapshot().test_mode is True


async def test_a_failing_service_is_visible_and_the_room_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Room) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setattr(Room, "_mirrors", broken)
    async with inside(tmp_path) as room:
        shot = await room.until(lambda shot: bool(shot.alerts))
        assert "mirrors failed: RuntimeError: no disk" in shot.alerts[0].text
        assert any("mirrors" in line for line in shot.degraded)
        assert shot.mode == "idle"


async def test_an_operators_halt_and_resume_stand_among_the_decisions(tmp_path: Path) -> None:
    async with inside(tmp_path) as room:
        room.room.desk.halt.ask("now", "smoke", "ops")
        shot = await room.until(lambda shot: shot.mode == "halted" and bool(shot.decisions))
        assert (shot.decisions[0].action, shot.decisions[0].source) == ("HALT", "human")
        assert "smoke (ops)" in shot.decisions[0].reason
        assert shot.autonomy is None, "operators' entries are no decisions of the room"


async def test_recorded_parameters_that_no_longer_fit_are_named(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.parameters.set("pipeline.gone", 3, who="operator", why="then it existed")
    async with inside(tmp_path) as room:
        assert any("pipeline.gone" in line for line in room.room.snapshot().degraded)


async def test_the_history_file_of_the_settings_is_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "draws.csv"
    file.write_text("value\n1\n2\n3\n4\n")
    async with inside(
        tmp_path / "state", load(None, {"history.file": str(file), "history.poll_s": 0.05})
    ) as room:
        shot = await room.until(lambda shot: shot.evidence.draws == 4)
        assert shot.evidence.verdict == "none yet"


async def test_after_the_end_nothing_is_left_running_and_the_mirrors_are_whole(tmp_path: Path) -> None:
    before = len(asyncio.all_tasks())
    async with inside(tmp_path) as room:
        room.room.desk.halt.ask("finish", "done for today", "ops")
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
    lines = [json.loads(line) for line in (tmp_path / "watcher_decisions.jsonl").read_text().splitlines()]
    assert "halt.asked" in [line["event"] for line in lines]
    assert not (tmp_path / "control.sock").exists()


async def test_a_stalled_loop_is_an_alert_shows_as_degraded_and_stands_in_log_and_series(
    tmp_path: Path,
) -> None:
    async with inside(tmp_path, load(None, {"observe.stall_s": 0.3})) as room:
        await asyncio.sleep(0.1)
        time.sleep(1.2)  # noqa: ASYNC251 - what nobody should do on the loop
        shot = await room.until(lambda shot: bool(shot.alerts) and bool(shot.degraded))
        assert (
            "the engine's loop stood still for more than 0.3 s in tests/engine/test_room.py"
            in shot.alerts[0].text
        )
        assert any(line.startswith("loop: stood still") for line in shot.degraded)
        assert room.room._rates()["loop.stalls"] >= 1
        (event,) = room.journal.newest(["loop.stalled"], 1)
        assert any("test_a_stalled_loop" in frame for frame in event.data["stack"])
