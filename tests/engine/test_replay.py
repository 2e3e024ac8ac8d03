"""Replay: the journal up to an event makes the room that stood then, through the same assembly as live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.feedback.intake import ARRIVED
from engine.replay import KINDS, OPEN, Past, Room
from engine.status import VERDICT
from state.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


def worked(journal: Journal) -> list[int]:
    """Live through a short story; return the journal's number after each scene."""
    scenes = []
    row = journal.requests.enqueue("learn", {}, origin="test", why="asked")
    scenes.append(journal.seq)
    journal.append(ARRIVED, {"first": 0, "last": 59, "source": "a file"})
    journal.requests.claim()
    journal.requests.move(row.id, "running", "a device is free")
    run = journal.runs.open("pipeline", {}, request=row.id)
    journal.runs.step(run.id, "1", "running")
    scenes.append(journal.seq)
    journal.halt_set("now", "thermal", "ops (console)")
    journal.halt_reached()
    scenes.append(journal.seq)
    journal.halt_clear("ops (console)", "cooled")
    journal.decisions.add(step="1", action="RETRY", reason="few trials", source="rule", rule="W2")
    journal.runs.step(run.id, "1", "done", best=14.1)
    journal.requests.move(row.id, "done", "all done")
    scenes.append(journal.seq)
    return scenes


def shot(past: Past, seq: int):
    return past.snapshot(seq, host="zeus", test_mode=False)


def test_every_scene_is_shown_as_it_was(journal: Journal) -> None:
    asked, running, halted, done = (shot(Past(journal), seq) for seq in worked(journal))
    assert [(each.state, each.why) for each in asked.requests] == [("queued", "asked")]
    assert (asked.requests_waiting, asked.mode, asked.pipeline.steps) == (1, "idle", [])
    assert running.mode == "run"
    assert (asked.evidence.draws, running.evidence.draws) == (0, 60)
    assert running.pipeline.steps[0].status == "running"
    assert (halted.mode, halted.halt and halted.halt.reason) == ("halted", "thermal")
    assert halted.decisions == []
    assert (done.mode, done.halt) == ("idle", None)
    assert [each.action for each in done.decisions] == ["RETRY"]
    assert (done.pipeline.steps[0].status, done.pipeline.steps[0].best) == ("done", 14.1)


def test_the_fold_of_everything_is_what_the_tables_hold(journal: Journal) -> None:
    worked(journal)
    room = Past(journal).room(journal.seq)
    live = {
        row.id: (row.state, row.why, row.kind, row.origin, row.priority)
        for row in journal.requests.newest(100)
    }
    assert {
        key: (each.state, each.why, each.kind, each.origin, each.priority)
        for key, each in room.requests.items()
    } == live
    runs = {
        row.id: (row.state, row.why, {k: v["status"] for k, v in row.steps.items()})
        for row in journal.runs.newest(9)
    }
    assert {
        key: (each.state, each.why, {k: v["status"] for k, v in each.steps.items()})
        for key, each in room.runs.items()
    } == runs
    assert room.halt == journal.halt_state()


def test_steps_go_from_one_record_to_the_next_and_stop_at_the_ends(journal: Journal) -> None:
    worked(journal)
    past = Past(journal)
    seqs = [event.seq for event in journal.events(kinds=KINDS)]
    back, here = [], None
    while (seq := past.seek(here, -1, None)) != here:
        back.append(seq)
        here = seq
    assert back == list(reversed(seqs)) or back == list(reversed(seqs[:-1]))
    assert past.seek(seqs[0], 1, None) == seqs[1]
    assert past.seek(seqs[-1], 1, None) == seqs[-1]


def test_a_look_back_folds_few_records_and_shows_what_folding_all_of_them_shows(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = journal.requests.enqueue("learn", {}, origin="test", why="for a person", priority=1)
    for _ in range(4):
        worked(journal)
        journal.append(VERDICT, {"verdict": "no_evidence"})
    journal.requests.cancel(old.id, "not needed")
    whole = [Past(journal).room(seq) for seq in range(journal.seq + 1)]
    monkeypatch.setattr("engine.replay.FOLDS", (("request.", 2), ("run.", 2), ("halt.", 3), (VERDICT, 1)))
    taken: list[int] = []
    monkeypatch.setattr(
        Room, "take", lambda self, event, take=Room.take: (taken.append(event.seq), take(self, event))
    )
    for seq, then in enumerate(whole):
        taken.clear()
        room = Past(journal).room(seq)
        assert (room.at, room.halt, room.verdict) == (then.at, then.halt, then.verdict)
        assert list(room.runs.values())[-1:] == list(then.runs.values())[-1:]
        still_open = [each for each in then.requests.values() if each.state in OPEN]
        assert [each for each in room.requests.values() if each.state in OPEN] == still_open
        assert room.requests.items() <= then.requests.items()
        assert len(taken) < 24, "however long the journal is"


def test_a_time_leads_to_the_last_event_before_it(journal: Journal) -> None:
    scenes = worked(journal)
    past = Past(journal)
    assert past.seek(None, -1, "2999-01-01T00:00:00Z") == scenes[-1]
    assert past.seek(None, -1, "1999-01-01") == 0
    assert shot(past, 0).requests == []
    with pytest.raises(UsageError, match="not a time"):
        past.seek(None, -1, "yesterday")
