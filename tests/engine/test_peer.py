"""The control socket's two ends against what is no honest other end: half characters, endless lines, strangers that speak no protocol."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import config
from engine.client import Client, call
from engine.errors import Unreachable, UsageError
from engine.halt import halt_offline
from engine.peer import ACT, ARGS_KEPT, encode, terminal
from engine.protocol import LINE_LIMIT, SOCKET_NAME, Command, Event, Hello, Reply
from state.errors import DiskFull
from state.journal import Journal

HELLO = Hello(build="x").model_dump_json().encode() + b"\n"


def test_half_a_character_in_a_record_stops_nobodys_screen() -> None:
    line = encode(Event(seq=1, at="t", kind="k", data={"file": "bad\udcff.csv", "more": [("a", 1)]}))
    assert Event.model_validate_json(line).data == {"file": "bad?.csv", "more": [["a", 1]]}
    assert json.loads(encode(Reply(id="1", ok=False, error="\ud800")))["error"] == "?"


@contextmanager
def stranger(state: Path, *lines: bytes) -> Iterator[None]:
    """Listen where an engine would, and say these lines to whoever comes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(state / SOCKET_NAME))
    listener.listen(4)

    def serve() -> None:
        with listener.accept()[0] as peer:
            try:
                peer.sendall(b"".join(lines))
                while peer.recv(1 << 16):
                    pass
            except OSError:
                return  # it hung up on us

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(
    "lines",
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n",), (b"[]\n",), (b"[" * 5000 + b"\n",), (b'{"type":"hello"}\n',), (b"x" * (LINE_LIMIT + 70_000),),
        (HELLO, b"[]\n"), (HELLO, b'{"type":"reply","id":"","ok":"maybe"}\n'), (HELLO, b"x" * (LINE_LIMIT + 70_000)),
    ],
)  # fmt: skip
def test_a_stranger_on_the_socket_is_told_from_an_engine_in_one_line(
    tmp_path: Path, lines: tuple[bytes, ...]
) -> None:
    with stranger(tmp_path, *lines), pytest.raises(Unreachable) as told:
        call(tmp_path, "snapshot", within=5)
    assert "\n" not in str(told.value)


async def test_a_viewer_ends_orderly_where_a_snapshot_is_none(tmp_path: Path) -> None:
    with stranger(tmp_path, HELLO, b'{"type":"reply","id":"7","ok":true}\n{"type":"snapshot","seq":1}\nno\n'):
        client = await Client.connect(tmp_path)
        with pytest.raises(Unreachable, match=r"no engine of this program|cannot read"):
            await client.command("subscribe")
        await client.close()


def test_the_terminal_of_a_process_is_named_or_none() -> None:
    leader, follower = pty.openpty()
    name = os.ttyname(follower).removeprefix("/dev/")
    code = "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); sys.stdout.write('x'); sys.stdout.flush(); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=follower, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert child.stdout is not None
        child.stdout.read(1)
        assert terminal(child.pid) == name
    finally:
        child.kill()
        child.communicate()
        os.close(leader)
        os.close(follower)
    assert terminal(2**22 + 7) is None


@pytest.mark.parametrize("key", ["alerts.webhook", "history.url"])
def test_a_broken_setting_that_may_hold_a_key_is_not_shown(tmp_path: Path, key: str) -> None:
    section, _, name = key.partition(".")
    (tmp_path / "room.toml").write_text(f'[{section}]\n{name} = "htp://planted-secret-value"\n')
    with pytest.raises(UsageError) as told:
        config.load(tmp_path / "room.toml")
    assert key in str(told.value)
    assert "planted" not in str(told.value)


# -- who did what -----------------------------------------------------------------------------------------------------


async def test_what_was_done_is_recorded_once_what_was_refused_or_looked_at_is_not(small_engine: Any) -> None:
    async def act(command: Command, by: str) -> dict[str, Any]:
        return {"done": command.args}

    async def refuse(command: Command, by: str) -> dict[str, Any]:
        raise UsageError("no")

    verbs = {"dig": act, "fill": refuse, "tables": act, "llm_answer": act}

    def talk() -> None:
        for verb in ("dig", "fill", "tables", "llm_answer"):
            call(small_engine.state, verb, depth=3, note="key sk-abcdefghijklmnop")

    async with small_engine.serving(verbs):
        await asyncio.to_thread(talk)
    (told,) = small_engine.journal.events(kinds=[ACT])
    assert (told.data["verb"], told.data["uid"], told.data["pid"]) == ("dig", os.getuid(), os.getpid())
    assert json.loads(told.data["args"]) == {"depth": 3, "note": "key [masked]"}


async def test_the_same_command_sent_again_is_one_act(small_engine: Any, raw: Any) -> None:
    async def act(command: Command, by: str) -> dict[str, Any]:
        return {}

    def talk() -> None:
        line = {"type": "command", "id": "same", "client": "c", "verb": "dig", "args": {"x": "y" * 5000}}
        for _ in range(2):
            peer = raw()
            peer.send(line)
            while peer.receive().get("id") != "same":
                pass

    async with small_engine.serving({"dig": act}):
        await asyncio.to_thread(talk)
    (told,) = small_engine.journal.events(kinds=[ACT])
    assert len(told.data["args"]) == ARGS_KEPT + 1


async def test_an_act_that_cannot_be_recorded_says_so(
    small_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(command: Command, by: str) -> dict[str, Any]:
        return {}

    def full(kind: str, data: object) -> int:
        raise DiskFull(small_engine.state, "recording")

    monkeypatch.setattr(small_engine.journal, "append", full)
    async with small_engine.serving({"dig": act}):
        reply = await asyncio.to_thread(call, small_engine.state, "dig")
    assert not reply.ok
    assert "done, but who did it could not be recorded" in (reply.error or "")


def test_a_halt_without_an_engine_names_the_user_not_what_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    row = halt_offline(tmp_path, reason="smoke")
    assert "somebody-else" not in row.by
    with Journal.read_only(tmp_path) as journal:
        (told,) = journal.events(kinds=[ACT])
    assert (told.data["verb"], told.data["uid"], told.data["pid"]) == ("halt", os.getuid(), os.getpid())


async def test_acts_that_wait_for_the_record_do_not_stand_before_a_halt(
    small_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(command: Command, by: str) -> dict[str, Any]:
        return {}

    append, slow = small_engine.journal.append, threading.Event()

    def stuck(kind: str, data: Any) -> int:
        if kind == ACT and data["verb"] == "dig":
            slow.wait(5)
        return int(append(kind, data))

    monkeypatch.setattr(small_engine.journal, "append", stuck)
    async with small_engine.serving({"dig": act}):
        digging = [asyncio.create_task(asyncio.to_thread(call, small_engine.state, "dig")) for _ in range(3)]
        await asyncio.sleep(0.2)
        reply = await asyncio.to_thread(call, small_engine.state, "halt", kind="now", reason="smoke")
        assert reply.ok
        assert not any(one.done() for one in digging)
        slow.set()
        assert all(reply.ok for reply in await asyncio.gather(*digging))
    assert len(list(small_engine.journal.events(kinds=[ACT]))) == 4
