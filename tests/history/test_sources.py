"""Draw sources: each draw once and in order, over crashes, half-written files, caches and refusals; what is wrong is shown."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from engine.config import HistorySettings
from engine.dispatch.intake import SourceKeeper, degraded
from engine.feedback.intake import Intake
from engine.history import source_shape
from engine.history.source_command import CommandSource
from engine.history.source_files import DirectorySource, FileSource
from engine.history.source_shape import Source
from engine.history.source_url import UrlSource
from engine.history.sources import source_of
from state.journal import Journal

ALL = HistorySettings()


class Room:
    """A journal, a store, and one source over them."""

    def __init__(self, state: Path) -> None:
        self.state, self.journal = state, Journal.open(state)
        self.intake = Intake(state, self.journal, lambda: None)

    def keeper(self, source: Source, poll: float = 2.0) -> SourceKeeper:
        return SourceKeeper(source, self.intake, self.journal, poll)

    @property
    def values(self) -> list[int | None]:
        return [draw.value for _, draw in self.intake.store.after(0)]

    def alerts(self) -> list[str]:
        return [event.data["text"] for event in self.journal.events(kinds=("alert.raised",))]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "state")
    yield made
    made.intake.close()
    made.journal.close()


# -- file and directory -----------------------------------------------------------------------------------------------


async def test_a_file_grows_and_a_changed_past_is_refused(room: Room, tmp_path: Path) -> None:
    file = tmp_path / "draws.csv"
    keeper = room.keeper(FileSource(file, ALL))
    await keeper.look()
    assert keeper.at.state == "degraded"
    assert "No such file" in degraded(keeper.at)[0]
    file.write_text("value\n4\n5\n")
    assert await keeper.look() == 2
    assert degraded(keeper.at) == []
    assert await keeper.look() == 0
    file.write_text("value\n4\n5\n6\n")
    assert await keeper.look() == 1
    file.write_text("value\n9\n5\n6\n7\n")
    await keeper.look()
    await keeper.look()
    assert "not the ones taken before" in str(keeper.at.error)
    assert len(room.alerts()) == 2, "what is wrong is told once"
    assert room.values == [4, 5, 6]


class Clock:
    """Monotonic time that moves when told."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class Folder:
    """A watched directory that time passes over."""

    def __init__(self, room: Room, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.clock, self.room = folder, Clock(), room
        self.keeper = self.start()

    def start(self) -> SourceKeeper:
        return self.room.keeper(DirectorySource(self.folder, ALL, clock=self.clock))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    async def settle(self, seconds: float = 1.1) -> int:
        came = await self.keeper.look()
        self.clock.now += seconds
        return came + await self.keeper.look()


@pytest.fixture
def folder(room: Room, tmp_path: Path) -> Folder:
    return Folder(room, tmp_path / "drop")


async def test_files_are_taken_in_the_order_of_their_names_each_once(folder: Folder, room: Room) -> None:
    folder.write("0002.csv", "value\n3\n")
    folder.write("0001.txt", "1\n2\n")
    folder.write("notes.md", "7\n")
    (folder.folder / "0000.csv").symlink_to(folder.folder / "notes.md")
    assert await folder.keeper.look() == 0, "they may still be written"
    assert await folder.settle() == 3
    assert await folder.settle() == 0
    folder.write("0002.csv", "value\n3\n4\n")
    assert await folder.settle() == 1
    folder.keeper = folder.start()
    assert await folder.settle() == 0, "another process knows them too"
    assert room.values == [1, 2, 3, 4]


async def test_a_half_written_file_holds_the_later_ones_back_then_is_shown(
    folder: Folder, room: Room
) -> None:
    folder.write("a.json", '[{"value": 1}, {"val')
    folder.write("b.csv", "value\n2\n")
    assert await folder.settle(30.0) == 0
    assert folder.keeper.at.state == "ok"
    await folder.settle(31.0)
    assert folder.keeper.at.state == "degraded"
    assert "a.json" in str(folder.keeper.at.error)
    folder.write("a.json", '[{"value": 1}]')
    assert await folder.settle() == 2
    assert (room.values, folder.keeper.at.state) == ([1, 2], "ok")


async def test_a_file_that_comes_late_is_refused_by_name(folder: Folder, room: Room) -> None:
    folder.write("b.csv", "value\n2\n")
    await folder.settle()
    folder.write("a.csv", "value\n1\n")
    await folder.settle()
    assert "a.csv: 1 new draws, but b.csv was taken before" in str(folder.keeper.at.error)
    (folder.folder / "a.csv").rename(folder.folder / "c.csv")
    assert await folder.settle() == 1
    assert room.values == [2, 1]


async def test_a_crash_between_store_and_source_takes_no_draw_twice(
    folder: Folder, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.csv", "value\n1\n1\n1\n")
    await folder.keeper.look()
    folder.clock.now += 1.1

    def killed(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(DirectorySource, "taken", killed)
    with pytest.raises(SystemExit):
        await folder.keeper.look()
    monkeypatch.undo()
    folder.keeper = folder.start()
    await folder.settle()
    assert room.values == [1, 1, 1]


# -- http -------------------------------------------------------------------------------------------------------------


class Web:
    """A server on the loopback address; `text` is the document, `status` what it answers."""

    def __init__(self) -> None:
        self.text, self.status, self.headers = "value\n1\n2\n", 200, dict[str, str]()
        self.asked: list[dict[str, str]] = []
        self.pause = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        await asyncio.sleep(self.pause)
        tag = f'"{hash(self.text)}"'
        if self.status != 200:
            return web.Response(status=self.status, headers=self.headers)
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        return web.Response(text=self.text, headers={"ETag": tag, **self.headers}, content_type="text/csv")


@asynccontextmanager
async def serving(site: Web) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/draws", site.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/draws"))


def url_source(room: Room, url: str, **settings: Any) -> UrlSource:
    return UrlSource(url, HistorySettings(**settings), room.state, room.journal.cursors)


async def test_a_url_is_asked_only_for_changes_also_after_a_restart(room: Room) -> None:
    site = Web()
    async with serving(site) as url:
        keeper = room.keeper(url_source(room, url))
        assert await keeper.look() == 2
        assert await keeper.look() == 0
        site.text += "3\n"
        assert await keeper.look() == 1
        again = room.keeper(url_source(room, url))
        assert await again.look() == 0
    assert [("If-None-Match" in headers) for headers in site.asked] == [False, True, True, True]
    assert room.values == [1, 2, 3]
    assert list((room.state / "sources").iterdir()) == []


async def test_keys_in_an_address_are_never_shown(room: Room) -> None:
    keeper = room.keeper(url_source(room, "http://ops:secret@127.0.0.1:9/draws?key=secret"))
    await keeper.look()
    assert keeper.at.name == "http://127.0.0.1:9/draws?…"
    assert keeper.at.error
    assert "secret" not in "".join([*room.alerts(), keeper.at.line()])


async def test_a_store_that_fell_behind_its_marks_asks_for_everything(room: Room, tmp_path: Path) -> None:
    site = Web()
    async with serving(site) as url:
        await room.keeper(url_source(room, url)).look()
        other = Room(tmp_path / "restored")
        other.journal.cursors.set("source.url", room.journal.cursors.get("source.url"))
        assert await other.keeper(url_source(other, url)).look() == 2
        other.intake.close()
        other.journal.close()


async def test_failures_back_off_are_told_once_and_end(room: Room) -> None:
    site = Web()
    async with serving(site) as url:
        keeper = room.keeper(url_source(room, url), poll=2.0)
        site.status = 503
        pauses = []
        for _ in range(12):
            await keeper.look()
            pauses.append(keeper.at.pause)
        assert pauses[:4] == [4.0, 8.0, 16.0, 32.0]
        assert pauses[-1] == 900.0
        assert "answered 503" in degraded(keeper.at)[0]
        site.headers = {"Retry-After": "1234"}
        await keeper.look()
        assert keeper.at.pause == 1234.0
        site.status, site.headers = 200, {}
        assert await keeper.look() == 2
        assert (keeper.at.pause, degraded(keeper.at)) == (2.0, [])
    await keeper.look()
    assert "ClientConnectorError" in str(keeper.at.error)
    assert len(room.alerts()) == 2


async def test_an_answer_too_slow_too_big_or_no_draws_is_refused(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Web()
    async with serving(site) as url:
        keeper = room.keeper(url_source(room, url, timeout_s=0.2))
        site.pause = 1.0
        await keeper.look()
        assert "no whole answer within 0.2 s" in str(keeper.at.error)
        site.pause, site.text = 0.0, "<html>maintenance</html>"
        await keeper.look()
        assert url in str(keeper.at.error), "the message names the source, not a temporary file"
        monkeypatch.setattr(source_shape, "LARGEST_ANSWER", 1 << 16)
        site.text = "value\n" + "1\n" * (1 << 16)
        await keeper.look()
        assert "MiB" in str(keeper.at.error)
    assert room.values == []


WINDOW = "time,value\n" + "".join(f"2026-01-01T00:0{minute}:00,{minute}\n" for minute in range(9))


def window(first: int, last: int) -> str:
    lines = WINDOW.splitlines(keepends=True)
    return lines[0] + "".join(lines[1 + first : 1 + last])


async def test_a_window_of_the_last_draws_goes_on_by_time(room: Room) -> None:
    site = Web()
    async with serving(site) as url:
        keeper = room.keeper(url_source(room, url))
        for text, came in ((window(0, 3), 3), (window(1, 5), 2), (window(0, 2), 0), (window(4, 6), 1)):
            site.text = text
            assert await keeper.look() == came
            assert degraded(keeper.at) == []
        site.text = window(7, 9)
        await keeper.look()
        assert "what lies between is missing" in str(keeper.at.error)
        site.text = window(4, 8).replace(":05:00,5", ":05:00,6")
        await keeper.look()
        assert "other draws" in str(keeper.at.error)
    assert room.values == [0, 1, 2, 3, 4, 5]


# -- command ----------------------------------------------------------------------------------------------------------


def command(room: Room, code: str, **settings: Any) -> SourceKeeper:
    words = (sys.executable, "-S", "-c", code)
    return room.keeper(CommandSource(words, HistorySettings(command=words, **settings), room.state))


async def test_a_command_prints_the_history(room: Room) -> None:
    assert await command(room, "print(1, 2, 3)").look() == 3
    assert await command(room, "print(1, 2, 3, 4)").look() == 1
    assert room.values == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; print('no key', file=sys.stderr); sys.exit(3)", "ended with 3: no key"),
        ("import time; time.sleep(60)", "did not end within 0.3 s"),
        ("print('no draws here')", "draws"),
        ("while True: print('9' * 4096)", "printed more than 1 MiB"),
    ],
)
async def test_a_command_that_fails_or_hangs_is_shown(
    room: Room, code: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_shape, "LARGEST_ANSWER", 1 << 20)
    keeper = command(room, code, timeout_s=0.3 if "sleep" in code else 30.0)
    await keeper.look()
    assert told in str(keeper.at.error)
    assert room.intake.empty


async def test_a_program_that_is_not_there_is_named(room: Room) -> None:
    keeper = room.keeper(CommandSource(("/nonexistent/feed",), ALL, room.state))
    await keeper.look()
    assert "cannot be started" in str(keeper.at.error)


# -- settings ---------------------------------------------------------------------------------------------------------


def test_a_room_has_one_source(room: Room, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="file and url are given"):
        HistorySettings(file=tmp_path / "a", url="http://localhost/x")
    with pytest.raises(ValueError, match="url"):
        HistorySettings(url="ftp://localhost/x")
    assert source_of(ALL, tmp_path, room.journal.cursors) is None
    made = source_of(HistorySettings(directory=tmp_path), tmp_path, room.journal.cursors)
    assert isinstance(made, DirectorySource)


async def test_a_bad_directory_is_shown(room: Room, tmp_path: Path) -> None:
    keeper = room.keeper(DirectorySource(tmp_path / "nowhere", ALL))
    await keeper.look()
    assert "nowhere" in str(keeper.at.error)
