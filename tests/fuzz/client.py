"""The viewer's end of the control socket: whatever an engine (or what poses as one) sends, the viewer says in one line what is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from engine import client, link
from engine.client import Client
from engine.errors import Unreachable
from engine.protocol import Engine, Evidence, Host, Pipeline, Series, Snapshot
from tests.fuzz.server import HELLO, Writer, loop
from tests.fuzz.target import Reader, Target
from tui import wire

GAUGE = Series(unit="MB", seconds=5.0, values=[1.0, None])
SNAPSHOT = (
    Snapshot(
        seq=3, head="h", at="2026-01-01T00:00:00Z", host="x", mode="idle", evidence=Evidence(),
        fleet=[Host(name="r", devices=["ok"], kind="gpu", age=1.0)], pipeline=Pipeline(), requests=[], requests_waiting=0, decisions=[],
        engine=Engine(pid=1, uptime=1, rss_mb=1, handles=1, threads=1, tasks=1, loop_lag_ms=1, wal_mb=0, memory=GAUGE, handle_series=GAUGE),
        throughput=GAUGE,
    ).model_dump_json(by_alias=True).encode()
    + b"\n"
)  # fmt: skip
EVENT = b'{"type":"event","seq":4,"at":"2026-01-01T00:00:00Z","kind":"k","data":{}}\n'
SUBSCRIBED = b'{"type":"reply","id":"ID","ok":true,"data":{"events":true}}\n'


def follow(data: bytes, before: bytes = SUBSCRIBED) -> object:
    """Be a viewer of something that sends these bytes; return what it was shown. The answer to subscribe comes first."""

    async def one() -> list[object]:
        reader, writer = asyncio.StreamReader(), Answering()
        viewer = Client(Path("state"), reader, writer)  # type: ignore[arg-type]
        writer.answer = lambda identity: reader.feed_data((before + data).replace(b"ID", identity))
        writer.over = reader.feed_eof
        shown: list[object] = []
        try:
            async for update in viewer.updates():
                shown.append(update)
        finally:
            viewer._task.cancel()
            await asyncio.gather(viewer._task, return_exceptions=True)
        return shown

    return loop().run_until_complete(one())


TURNS = 40


class Answering(Writer):
    """An engine that answers the first command with what the test wants and hangs up at the second."""

    answer: Any = None
    over: Any = None

    def write(self, data: bytes) -> None:
        if self.answer is None:
            self.over()
            return
        answer, self.answer = self.answer, None
        answer(data.split(b'"id":"', 1)[1].split(b'"', 1)[0])
        self._after(TURNS)

    def _after(self, turns: int) -> None:
        """Hang up when the loop has gone round so often: what was sent is read by then."""
        again = self.over if turns == 0 else lambda: self._after(turns - 1)
        asyncio.get_running_loop().call_soon(again)


def subscribed(data: bytes) -> object:
    """Be a viewer whose subscription is answered with these bytes; ID in them is its number."""
    return follow(data, b"")


def greeted(data: bytes) -> object:
    return link.greeted(data)


def reply(data: bytes) -> object:
    """Read what a one-shot command is answered."""
    return client._reply_in(data, "ID")


TARGET = Target(
    "client",
    "the control socket, a viewer reading the engine",
    (
        Reader(
            "greeting",
            greeted,
            (HELLO, b'{"type":"reply","id":"","ok":false,"error":"no"}\n'),
            (Unreachable,),
        ),
        Reader(
            "reply",
            reply,
            (SUBSCRIBED, b'{"type":"reply","id":"","ok":false,"error":"no","exit_code":2}'),
            (Unreachable,),
        ),
        Reader(
            "follow",
            follow,
            (SNAPSHOT + EVENT, EVENT, SUBSCRIBED, SNAPSHOT + EVENT.replace(b"4", b"9")),
            (Unreachable,),
        ),
        Reader(
            "subscribed", subscribed, (SUBSCRIBED, b'{"type":"reply","id":"ID"}\n' + SNAPSHOT), (Unreachable,)
        ),
        Reader("console's snapshot", wire.snapshot, (SNAPSHOT,), (wire.Unreadable,)),
    ),
)
