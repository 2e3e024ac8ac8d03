"""The engine's end of the control socket: whatever bytes a program sends, the connection ends in order and answers in whole lines."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Coroutine
from functools import cache
from typing import Any

from engine.peer import Caller, Peer
from engine.protocol import LINE_LIMIT, Command, Reply
from tests.fuzz.target import Reader, Target

HELLO = b'{"type":"hello","protocol":[1,1],"build":"x","client":"console","readonly":false}\n'
TALK = (
    HELLO + b'{"type":"command","id":"1","client":"c","verb":"subscribe","args":{"events":true}}\n'
    b'{"type":"command","id":"2","client":"c","verb":"halt","args":{"kind":"now","reason":"why"}}\n'
    b'{"type":"command","id":"3","client":"c","verb":"control","args":{"reason":"mine"}}\n'
)
logging.getLogger("mimicry.server").setLevel(logging.CRITICAL)


class Host:
    """A server without an engine behind it; what fails beside the connection is kept."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    async def execute(self, command: Command, caller: Caller) -> Reply:
        return Reply(id=command.id, ok=True, data={"verb": command.verb, "by": caller.by})

    def subscribe(self, peer: Peer) -> None:
        peer.offer_snapshot(b'{"type":"snapshot"}\n', 1)

    def barred(self, peer: Peer, verb: str) -> str:
        return ""

    async def take_control(self, peer: Peer, command: Command) -> Reply:
        return Reply(id=command.id, ok=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.append(task)
        return task


class Writer:
    """Collects what the engine sends."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.transport = self
        self.ours, self.theirs = pair()

    def set_write_buffer_limits(self, high: int) -> None:
        return

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        return

    def get_extra_info(self, name: str) -> socket.socket:
        return self.ours

    def close(self) -> None:
        return


@cache
def pair() -> tuple[socket.socket, socket.socket]:
    """Return a connected pair whose credentials are ours."""
    return socket.socketpair()


@cache
def loop() -> asyncio.AbstractEventLoop:
    """Return the loop that all inputs share."""
    return asyncio.new_event_loop()


def talk(data: bytes) -> object:
    """Let a program send these bytes and leave; return what it was told."""

    async def one() -> bytes:
        host, writer, reader = Host(), Writer(), asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        await Peer(host, reader, writer).talk(full=False)  # type: ignore[arg-type]
        for task in host.tasks:
            task.cancel()
        for fault in await asyncio.gather(*host.tasks, return_exceptions=True):
            if isinstance(fault, Exception):
                raise fault
        return bytes(writer.sent)

    said = loop().run_until_complete(one())
    lines = said.split(b"\n")
    assert lines.pop() == b"", "the engine sent half a line"
    assert all(len(line) < LINE_LIMIT for line in lines), "the engine sent a line beyond its own limit"
    return [json.loads(line) for line in lines]


TARGET = Target(
    "server",
    "the control socket, the engine reading its clients",
    (
        Reader("talk", talk, (TALK, HELLO + b"[" * 300 + b"\n", HELLO[:30], HELLO + b'{"id":"x"}\n'), ()),
        Reader(
            "after a greeting",
            lambda data: talk(HELLO + data + b"\n"),
            (TALK[len(HELLO) :], b"{}\n" * 20),
            (),
        ),
    ),
)
