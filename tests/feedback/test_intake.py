"""The door for draws: files grow at the end only, the store opens once however many ask, and an empty room stays empty."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import HistorySettings
from engine.feedback.intake import ARRIVED, Intake
from engine.history.store import Arrival
from engine.status import ALERT
from state.journal import Journal


class Door:
    """An intake over a real journal, and how often it told of draws."""

    def __init__(self, state: Path) -> None:
        self.journal, self.told = Journal.open(state), 0
        self.intake = Intake(state, self.journal, self.tell)

    def tell(self) -> None:
        self.told += 1

    def alerts(self) -> list[str]:
        return [event.data["text"] for event in self.journal.events(kinds=(ALERT,))]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.intake.close()
    made.journal.close()


async def watch(door: Door, file: Path, seconds: float = 0.4) -> None:
    settings = HistorySettings(file=file, poll_s=0.02)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await door.intake.watch_file(settings)


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


async def test_a_file_is_taken_over_and_what_is_added_follows(door: Door, tmp_path: Path) -> None:
    file = tmp_path / "draws.csv"
    file.write_text("value\n1\n2\n3\n")
    await watch(door, file)
    assert door.intake.count == 3
    with file.open("a") as handle:
        handle.write("4\n")
    await watch(door, file)
    assert [draw.value for _, draw in door.intake.store.after(0)] == [1, 2, 3, 4]


async def test_a_file_that_changed_in_the_middle_is_refused_once_and_nothing_is_lost(
    door: Door, tmp_path: Path
) -> None:
    file = tmp_path / "draws.csv"
    file.write_text("value\n1\n2\n3\n")
    await watch(door, file)
    file.write_text("value\n1\n9\n3\n4\n")
    await watch(door, file)
    file.touch()
    await watch(door, file)
    assert door.intake.count == 3
    assert len(door.alerts()) == 1
    assert "only ever grow at the end" in door.alerts()[0]


async def test_a_missing_or_broken_file_is_told_once_and_taken_when_it_is_there(
    door: Door, tmp_path: Path
) -> None:
    file = tmp_path / "draws.csv"
    await watch(door, file)
    assert "does not exist" in door.alerts()[0]
    file.write_text("value\nx\ny\nz\n")
    await watch(door, file)
    assert len(door.alerts()) == 2
    file.write_text("value\n1\n2\n3\n")
    await watch(door, file)
    assert door.intake.count == 3
