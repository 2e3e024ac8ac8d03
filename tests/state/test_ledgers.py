"""The bill, chunks, predictions, parameters, cursors, runs, halt: each change once, with its event."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.errors import InvalidTransition, LedgerError, UnknownRecord
from state.journal import Journal


def kinds(journal: Journal, after: int) -> list[str]:
    return [event.kind for event in journal.events(after=after)]


# -- bill -------------------------------------------------------------------------------------------------------------


def test_a_key_is_charged_once_also_across_restarts(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert journal.bill("sweep-1/0", 2**64, {"family": "x"})
        assert not journal.bill("sweep-1/0", 2**64, {"family": "x"})
        assert journal.bill("sweep-2/0", 5, {})
    with Journal.open(tmp_path) as journal:
        assert not journal.bill("sweep-2/0", 5, {})
        assert journal.billed() == 2**64 + 5
        assert journal.billed("sweep-2/") == 5
        assert len(list(journal.events(kinds=["bill.charged"]))) == 2


def test_one_key_has_one_price(journal: Journal) -> None:
    journal.bill("k", 5, {})
    with pytest.raises(LedgerError, match="charged 5 hypotheses before, now 6"):
        journal.bill("k", 6, {})
    with pytest.raises(LedgerError, match="negative"):
        journal.bill("n", -1, {})
    assert journal.billed() == 5


# -- chunks -----------------------------------------------------------------------------------------------------------


def test_the_first_result_of_a_chunk_counts(journal: Journal) -> None:
    journal.chunks_open("s", {0: {"lo": 0}, 1: {"lo": 10}})
    assert journal.chunk_done("s", 0, "aa", {"hits": 1}, b"one")
    seq = journal.seq
    assert not journal.chunk_done("s", 0, "aa", {"hits": 1}, b"one")
    assert journal.seq == seq
    assert not journal.chunk_done("s", 0, "bb", {"hits": 2}, b"two")
    assert kinds(journal, seq) == ["chunk.differs"]
    row = journal.chunks("s")[0]
    assert (row.meta, row.result, row.digest) == ({"hits": 1}, b"one", "aa")
    assert journal.chunks_left("s") == {1: {"lo": 10}}


def test_a_chunk_needs_no_plan_to_be_done(journal: Journal) -> None:
    assert journal.chunk_done("s", 4, "aa", {}, b"")
    assert list(journal.chunks("s")) == [4]
    assert journal.chunks("other") == {}


def test_a_plan_stands(journal: Journal) -> None:
    journal.chunk_open("s", 0, {"lo": 0})
    seq = journal.seq
    journal.chunk_open("s", 0, {"lo": 0})
    assert journal.seq == seq
    with pytest.raises(LedgerError, match="a changed plan is a new sweep"):
        journal.chunk_open("s", 0, {"lo": 1})


# -- predictions ------------------------------------------------------------------------------------------------------


def test_a_pool_counts_only_if_committed_before_its_draw(journal: Journal) -> None:
    journal.predictions.commit(7, "sha-a", {"values": [1]})
    last = journal.predictions.commit(7, "sha-b", {"values": [2]})
    judged = journal.predictions.judge(7, 2, score={"hit": True})
    assert judged.forecast
    assert judged.pool is not None
    assert (judged.pool.sha256, judged.pool.seq, judged.score) == ("sha-b", last, {"hit": True})
    assert judged.seq > last
    for draw in (7, 6):
        with pytest.raises(LedgerError, match="a pool comes before its draw"):
            journal.predictions.commit(draw, "sha-c", {})


def test_a_draw_without_a_pool_is_unforecast_and_never_scored(journal: Journal) -> None:
    judged = journal.predictions.judge(8, 5, score={"hit": True})
    assert (judged.forecast, judged.pool, judged.score) == (False, None, {})


def test_a_missing_draw_is_judged_without_score(journal: Journal) -> None:
    journal.predictions.commit(1, "s", {})
    assert journal.predictions.judge(1, None, score={"hit": False}).score == {}


def test_a_draw_is_judged_once(journal: Journal) -> None:
    journal.predictions.commit(1, "s", {"values": [3]})
    first = journal.predictions.judge(1, 3, score={"hit": True})
    seq = journal.seq
    again = journal.predictions.judge(1, 3, score={"hit": False})
    assert (again.score, again.seq) == (first.score, first.seq)
    assert journal.seq == seq
    with pytest.raises(LedgerError, match="judged as 3 before, now 4"):
        journal.predictions.judge(1, 4)
    assert [row.for_draw for row in journal.predictions.judgements()] == [1]


def test_the_same_pool_is_committed_once(journal: Journal) -> None:
    seq = journal.predictions.commit(1, "s", {"values": [3]})
    assert journal.predictions.commit(1, "s", {"values": [3]}) == seq
    assert journal.predictions.latest().for_draw == 1


# -- parameters, cursors ----------------------------------------------------------------------------------------------


def test_a_parameter_change_says_who_why_before_after(journal: Journal) -> None:
    journal.parameters.set("gap.max", 0, who="default", why="start")
    seq = journal.parameters.set("gap.max", 16, who="watcher", why="power 0.4", cause="d-1")
    assert journal.parameters.get("gap.max") == 16
    newest = journal.parameters.history("gap.max")[0]
    assert (newest.seq, newest.before, newest.after, newest.who, newest.why) == (
        seq,
        0,
        16,
        "watcher",
        "power 0.4",
    )
    event = next(iter(journal.events(after=seq - 1)))
    assert (event.data["before"], event.data["after"], event.data["cause"]) == (0, 16, "d-1")
    assert journal.parameters.set("gap.max", 16, who="w", why="w") is None
    assert journal.parameters.all() == {"gap.max": 16}


def test_a_parameter_change_without_a_reason_is_refused(journal: Journal) -> None:
    with pytest.raises(LedgerError, match="who and why"):
        journal.parameters.set("gap.max", 1, who="watcher", why="")
    with pytest.raises(UnknownRecord):
        journal.parameters.get("gap.max")


def test_a_cursor_survives(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert journal.cursors.get("draws", 0) == 0
        journal.cursors.set("draws", 12)
    with Journal.open(tmp_path) as journal:
        assert journal.cursors.get("draws") == 12


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_keeps_its_steps_and_goes_on_after_a_halt(journal: Journal) -> None:
    run = journal.runs.open("pipeline", {"start_step": "1"})
    journal.runs.step(run.id, "1", "running", done=3, total=10)
    journal.runs.step(run.id, "1", "done", done=10, total=10)
    journal.runs.move(run.id, "halted", "by ops")
    assert [row.id for row in journal.runs.unfinished()] == [run.id]
    journal.runs.move(run.id, "running", "resumed")
    row = journal.runs.move(run.id, "done", "all steps", result={"verdict": "identified"})
    assert (row.state, row.result, row.steps["1"]["done"]) == ("done", {"verdict": "identified"}, 10)
    with pytest.raises(InvalidTransition, match=r"run\.halted"):
        journal.runs.move(run.id, "running", "again")
    assert journal.runs.unfinished() == []
    assert journal.runs.open("pipeline", {}).id == "run-0002"


# -- halt -------------------------------------------------------------------------------------------------------------


def test_the_halt_row_survives_restarts_until_cleared(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert journal.halt_state() is None
        journal.halt_set("now", "thermal check", "ops")
    with Journal.open(tmp_path) as journal:
        row = journal.halt_state()
        assert (row.kind, row.reason, row.by, row.reached) == ("now", "thermal check", "ops", None)
        reached = journal.halt_reached()
        assert reached.reached is not None
        assert journal.halt_reached() == reached
        assert journal.halt_clear("ops", "card is fine")
        assert not journal.halt_clear("ops")
        assert journal.halt_state() is None
        assert [e.kind for e in journal.events(kinds=["halt."])] == [
            "halt.asked",
            "halt.reached",
            "halt.cleared",
        ]
