"""kill -9 of the real engine at moments and at places: after each one everything holds, at the end nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from invariants import broken
from kills import Killer, run
from places import Chooser, shim
from workloads import WORKLOADS, Base

from engine.history.store import Arrival, DrawStore
from state.journal import Journal

FULL = {"queue": 150, "live": 110, "promotion": 110, "search": 50, "steps13": 80, "steps46": 50}


def test_kills_in_the_middle_of_writing_lose_and_double_nothing(tmp_path: Path) -> None:
    rng = random.Random(7)
    chooser = Chooser(
        rng, shim(tmp_path), ("transaction: log written", "inbox and archive", "draws", "any moment")
    )
    killer = Killer(tmp_path, WORKLOADS["queue"](rng, Base(tmp_path / "base")), chooser)
    kills = [killer.round() for _ in range(3)]
    assert [kill for kill in kills if kill.broken] == []
    assert killer.settle() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_five_hundred_kills_lose_and_double_nothing(name: str, tmp_path: Path) -> None:
    """Together 500 kills in about 45 minutes on two busy cores; `python tests/faults/kills.py` is the same by hand."""
    lines: list[dict[str, Any]] = []
    base = Base(tmp_path / "base")
    count = run(name, FULL[name], 1, tmp_path, shim(tmp_path), base, lines.append)
    assert [line for line in lines if line.get("broken") or line.get("found")] == []
    assert count["kills"] == FULL[name]


# -- the rules can fail --------------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A whole state directory: a request done with its draw, and one that waits."""
    with Journal.open(tmp_path) as journal:
        row = journal.requests.enqueue("inject_draw", {"value": 5}, origin="test", key="a")
        journal.requests.claim()
        journal.requests.start(row.id)
        store = DrawStore.open(tmp_path / "history")
        store.append([Arrival(5, id=f"injected-{row.id}")])
        store.close()
        journal.append("draws.arrived", {"first": 0, "last": 0, "source": "injected"})
        journal.requests.finish(row.id, "done", "stored")
        journal.requests.enqueue("inject_draw", {"value": 6}, origin="test", key="b")
    return tmp_path


def test_a_whole_state_breaks_no_rule(state: Path) -> None:
    assert broken(state, ["r-1", "r-2"]) == []


@pytest.mark.parametrize(
    ("sabotage", "rule"),
    [
        ("UPDATE requests SET state = 'done' WHERE n = 2", "requests"),
        ("DELETE FROM requests WHERE n = 2", "requests"),
        ("UPDATE events SET data = replace(data, '5', '7') WHERE kind = 'request.queued'", "chain"),
        ("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)", "chain"),
        ("INSERT INTO cursors SELECT 'feedback', '1', 1", "judged"),
    ],
)
def test_a_spoiled_journal_breaks_its_rule(state: Path, sabotage: str, rule: str) -> None:
    with contextlib.closing(sqlite3.connect(state / "journal.db", isolation_level=None)) as db:
        db.execute(sabotage)
    assert any(found.startswith(f"{rule}: ") for found in broken(state)), broken(state)


def test_draws_that_are_lost_doubled_or_never_came_are_found(state: Path) -> None:
    path = state / "history" / "draws.jsonl"
    line = path.read_text()
    for spoiled in ("", line + line, line.replace('"value": 5', '"value": 8')):
        path.write_text(spoiled)
        assert any(found.startswith("draws: ") for found in broken(state)), spoiled


def test_an_acknowledged_request_that_is_gone_is_found(state: Path) -> None:
    assert broken(state, {"key": "r-9"}) == ["acknowledged: r-9 is not on record"]


def test_an_archived_file_without_an_answer_is_found(state: Path) -> None:
    archive = state / "watcher_requests" / "archive"
    archive.mkdir(parents=True)
    (archive / "r-1-a.json").write_text("{}")
    (archive / "r-2-b.json").write_text("{}")
    (archive / "r-2-b.result.json").write_text("{}")
    found = broken(state)
    assert "inbox: r-1-a.json is archived without an answer" in found
    assert "inbox: r-2-b.json is archived, r-2 is queued" in found
