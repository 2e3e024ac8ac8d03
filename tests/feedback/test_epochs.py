"""Epochs: a change of generator begins the next one, searches spend less with each, and searches, verdicts and pools keep to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.feedback.epochs import Epoch, Epochs
from engine.feedback.searches import Due, due
from state.journal import Journal


def test_an_opened_epoch_counts_once_it_is_settled_and_after_a_restart(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        epochs = Epochs(journal)
        assert (epochs.now.number, epochs.now.since) == (1, 0)
        nxt = epochs.next(40, "it changed")
        epochs.open(nxt)
        assert epochs.now.number == 1
        epochs.settle(nxt)
        assert (epochs.now.number, epochs.now.since) == (2, 40)
    with Journal.open(tmp_path) as journal:
        assert Epochs(journal).now == nxt


def test_however_often_the_generator_changes_the_room_errs_with_twice_alpha_at_most() -> None:
    spent = [Epoch(number=number).alpha(1e-6) for number in range(1, 2000)]
    assert spent[0] == 1e-6
    assert 1.9e-6 < sum(spent) <= 2e-6
    assert sorted(spent, reverse=True)[1:] == spent[1:]


@pytest.mark.parametrize(
    ("since", "draws", "verdict", "key"),
    [
        (0, 2, None, None),
        (0, 3, None, "first-search"),
        (100, 102, None, None),
        (100, 103, None, "first-search:2:103"),
        (100, 106, {"draws": 4, "verdict": "not_identifiable", "need": 7, "run": "run-0001"}, None),
        (
            100,
            107,
            {"draws": 4, "verdict": "not_identifiable", "need": 7, "run": "run-0001"},
            "enough_draws:2:4",
        ),
        (100, 200, {"draws": 7, "verdict": "identified", "need": None, "run": "run-0001"}, None),
    ],
)
def test_length_counts_from_the_change_on(
    tmp_path: Path, since: int, draws: int, verdict: dict[str, object] | None, key: str | None
) -> None:
    epoch = Epoch(number=2 if since else 1, since=since)
    with Journal.open(tmp_path) as journal:
        found = due(epoch, draws, verdict, journal)
        wanted = key if key is None or not since or verdict else f"first-search:2:{draws - since}"
        assert (found and found.key) == wanted
        journal.requests.enqueue("pipeline_rerun", origin="chapter 13")
        assert due(epoch, draws, verdict, journal) is None, "an open search is not asked for again"


def test_a_search_is_asked_once_and_again_only_where_it_failed(tmp_path: Path) -> None:
    asked = Due("first-search", "nobody has searched")
    with Journal.open(tmp_path) as journal:
        for turn, end in enumerate(("failed", "failed", "done"), 1):
            key = asked.unasked(journal.requests)
            assert key == ("first-search" if turn == 1 else f"first-search/{turn}")
            row = journal.requests.enqueue("pipeline_rerun", origin="history", key=key)
            assert asked.unasked(journal.requests) is None, "it is open"
            journal.requests.claim()
            journal.requests.start(row.id)
            journal.requests.finish(row.id, end, "over")
        assert asked.unasked(journal.requests) is None


@pytest.mark.parametrize(("end", "asked"), [("failed", True), ("cancelled", False), ("done", False)])
def test_a_run_that_was_given_up_behind_its_verdict_is_asked_for_again(
    tmp_path: Path, end: str, asked: bool
) -> None:
    verdict = {"draws": 12, "verdict": "identified", "need": None, "run": "run-0001"}
    with Journal.open(tmp_path) as journal:
        for turn in (1, 2):
            row = journal.requests.enqueue("pipeline_rerun", origin="history")
            journal.requests.claim()
            run = journal.runs.open("pipeline_rerun", {"since": 0}, request=row.id)
            journal.requests.start(row.id, run=run.id)
            ended = end if turn == 1 else "done"
            journal.runs.move(run.id, "done" if ended == "done" else "failed", "three crashes")
            journal.requests.finish(row.id, ended, "over")
            found = due(Epoch(), 14, verdict, journal)
            assert (found and found.key) == ("unfinished:run-0001" if asked and turn == 1 else None)
