"""Requests: claimed once, moved only along the table, never lost with their worker."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from state import requests as table
from state.errors import InvalidTransition, UnknownRecord
from state.journal import Journal


def test_a_request_goes_its_way_and_every_step_is_an_event(journal: Journal) -> None:
    row = journal.requests.enqueue("learning_loop", {"a": 1}, origin="ch13", why="trigger 3")
    assert (row.id, row.state, row.args, row.why) == ("r-1", "queued", {"a": 1}, "trigger 3")
    claimed = journal.requests.claim()
    assert claimed is not None
    assert (claimed.state, claimed.pid, claimed.attempts) == ("claimed", os.getpid(), 1)
    journal.requests.start("r-1", run="run-0001")
    done = journal.requests.finish("r-1", "done", "all steps ran", result={"steps": 3})
    assert (done.state, done.run, done.result, done.terminal) == ("done", "run-0001", {"steps": 3}, True)
    kinds = [event.kind for event in journal.story("r-1")]
    assert kinds == ["request.queued", "request.claimed", "request.running", "request.done"]


def test_one_key_is_one_request_whatever_became_of_it(journal: Journal) -> None:
    first = journal.requests.enqueue("a", {}, origin="t", key="k")
    journal.requests.cancel(first.id, "not needed")
    again = journal.requests.enqueue("a", {}, origin="t", key="k")
    assert (again.id, again.state) == (first.id, "cancelled")
    assert journal.requests.enqueue("a", {}, origin="t").id != first.id


def test_priority_goes_first_then_age(journal: Journal) -> None:
    for priority in (50, 70, 50, 70):
        journal.requests.enqueue("a", {}, origin="t", priority=priority)
    assert [journal.requests.claim().id for _ in range(4)] == ["r-2", "r-4", "r-1", "r-3"]
    assert journal.requests.claim() is None


def test_a_claim_may_choose_by_kind_and_by_what_is_free(journal: Journal) -> None:
    for kind in ("gpu", "cpu", "cpu"):
        journal.requests.enqueue(kind, {}, origin="t")
    assert journal.requests.claim(kinds=["cpu"]).id == "r-2"
    assert journal.requests.claim(accept=lambda row: row.kind == "cpu").id == "r-3"
    assert journal.requests.claim(accept=lambda row: row.kind == "cpu") is None
    assert journal.requests.get("r-1").state == "queued"


def test_a_forbidden_move_tells_the_rows_history(journal: Journal) -> None:
    row = journal.requests.enqueue("a", {}, origin="t", why="asked by ops")
    journal.requests.cancel(row.id, "changed my mind")
    seq = journal.seq
    with pytest.raises(InvalidTransition) as told:
        journal.requests.start(row.id)
    text = str(told.value)
    assert "r-1: cancelled -> running" in text
    assert "asked by ops" in text
    assert "changed my mind" in text
    assert "final" in text
    assert journal.seq == seq


def test_only_moves_of_the_table_happen(journal: Journal) -> None:
    choice = random.Random(4)
    for _ in range(25):
        row = journal.requests.enqueue("a", {}, origin="t")
        for _ in range(6):
            before, after = journal.requests.get(row.id), choice.choice(list(table.TRANSITIONS))
            if after in table.TRANSITIONS[before.state]:
                assert journal.requests.move(row.id, after, "moved").state == after
            else:
                with pytest.raises(InvalidTransition):
                    journal.requests.move(row.id, after, "moved")
                assert journal.requests.get(row.id) == before
        moves = [event.kind.removeprefix("request.") for event in journal.story(row.id)]
        assert all(b in table.TRANSITIONS[a] for a, b in pairwise(moves))
        assert sum(move in table.TERMINAL for move in moves) <= 1


def test_a_deferred_request_waits_for_its_time(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    row = journal.requests.enqueue("a", {}, origin="t")
    journal.requests.claim()
    journal.requests.defer(row.id, "VRAM is busy", seconds=30)
    assert journal.requests.claim() is None
    assert journal.requests.waiting() == 1
    now = table.monotonic()
    monkeypatch.setattr(table, "monotonic", lambda: now + 31)
    assert journal.requests.claim().id == row.id


def test_a_delay_does_not_outlive_its_boot(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    row = journal.requests.enqueue("a", {}, origin="t")
    journal.requests.defer(row.id, "later", seconds=10_000)
    monkeypatch.setattr(table, "boot_id", lambda: "another boot")
    assert journal.requests.claim().id == row.id


def test_a_lease_lapses_unless_renewed(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    row = journal.requests.enqueue("a", {}, origin="t")
    journal.requests.claim(lease=10)
    seq, now = journal.seq, table.monotonic()
    monkeypatch.setattr(table, "monotonic", lambda: now + 11)
    assert [overdue.id for overdue in journal.requests.overdue()] == [row.id]
    journal.requests.renew(row.id, lease=10)
    assert journal.requests.overdue() == []
    assert journal.seq == seq
    journal.requests.cancel(row.id, "no")
    with pytest.raises(InvalidTransition):
        journal.requests.renew(row.id)


CLAIM_AND_WAIT = """
import sys
from pathlib import Path
from state.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
journal.requests_recover()
print(journal.requests.start(journal.requests.claim().id).id, flush=True)
sys.stdin.read()
import time; time.sleep(60)
"""


def test_claims_of_a_killed_process_return_until_given_up(
    tmp_path: Path, child: Callable[..., object]
) -> None:
    with Journal.open(tmp_path) as journal:
        row = journal.requests.enqueue("a", {}, origin="t")
    for attempt in (1, 2, 3):
        process = child(CLAIM_AND_WAIT, tmp_path)
        assert process.stdout.readline().strip() == row.id
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Journal.open(tmp_path) as journal:
            assert journal.requests.claim() is None
            (back,) = journal.requests_recover(max_attempts=3)
            assert back.state == ("queued" if attempt < 3 else "failed")
            assert f"process {process.pid} ended while it was running" in back.why
            assert journal.requests_recover() == []


def test_own_claims_are_not_recovered(journal: Journal) -> None:
    journal.requests.enqueue("a", {}, origin="t")
    journal.requests.claim()
    assert journal.requests_recover() == []


def test_a_request_refused_at_the_door_is_terminal_at_once(journal: Journal) -> None:
    row = journal.requests.refuse("invalid", {"file": "x.json"}, origin="inbox", why="not JSON")
    assert (row.state, row.terminal) == ("rejected", True)
    assert journal.requests.claim() is None


@pytest.mark.parametrize("name", ["r-9", "9", "x", "r-"])
def test_an_unknown_request_is_named(journal: Journal, name: str) -> None:
    with pytest.raises(UnknownRecord, match=name):
        journal.requests.get(name)
