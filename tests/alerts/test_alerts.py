"""Alerts: limits that do not tremble, time to hold, silence, a book that the journal alone makes, delivery that survives restarts."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.alerts.book import Book
from engine.alerts.rules import Monitor, Rule, Sight
from engine.alerts.webhook import QUEUED, Webhook
from engine.errors import UsageError
from state.journal import Journal

NOW = datetime.now(UTC)


class World:
    """Values by subject that one rule reads."""

    def __init__(self, **values: float | None) -> None:
        self.values: dict[str, float | None] = dict(values)
        self.rule = Rule(
            "heat", lambda sight: self.values, 95, 90, 30, "{subject} {value:.0f} > {limit:.0f}", silent=60
        )

    def steps(self, monitor: Monitor, now: float) -> list[tuple[bool, str]]:
        return [(each.raised, each.key) for each in monitor.step(now, Sight(None))]  # type: ignore[arg-type]


def test_an_alert_is_raised_after_its_time_and_cleared_below_the_other_limit() -> None:
    world = World(a=96.0)
    monitor = Monitor((world.rule,), set())
    assert world.steps(monitor, 0) == []
    assert world.steps(monitor, 29) == []
    assert world.steps(monitor, 30) == [(True, "heat:a")]
    world.values["a"] = 92.0  # between the limits: it stands
    assert world.steps(monitor, 40) == []
    world.values["a"] = 96.0
    assert world.steps(monitor, 50) == []
    world.values["a"] = 90.0
    assert world.steps(monitor, 60) == [(False, "heat:a")]


def test_a_short_peak_does_not_ring() -> None:
    world = World(a=96.0)
    monitor = Monitor((world.rule,), set())
    world.steps(monitor, 0)
    world.values["a"] = 94.0
    world.steps(monitor, 20)
    world.values["a"] = 96.0
    assert world.steps(monitor, 40) == []
    assert world.steps(monitor, 69) == []
    assert world.steps(monitor, 70) == [(True, "heat:a")]


def test_silence_is_an_alert_of_its_own_for_what_once_told_a_value() -> None:
    world = World(a=50.0, never=None)
    monitor = Monitor((world.rule,), set())
    world.steps(monitor, 0)
    del world.values["a"]
    assert world.steps(monitor, 59) == []
    assert world.steps(monitor, 60) == [(True, "heat:a?")]
    world.values["a"] = 50.0
    assert world.steps(monitor, 70) == [(False, "heat:a?")]


def test_what_stood_before_a_restart_is_not_raised_again_and_is_cleared() -> None:
    world = World(a=96.0)
    monitor = Monitor((world.rule,), {"heat:a"})
    assert world.steps(monitor, 0) == []
    assert world.steps(monitor, 60) == []
    world.values["a"] = 60.0
    assert world.steps(monitor, 61) == [(False, "heat:a")]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


def test_the_book_is_made_by_the_journal_alone(journal: Journal) -> None:
    book = Book(journal)
    book.change(True, "heat:a", "warn", "a 96 > 95", 96.0, 95.0)
    before = journal.seq
    journal.append("alert.raised", {"level": "fail", "text": "service x failed"})
    now = datetime.now(UTC)
    (note, heat) = book.entries()
    assert [each.text for each in book.standing(now)] == ["service x failed", "a 96 > 95"]
    book.ack(note.id, "ops", "seen")
    assert [(each.text, each.acked) for each in book.standing(now)] == [
        ("a 96 > 95", False),
        ("service x failed", True),
    ]
    book.mute(heat.id, 60, "ops", "", now)
    again = Book(journal)
    assert [each.text for each in again.standing(now)] == ["service x failed"]
    assert [each.text for each in again.standing(now + timedelta(minutes=61))] == [
        "a 96 > 95"
    ]  # the note has had its hour
    book.change(False, "heat:a", "warn", "a 80", 80.0, 90.0)
    assert {again.state(each, now) for each in again.entries()} == {"acked", "cleared"}
    assert [each.text for each in Book(journal, upto=before).standing(now)] == ["a 96 > 95"]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda book: book.ack("a-99", "ops", ""), "no alert 'a-99'"),
        (lambda book: book.mute(book.entries()[0].id, -1, "ops", "", NOW), "-1 minutes"),
        (lambda book: book.mute(book.entries()[0].id, 5, "ops", "", NOW), "is a note"),
    ],
)
def test_a_wrong_word_to_the_book_is_refused(journal: Journal, what: Any, says: str) -> None:
    journal.append("alert.raised", {"level": "fail", "text": "service x failed"})
    with pytest.raises(UsageError, match=says):
        what(Book(journal))


class Address:
    """A web address on loopback that keeps what it is told, and can fail."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.fails = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.fails -= 1
                if outer.fails < 0:
                    outer.got.append(body)
                self.send_response(503 if outer.fails >= 0 else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def address() -> Iterator[Address]:
    made = Address()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def test_each_alert_is_delivered_once_through_failures_and_restarts(
    journal: Journal, address: Address
) -> None:
    journal.cursors.set("alerts.webhook", journal.seq)
    book = Book(journal)
    for index in range(3):
        book.change(True, f"heat:{index}", "warn", f"hot {index}", 96.0, 95.0)
    address.fails = 1
    hook = Webhook(address.url, "zeus", journal)
    assert not await hook.pump()
    assert "503" in hook.degraded[0]
    assert await hook.pump()
    assert hook.degraded == []
    again = Webhook(address.url, "zeus", journal)  # as after a restart
    while await again.pump():
        pass
    assert [each["text"] for each in address.got] == ["hot 0", "hot 1", "hot 2"]
    assert address.got[0]["schema"] == "alert/1"


async def test_a_queue_that_nobody_takes_is_bounded_and_says_so(journal: Journal) -> None:
    journal.cursors.set("alerts.webhook", journal.seq)
    for index in range(QUEUED + 5):
        journal.append("alert.raised", {"level": "warn", "text": str(index)})
    hook = Webhook("http://127.0.0.1:9/", "zeus", journal)
    while await hook.pump():
        pass
    assert hook.degraded[-1] == "webhook: 5 alerts passed over"


async def test_an_address_that_hangs_does_not_hold_the_loop(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.alerts.webhook.TIMEOUT", 0.5)
    server = await asyncio.start_server(lambda reader, writer: asyncio.sleep(30), "127.0.0.1", 0)
    journal.cursors.set("alerts.webhook", journal.seq)
    journal.append("alert.raised", {"level": "warn", "text": "x"})
    hook = Webhook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", "zeus", journal)
    turns = 0
    task = asyncio.create_task(hook.pump())
    while not task.done():
        turns += 1
        await asyncio.sleep(0.01)
    assert turns > 10
    assert not task.result()
    assert "timed out" in hook.degraded[0]
    server.close()
