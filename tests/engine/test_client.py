"""The client's side: light, clear when nobody answers, whole after a hole."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import state
from engine import link as links
from engine.client import Client, Lost, call, follow
from engine.errors import Unreachable, UsageError
from engine.protocol import SOCKET_NAME, Event, Snapshot


def test_importing_the_client_loads_neither_numpy_nor_a_toolkit() -> None:
    code = "import sys, engine.client; print([m for m in ('numpy', 'textual', 'rich', 'sqlite3', 'state') if m in sys.modules])"
    env = {"PYTHONPATH": str(Path(state.__file__).parents[1])}
    out = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    "prepare", [lambda path: None, lambda path: path.mkdir(), lambda path: dead_socket(path)]
)
def test_no_engine_is_one_line_with_the_way_out(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    prepare(tmp_path / "state")
    began = time.monotonic()
    with pytest.raises(
        Unreachable, match=r"no engine answers in .*state; start one with `mimicry --no-ui --state"
    ):
        call(tmp_path / "state", "snapshot")
    assert time.monotonic() - began < 1
    with pytest.raises(Unreachable, match="no engine answers"):
        asyncio.run(Client.connect(tmp_path / "state"))


def dead_socket(path: Path) -> None:
    path.mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path / SOCKET_NAME))


def mute_engine(path: Path, reply: bytes = b"") -> socket.socket:
    """A listener that accepts, says `reply`, and then nothing."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path / SOCKET_NAME))
    listener.listen()
    kept: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            connection.sendall(reply)

    threading.Thread(target=accept, daemon=True).start()
    return listener


def test_an_engine_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with mute_engine(tmp_path):
        with pytest.raises(Unreachable, match="does not answer"):
            call(tmp_path, "snapshot", within=0.2)
        with pytest.raises(Unreachable, match="does not answer"):
            asyncio.run(Client.connect(tmp_path, seconds=0.2))


@pytest.mark.parametrize(
    ("greeting", "side"),
    [
        (b'{"type":"hello","protocol":[2,2],"build":"x"}\n', "upgrade this program"),
        (b'{"type":"hello","protocol":[0,0],"build":"x"}\n', "upgrade the engine"),
        (b'{"type":"reply","id":"","ok":false,"error":"64 programs are connected already"}\n', "64 programs"),
    ],
)
def test_an_engine_of_another_version_is_named(tmp_path: Path, greeting: bytes, side: str) -> None:
    with mute_engine(tmp_path, greeting):
        with pytest.raises(Unreachable, match=side):
            call(tmp_path, "snapshot", within=2)
        with pytest.raises(Unreachable, match=side):
            asyncio.run(Client.connect(tmp_path, seconds=2))


def test_a_verb_that_is_no_word_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lower-case word"):
        call(tmp_path, "Dance!")


def test_a_text_that_is_no_unicode_is_sent_with_a_mark() -> None:
    assert links.order("c", "halt", {"reason": "\udcff"})[1].endswith(b'"args":{"reason":"?"}}\n')


async def test_commands_are_answered_out_of_order(small_engine: Any) -> None:
    gate = asyncio.Event()

    async def explain(command: Any, _: str) -> dict[str, Any]:
        if command.args["id"] == 1:
            await gate.wait()
        return {"id": command.args["id"]}

    async with small_engine.serving({"explain": explain}):
        client = await Client.connect(small_engine.state)
        slow = asyncio.ensure_future(client.command("explain", id=1))
        assert (await client.command("explain", id=2)).data == {"id": 2}
        assert (await client.command("halt", kind="finish", reason="r")).ok
        gate.set()
        assert (await slow).data == {"id": 1}
        await client.close()
        with pytest.raises(Unreachable):
            await client.command("snapshot")


async def test_snapshots_are_the_newest_for_a_slow_viewer(small_engine: Any) -> None:
    async with small_engine.serving():
        small_engine.server._period = 0.02
        client = await Client.connect(small_engine.state)
        stream = client.snapshots()
        first = await anext(stream)
        await asyncio.sleep(0.5)
        second = await anext(stream)
        assert isinstance(first, Snapshot)
        assert int(second.at[-7:-1]) >= int(first.at[-7:-1]) + 5
        assert small_engine.server.readers == 1
        await client.close()


async def test_a_read_only_client_may_not_halt(small_engine: Any) -> None:
    async with small_engine.serving():
        client = await Client.connect(small_engine.state, readonly=True)
        assert "read-only" in (await client.command("halt", reason="r")).error
        assert (await client.command("snapshot")).ok
        await client.close()


async def test_updates_have_no_hole_even_when_events_were_dropped(
    small_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "EVENTS_KEPT", 8)
    seen: list[Snapshot | Event] = []

    async def read(client: Client) -> None:
        async for update in client.updates():
            seen.append(update)
            await asyncio.sleep(0.005)  # slower than events come: the oldest give way

    async with small_engine.serving():
        client = await Client.connect(small_engine.state)
        reading = asyncio.ensure_future(read(client))
        await asyncio.sleep(0.2)
        assert seen
        for number in range(300):
            small_engine.journal.append("test.event", {"number": number})
            await asyncio.sleep(0.001)
        for _ in range(300):
            await asyncio.sleep(0.02)
            if seen[-1].seq >= small_engine.journal.seq:
                break
        reading.cancel()
        await client.close()
    assert seen[-1].seq >= small_engine.journal.seq
    seq = 0
    for update in seen:
        if isinstance(update, Event):
            assert update.seq == seq + 1
        seq = max(seq, update.seq)
    assert any(isinstance(update, Event) for update in seen)
    assert (
        sum(isinstance(update, Snapshot) for update in seen) > 4
    )  # asked for at holes, beside the two a second


async def test_a_vanished_engine_fails_what_waits(small_engine: Any) -> None:
    async def explain(*_: object) -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async with small_engine.serving({"explain": explain}):
        client = await Client.connect(small_engine.state)
        stream = client.snapshots()
        await anext(stream)
        waiting = asyncio.ensure_future(client.command("explain"))
        await asyncio.sleep(0.05)
    with pytest.raises(Unreachable, match="closed the connection"):
        await waiting
    with pytest.raises(Unreachable):
        await anext(stream)
    await client.close()


async def test_follow_survives_a_restart(small_engine: Any) -> None:
    stream = follow(small_engine.state)
    lost = await anext(stream)
    assert isinstance(lost, Lost)
    assert lost.attempt == 1
    async with small_engine.serving():
        assert isinstance(await anext(stream), Snapshot)
    while isinstance(update := await anext(stream), Snapshot):
        pass
    assert update.attempt == 1
    async with small_engine.serving():
        while isinstance(update := await anext(stream), Lost):
            pass
        assert isinstance(update, Snapshot)
        await stream.aclose()
