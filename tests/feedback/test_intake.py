"""The door for draws: the store opens once however many ask, and an empty room stays empty."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

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
