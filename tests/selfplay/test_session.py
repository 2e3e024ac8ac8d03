"""A session on the record: episodes and one summary, memory over sessions, and nothing that selfplay may not do."""

from __future__ import annotations

import ast
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.compute.task import Task, TaskResult
from engine.errors import Halted
from engine.selfplay.loop import Session
from engine.selfplay.material import Material
from engine.selfplay.rules import Policy
from engine.selfplay.session import EPISODE, FINISHED, play, regret
from state.journal import Journal
from state.mirrors import Mirrors

SELFPLAY = Path(__file__).parents[2] / "engine" / "selfplay"


def material(run: str) -> Material:
    rng = np.random.default_rng(0)
    return Material(
        names=("a.x", "a.y", "b.x"), x=rng.normal(size=(3, 20, 3)), hits=np.ones((3, 20)), scored=np.full((3, 20), 4),
        marks=tuple(np.ones((20, 4), dtype=np.int8) for _ in range(3)), trains={0: (), 1: (0,), 2: (0, 1)}, chance=0.1,
        draws_seen=40, digest="table", run=run,
    )  # fmt: skip


class Quick:
    """Pays half a bit for every filter; what is tested with it is the record."""

    async def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncIterator[TaskResult]:
        for task in tasks:
            filtered = task.params["policy"]["filter"] is not None
            meta = {"refused": None, "fitness": 0.5 * filtered, "baseline": 0.0, "null": -0.1}
            yield TaskResult(task.key, True, meta, {}, None, 0.01, "here", False)


async def session(journal: Journal, run: str, episodes: int = 14) -> Session:
    return await play(
        Quick(),
        material(run),
        journal,
        seed=int(run[-1]),
        episodes=episodes,
        width=2,
        base=Policy(),
        parent=0,
    )


async def test_every_episode_is_an_event_and_the_end_a_summary_with_posteriors_and_regret(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path) as journal:
        played = await session(journal, "run-1")
        events = [event.data for event in journal.events(kinds=(EPISODE,))]
        last = journal.last([FINISHED])
        Mirrors.standard(tmp_path, journal).pump()
    mirrored = json.loads((tmp_path / "telemetry" / "learning_health_latest.json").read_text())
    assert len(mirrored["selfplay"]["regret"]) == 14
    assert [one["number"] for one in events if one["arm"] != "final"] == list(range(14))
    assert last is not None
    told = last.data
    assert told["posterior"][0]["arm"].startswith("filter")
    assert sum(row["pulls"] for row in told["posterior"]) == 14
    assert sum(row["best"] for row in told["posterior"]) == pytest.approx(1.0)
    assert len(told["rewards"]) == len(told["regret"]) == 14
    assert played.candidate is not None
    assert told["candidate"] == played.candidate.id


async def test_a_session_that_was_cut_off_goes_on_and_plays_no_episode_again(tmp_path: Path) -> None:
    """A halt after every third episode: without memory the session would begin anew each time and never end."""
    with Journal.open(tmp_path) as journal:
        attempts = 0
        while True:
            attempts += 1
            left = iter(range(3))

            def obey(left: Iterator[int] = left) -> None:
                if next(left, None) is None:
                    raise Halted("halted")

            try:
                whole = await play(
                    Quick(), material("run-1"), journal, seed=1, episodes=14, width=2, base=Policy(), parent=0, obey=obey
                )  # fmt: skip
            except Halted:
                continue
            break
        events = [event.data for event in journal.events(kinds=(EPISODE,))]
        finished = list(journal.events(kinds=(FINISHED,)))
    plain = [one["number"] for one in events if one["arm"] != "final"]
    assert attempts > 3
    assert len(plain) == len(whole.played) == 14
    assert len(plain) == len(set(plain))
    assert sorted({one["number"] for one in events}) == sorted(one["number"] for one in events)
    assert len(finished) == 1
    assert whole.candidate is not None


async def test_no_episode_of_two_sessions_on_one_table_equals_another_and_rewards_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.selfplay.session.PAGE", 4)  # what is on record is read in several pages
    with Journal.open(tmp_path) as journal:
        await session(journal, "run-1")
        second = await session(journal, "run-2", 6)
        marks = [
            event.data["fingerprint"]
            for event in journal.events(kinds=(EPISODE,))
            if event.data["fingerprint"]
        ]
    assert len(marks) == len(set(marks)) == 20
    assert sum(second.bandit.pulls().values()) == 20
    assert sum(one.policy.filter is not None for one in second.played) >= 4, (
        "what paid before is played first"
    )


async def test_a_halt_between_episodes_keeps_what_was_played(tmp_path: Path) -> None:
    def halted() -> None:
        raise Halted("asked")

    with Journal.open(tmp_path) as journal:
        with pytest.raises(Halted):
            await play(
                Quick(),
                material("run-1"),
                journal,
                seed=1,
                episodes=8,
                width=2,
                base=Policy(),
                parent=0,
                obey=halted,
            )
        assert sum(1 for _ in journal.events(kinds=(EPISODE,))) == 1
        assert journal.last([FINISHED]) is None
        again = await session(journal, "run-1", 8)
    assert len(again.played) == 8


def test_regret_adds_up_what_the_best_arm_would_have_brought() -> None:
    assert regret([0.0, 1.0, 0.5], 1.0) == [1.0, 1.0, 1.5]


@pytest.mark.parametrize(
    "wall", ["engine.feedback", "engine.rigs", "asyncssh", "engine.dispatch", "subprocess", "socket"]
)
def test_selfplay_has_no_way_to_promote_to_a_rig_or_out_of_the_process(wall: str) -> None:
    """The import contract says so; this test would see a lazy import too, and shows that the reader works."""
    assert wall not in imported(SELFPLAY)
    assert "engine.feedback" in imported(SELFPLAY.parent / "dispatch")


def test_selfplay_writes_no_file_at_all() -> None:
    text = "".join(path.read_text() for path in SELFPLAY.glob("*.py"))
    for word in ("write_atomic", "write_json", "write_text", "write_bytes", "open(", "policy.promoted"):
        assert word not in text, word


def imported(folder: Path) -> set[str]:
    """Return every module that the folder's files import, wherever in the file, with the packages above it."""
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found |= {".".join(name.split(".")[:depth]) for name in names for depth in (1, 2, 3)}
    return found
