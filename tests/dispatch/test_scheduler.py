"""Recurring work: each firing once, over restarts and clock jumps; missed ones become one; open work is not piled up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.config import ScheduleSettings
from engine.dispatch.queue import Queue
from engine.dispatch.scheduler import Scheduler, parse_schedule
from engine.errors import BadInput
from state.journal import Journal

HOURLY = ScheduleSettings(
    name="hourly", cron="0 * * * *", request={"type": "selfplay_retrain", "reason": "explore"}
)


class Wall:
    """A wall clock that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def wall() -> Wall:
    return Wall()


def scheduler(journal: Journal, queue: Queue, wall: Wall, *settings: ScheduleSettings) -> Scheduler:
    return Scheduler(journal, queue, parse_schedule(settings or (HOURLY,)), clock=wall)


def end(queue: Queue) -> None:
    row = queue.claim()
    assert row is not None
    queue.start(row.id)
    queue.finish(row.id, "done", "ran")


def test_a_new_entry_fires_at_its_next_time_not_for_the_past(
    journal: Journal, queue: Queue, wall: Wall
) -> None:
    one = scheduler(journal, queue, wall)
    assert one.look() == []
    wall.move(minutes=29)
    assert one.look() == []
    wall.move(minutes=1, seconds=3)
    assert one.look() == ["r-1"]
    assert one.look() == []
    row = queue.get("r-1")
    assert (row.kind, row.origin, row.key) == (
        "selfplay_retrain",
        "schedule hourly",
        "schedule:hourly:2026-03-01T11:00:00Z",
    )
    assert row.why == "explore; due 2026-03-01T11:00:00Z"


def test_missed_firings_become_one_and_a_restart_fires_none_twice(
    journal: Journal, queue: Queue, wall: Wall
) -> None:
    scheduler(journal, queue, wall).look()
    wall.move(hours=7)
    assert scheduler(journal, queue, wall).look() == ["r-1"]
    assert "6 missed firings coalesced" in queue.get("r-1").why
    assert scheduler(journal, queue, wall).look() == []


def test_a_firing_while_the_last_request_is_open_is_coalesced(
    journal: Journal, queue: Queue, wall: Wall
) -> None:
    one = scheduler(journal, queue, wall)
    one.look()
    wall.move(hours=1)
    assert one.look() == ["r-1"]
    wall.move(hours=1)
    assert one.look() == []
    assert journal.last(["schedule.coalesced"]).data["request"] == "r-1"
    end(queue)
    wall.move(hours=1)
    assert one.look() == ["r-2"]


def test_a_clock_set_back_fires_nothing_twice(journal: Journal, queue: Queue, wall: Wall) -> None:
    one = scheduler(journal, queue, wall)
    one.look()
    wall.move(hours=1)
    one.look()
    end(queue)
    wall.move(hours=-3)
    assert one.look() == []
    wall.move(hours=3)
    assert one.look() == []
    wall.move(hours=1)
    assert one.look() == ["r-2"]


def test_a_crash_between_request_and_cursor_cannot_be(
    journal: Journal, queue: Queue, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = scheduler(journal, queue, wall)
    one.look()
    wall.move(hours=1)
    monkeypatch.setattr(queue, "submit", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        one.look()
    monkeypatch.undo()
    assert one.look() == ["r-1"], "the cursor did not move without its request"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cron": "61 * * * *"}, "minute '61'"),
        ({"request": {"type": "selfplay"}}, "did you mean selfplay_retrain?"),
        ({"request": {"type": "learning_loop", "stps": ["3"]}}, "did you mean steps?"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(change: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match="schedule 'hourly'") as error:
        parse_schedule((HOURLY.model_copy(update=change),))
    assert told in str(error.value)
    with pytest.raises(BadInput, match="another entry"):
        parse_schedule((HOURLY, HOURLY))
