"""Typed records on the control socket, for the command line and for viewers in this process; decides nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import MimicryError, Unreachable
from engine.link import (
    LINE_LIMIT,
    Link,
    build,
    connected,
    greeted,
    greeting,
    order,
    reaching,
    record_of,
    socket_address,
)
from engine.protocol import Event, Reply, Snapshot

__all__ = ["Client", "Lost", "MimicryError", "Unreachable", "build", "call", "follow", "socket_address"]

CALL_SECONDS = 15.0
PAUSES = (0.25, 0.5, 1.0, 2.0, 5.0)
R = TypeVar("R", bound=BaseModel)


def _as(kind: type[R], said: bytes | dict[str, Any]) -> R:
    """Return what the engine said (a line, or one read already) as a record; Unreachable where it is none of this version."""
    try:
        return kind.model_validate_json(said) if isinstance(said, bytes) else kind.model_validate(said)
    except ValidationError as error:
        raise Unreachable(
            f"the engine sent a {kind.__name__.lower()} that this program cannot read ({error.error_count()} faults); "
            "run both in the same version"
        ) from error


# -- one command, without a loop ------------------------------------------------------------------------------------------


def call(state: Path, verb: str, *, within: float = CALL_SECONDS, **args: Any) -> Reply:
    """Send one command and return its reply; Unreachable when no engine answers within so many seconds."""
    number, command = order(f"cli-{os.getpid()}", verb, args)
    deadline = time.monotonic() + within
    with reaching(state), connected(state, within) as connection:
        connection.sendall(greeting("command line", False) + command)
        lines = _lines(connection, deadline)
        greeted(next(lines))
        for line in lines:
            if (reply := _reply_in(line, number)) is not None:
                return reply
        raise EOFError("no reply")


def _reply_in(line: bytes, command: str) -> Reply | None:
    """Return the reply to a command (or to the connection as a whole), None for any other line."""
    record = record_of(line)
    mine = record.get("type") == "reply" and record.get("id") in (command, "")
    return _as(Reply, record) if mine else None


def _lines(connection: socket.socket, deadline: float) -> Iterator[bytes]:
    pending = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(1 << 16)
        if not piece:
            raise EOFError("closed by the engine")
        pending += piece
        while (end := pending.find(b"\n")) >= 0:
            yield bytes(pending[:end])
            del pending[: end + 1]
        if len(pending) > LINE_LIMIT:
            raise Unreachable(
                f"what listens there sent a line of more than {LINE_LIMIT} bytes; it is no engine of this program"
            )


# -- a viewer's connection ------------------------------------------------------------------------------------------------


class Client(Link):
    """One connection of a viewer that takes typed records; use it from one loop."""

    async def command(self, verb: str, **args: Any) -> Reply:
        """Send one command and return its reply; Unreachable when the connection ends before."""
        return _as(Reply, await self.asked(verb, **args))

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Subscribe and yield snapshots; whoever is slow gets the newest and misses the ones between."""
        await self.subscribe(events=False)
        while True:
            yield _as(Snapshot, await self.next_snapshot())

    async def updates(self) -> AsyncIterator[Snapshot | Event]:
        """Subscribe and yield snapshots and the events after them without a hole; after a hole the next snapshot leads on."""
        await self.subscribe(events=True)
        seq: int | None = None
        while True:
            await self._wait_for_news()
            if (line := self._take_snapshot()) is not None:
                snapshot = _as(Snapshot, line)
                seq = max(snapshot.seq, seq or 0)
                yield snapshot
            while self._events and self._snapshot is None:
                event = _as(Event, self._events.popleft())
                if seq is None or event.seq <= seq:
                    continue
                if event.seq > seq + 1:  # a hole: ask for a snapshot that covers it
                    await self._refresh()
                    break
                seq = event.seq
                yield event

    async def _refresh(self) -> None:
        reply = await self.command("snapshot")
        if reply.ok:
            self._snapshot = json.dumps(reply.data).encode()
            self._news.set()


@dataclass(frozen=True)
class Lost:
    """The link is down; the next attempt comes after `pause` seconds."""

    why: str
    attempt: int
    pause: float


async def follow(
    state: Path, *, readonly: bool = True, name: str = "viewer"
) -> AsyncIterator[Snapshot | Lost]:
    """Yield snapshots for ever, across restarts of the engine; each failed attempt is told as Lost, then tried again."""
    attempt = 0
    while True:
        try:
            client = await Client.connect(state, readonly=readonly, name=name)
            try:
                async for snapshot in client.snapshots():
                    attempt = 0
                    yield snapshot
            finally:
                await client.close()
        except MimicryError as error:
            attempt += 1
            lost = Lost(str(error), attempt, PAUSES[min(attempt, len(PAUSES)) - 1])
            yield lost
            await asyncio.sleep(lost.pause)
