"""The control socket's two ends against what is no honest other end: half characters, endless lines, strangers that speak no protocol."""

from __future__ import annotations

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

import pytest

from engine import config
from engine.client import Client, call
from engine.errors import Unreachable, UsageError
from engine.peer import encode, terminal
from engine.protocol import LINE_LIMIT, SOCKET_NAME, Event, Hello, Reply

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
        call(tmp_path, "snapshot", seconds=5)
    assert "\n" not in str(told.value)


async def test_a_viewer_ends_orderly_where_a_snapshot_is_none(tmp_path: Path) -> None:
    with stranger(tmp_path, HELLO, b'{"type":"reply","id":"7","ok":true}\n{"type":"snapshot","seq":1}\nno\n'):
        client = await Client.connect(tmp_path)
        with pytest.raises(Unreachable, match="no engine of this program|cannot read"):
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
