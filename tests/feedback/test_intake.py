"""The door for draws: the store opens once however many ask, and an empty room stays empty."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import EnvironmentFault
from engine.feedback.intake import ARRIVED, Intake
from engine.history.store import Arrival
from state.journal import Journal


class Door:
    """An intake over a real journal, and how often it told of draws."""

    def __init__(self, state: Path) -> None:
        self.journal, self.told = Journal.open(state), 0
        self.intake = Intake(state, self.journal, self.tell)

    def tell(self) -> None:
        self.told += 1


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.intake.close()
    made.journal.close()


def test_an_empty_room_opens_no_store(door: Door, tmp_path: Path) -> None:
    assert door.intake.empty
    assert door.intake.count == 0
    assert not (tmp_path / "history").exists()


def test_draws_are_recorded_and_told_once_and_a_repeated_delivery_changes_nothing(door: Door) -> None:
    for _ in range(2):
        assert door.intake.append([Arrival(5, id="a"), Arrival(6, id="b")], "test") == [1, 2]
    assert (door.intake.count, door.told) == (2, 1)
    assert [event.data["last"] for event in door.journal.events(kinds=(ARRIVED,))] == [1]


def test_many_threads_open_one_store(door: Door) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(door.intake.store)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_an_arrival_that_a_crash_kept_off_the_record_is_put_there(tmp_path: Path) -> None:
    first = Door(tmp_path)
    first.intake.append([Arrival(5)], "test")
    first.intake.store.append([Arrival(6), Arrival(7)])  # the process died before it could say so
    first.intake.close()
    again = Intake(tmp_path, first.journal, lambda: None)
    assert again.count == 3
    spans = [(event.data["first"], event.data["last"]) for event in first.journal.events(kinds=(ARRIVED,))]
    assert spans == [(0, 0), (1, 2)]
    again.close()
    first.journal.close()


def test_draws_that_are_on_record_and_gone_from_the_file_are_missed(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.intake.append([Arrival(5), Arrival(6)], "test")
    door.intake.close()
    path = tmp_path / "history" / "draws.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(EnvironmentFault, match="holds 1 draws, the journal has 2 on record"):
        _ = Intake(tmp_path, door.journal, lambda: None).store
    door.journal.close()


def test_a_store_that_closed_itself_over_the_disk_is_opened_again(door: Door) -> None:
    door.intake.append([Arrival(5)], "test")
    door.intake.store.close()
    assert door.intake.append([Arrival(6)], "test") == [2]
