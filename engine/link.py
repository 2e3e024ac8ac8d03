"""The control socket's other end without a record class: connect, greet, send a line, keep the newest snapshot. Light to import.

The console reads it with plain records of its own (`tui.wire`); `engine.client` puts the typed ones of `engine.protocol` on it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any, Self
from uuid import uuid4

from engine.errors import MimicryError, Unreachable, UsageError

__all__ = ["Link", "MimicryError", "Unreachable"]

PROTOCOL: tuple[int, int] = (1, 1)
LINE_LIMIT = 1 << 20
SOCKET_NAME = "control.sock"
EVENTS_KEPT = 512
_PATH_LIMIT = 100  # bytes that a unix socket's path may safely have
_SNAPSHOT, _EVENT = b'{"type":"snapshot"', b'{"type":"event"'
_VERB = re.compile(r"[a-z][a-z_]{0,39}")


@cache
def build() -> str:
    """Return this program's version for the greeting."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mimicry")
    except PackageNotFoundError:
        return "source"


@contextmanager
def socket_address(state: Path) -> Iterator[str]:
    """Lend an address for the control socket that fits the kernel's limit, however long the path is."""
    path = os.fspath(state.absolute() / SOCKET_NAME)
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield path
        return
    handle = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET_NAME}"
    finally:
        os.close(handle)


@contextmanager
def reaching(state: Path) -> Iterator[None]:
    """Turn every way not to be answered into Unreachable."""
    start = f"start one with `mimicry --no-ui --state {quote(str(state))}`"
    try:
        yield
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise Unreachable(f"no engine answers in {state}; {start}") from error
    except (TimeoutError, BlockingIOError) as error:  # the latter: its queue of callers is full
        raise Unreachable(f"the engine in {state} does not answer; its log is {state / 'logs'}") from error
    except (ConnectionError, EOFError) as error:
        raise Unreachable(f"the engine in {state} closed the connection ({error}); {start}") from error
    except PermissionError as error:
        raise Unreachable(
            f"{state / SOCKET_NAME}: {error.strerror}; only the engine's own user may talk to it"
        ) from error


def connected(state: Path, seconds: float) -> socket.socket:
    """Return a socket to the engine; `seconds` is its timeout from then on."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        with socket_address(state) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def encoded(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line, a mark where a text is no Unicode (so is what a shell passes on); UsageError where it is too long."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    line = text.encode(errors="replace") + b"\n"
    if len(line) > LINE_LIMIT:
        raise UsageError(f"command: {len(line)} bytes, a line may have {LINE_LIMIT}; send less at once")
    return line


def greeting(name: str, readonly: bool) -> bytes:
    """Return the first line from a viewer."""
    return encoded(
        {"type": "hello", "protocol": PROTOCOL, "build": build(), "client": name, "readonly": readonly}
    )


def order(client: str, verb: str, args: Mapping[str, Any]) -> tuple[str, bytes]:
    """Return a command's id and its line."""
    if _VERB.fullmatch(verb) is None:
        raise UsageError(f"command {verb!r}: a verb is a lower-case word")
    number = uuid4().hex
    return number, encoded(
        {"type": "command", "id": number, "client": client, "verb": verb, "args": dict(args)}
    )


def record_of(line: bytes) -> dict[str, Any]:
    """Return a line of the engine as an object; Unreachable where it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise Unreachable(
            f"what listens there speaks no JSON ({line[:40]!r}); it is no engine of this program"
        )
    return record


def greeted(line: bytes) -> None:
    """Accept the engine's greeting, or raise what it says instead."""
    record = record_of(line)
    if record.get("type") == "reply":
        raise Unreachable(str(record.get("error")))
    try:
        low, high = (int(end) for end in record["protocol"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Unreachable(
            f"the engine sent a hello that this program cannot read ({line[:80]!r}); run both in the same version"
        ) from error
    ours = f"this program {PROTOCOL[0]}..{PROTOCOL[1]}"
    if low > PROTOCOL[1]:
        raise Unreachable(f"the engine speaks protocol {low}..{high}, {ours}: upgrade this program")
    if high < PROTOCOL[0]:
        raise Unreachable(f"the engine speaks protocol {low}..{high}, {ours}: upgrade the engine")


class Link:
    """One connection of a viewer; use it from one loop."""

    def __init__(self, state: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._state, self._reader, self._writer = state, reader, writer
        self._name = f"viewer-{uuid4().hex[:12]}"
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._snapshot: bytes | None = None
        self._events: deque[bytes] = deque(maxlen=EVENTS_KEPT)
        self._news = asyncio.Event()
        self._fault: MimicryError | None = None
        self._task = asyncio.get_running_loop().create_task(self._receive())

    @classmethod
    async def connect(
        cls, state: Path, *, readonly: bool = False, name: str = "console", seconds: float = 5.0
    ) -> Self:
        """Connect and greet; Unreachable when no engine answers."""
        with reaching(state):
            connection = await asyncio.to_thread(connected, state, seconds)
            connection.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_LIMIT + 1)
            try:
                writer.write(greeting(name, readonly))
                greeted(await asyncio.wait_for(reader.readuntil(), seconds))
            except BaseException:
                writer.close()
                raise
        return cls(state, reader, writer)

    async def asked(self, verb: str, **args: Any) -> dict[str, Any]:
        """Send one command and return its reply as it came; Unreachable when the connection ends before."""
        number, line = order(self._name, verb, args)
        if self._fault is not None:
            raise self._fault
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            with reaching(self._state):
                self._writer.write(line)
                await self._writer.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def subscribe(self, *, events: bool) -> None:
        """Ask to be told of everything that follows."""
        reply = await self.asked("subscribe", events=events)
        if reply.get("ok") is not True:
            raise Unreachable(f"the engine in {self._state} refused: {reply.get('error')}")

    async def next_snapshot(self) -> bytes:
        """Return the newest snapshot's line, once there is one that was not taken; events before it are passed over."""
        while True:
            await self._wait_for_news()
            self._events.clear()
            if (line := self._take_snapshot()) is not None:
                return line

    async def close(self) -> None:
        """Leave the socket; the engine goes on."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        self._end(Unreachable("this connection was closed"))

    # -- inside -----------------------------------------------------------------------------------------------------------

    async def _wait_for_news(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._snapshot is None and not self._events:
            self._news.clear()
            await self._news.wait()
        if self._fault is not None:
            raise self._fault

    def _take_snapshot(self) -> bytes | None:
        line, self._snapshot = self._snapshot, None
        return line

    async def _receive(self) -> None:
        try:
            with reaching(self._state):
                while True:
                    self._accept(await self._reader.readuntil())
        except MimicryError as error:
            self._end(error)
        except (KeyError, TypeError, ValueError, asyncio.LimitOverrunError) as error:
            self._end(
                Unreachable(f"the engine in {self._state} sent a line that this program cannot read: {error}")
            )

    def _accept(self, line: bytes) -> None:
        if line.startswith(_SNAPSHOT):
            self._snapshot = line
        elif line.startswith(_EVENT):
            self._events.append(line)
        else:
            self._answer(record_of(line))
            return
        self._news.set()

    def _answer(self, reply: dict[str, Any]) -> None:
        if reply["type"] != "reply":
            raise ValueError(f"a {reply['type']!r}")
        answer = self._waiting.get(reply["id"])
        if answer is not None and not answer.done():
            answer.set_result(reply)
        elif not reply["id"]:
            self._end(Unreachable(f"the engine in {self._state} refused: {reply.get('error')}"))

    def _end(self, fault: MimicryError) -> None:
        self._fault = self._fault or fault
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._fault)
        self._news.set()
