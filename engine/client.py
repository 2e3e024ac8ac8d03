"""The other end of the control socket, for the console and the command line: light to import, decides nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from engine.errors import MimicryError, Unreachable, UsageError
from engine.protocol import LINE_LIMIT, PROTOCOL, SOCKET_NAME, Command, Event, Hello, Reply, Snapshot

__all__ = ["Client", "Lost", "MimicryError", "Unreachable", "call", "follow"]

CALL_SECONDS = 15.0
EVENTS_KEPT = 512
PAUSES = (0.25, 0.5, 1.0, 2.0, 5.0)
_PATH_LIMIT = 100  # bytes that a unix socket's path may safely have
R = TypeVar("R", bound=BaseModel)
_SNAPSHOT, _EVENT = b'{"type":"snapshot"', b'{"type":"event"'


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
def _reaching(state: Path) -> Iterator[None]:
    """Turn every way not to be answered into Unreachable."""
    start = f"start one with `mimicry --no-ui --state {state}`"
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


def _connected(state: Path, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        with socket_address(state) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _greeting(name: str, readonly: bool) -> bytes:
    return _line(Hello(build=build(), client=name, readonly=readonly))


def _command(client: str, verb: str, args: dict[str, Any]) -> Command:
    try:
        return Command.model_validate({"id": uuid4().hex, "client": client, "verb": verb, "args": args})
    except ValidationError as error:
        raise UsageError(f"command {verb!r}: a verb is a lower-case word") from error


def _line(record: Hello | Command) -> bytes:
    line = record.model_dump_json().encode() + b"\n"
    if len(line) > LINE_LIMIT:
        raise UsageError(f"command: {len(line)} bytes, a line may have {LINE_LIMIT}; send less at once")
    return line


def _record(line: bytes) -> dict[str, Any]:
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


def _as(kind: type[R], line: bytes) -> R:
    """Return a line of the engine as a record; Unreachable where it is none of this version."""
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        raise Unreachable(
            f"the engine sent a {kind.__name__.lower()} that this program cannot read ({error.error_count()} faults); "
            "run both in the same version"
        ) from error


def _greeted(line: bytes) -> None:
    """Accept the engine's greeting, or raise what it says instead."""
    record = _record(line)
    if record.get("type") == "reply":
        raise Unreachable(str(record.get("error")))
    low, high = _as(Hello, line).protocol
    if low > PROTOCOL[1]:
        raise Unreachable(
            f"the engine speaks protocol {low}..{high}, this program {PROTOCOL[0]}..{PROTOCOL[1]}: upgrade this program"
        )
    if high < PROTOCOL[0]:
        raise Unreachable(
            f"the engine speaks protocol {low}..{high}, this program {PROTOCOL[0]}..{PROTOCOL[1]}: upgrade the engine"
        )


# -- one command, without a loop ------------------------------------------------------------------------------------------


def call(state: Path, verb: str, *, seconds: float = CALL_SECONDS, **args: Any) -> Reply:
    """Send one command and return its reply; Unreachable when no engine answers within `seconds`."""
    command = _command(f"cli-{os.getpid()}", verb, args)
    deadline = time.monotonic() + seconds
    with _reaching(state), _connected(state, seconds) as connection:
        connection.sendall(_greeting("command line", False) + _line(command))
        lines = _lines(connection, deadline)
        _greeted(next(lines))
        for line in lines:
            if (reply := _reply_in(line, command.id)) is not None:
                return reply
        raise EOFError("no reply")


def _reply_in(line: bytes, command: str) -> Reply | None:
    """Return the reply to a command (or to the connection as a whole), None for any other line."""
    record = _record(line)
    mine = record.get("type") == "reply" and record.get("id") in (command, "")
    return _as(Reply, line) if mine else None


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


class Client:
    """One connection of a viewer; use it from one loop."""

    def __init__(self, state: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._state, self._reader, self._writer = state, reader, writer
        self._name = f"viewer-{uuid4().hex[:12]}"
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._snapshot: bytes | None = None
        self._events: deque[bytes] = deque(maxlen=EVENTS_KEPT)
        self._news = asyncio.Event()
        self._fault: MimicryError | None = None
        self._task = asyncio.get_running_loop().create_task(self._receive())

    @classmethod
    async def connect(
        cls, state: Path, *, readonly: bool = False, name: str = "console", seconds: float = 5.0
    ) -> Client:
        """Connect and greet; Unreachable when no engine answers."""
        with _reaching(state):
            connection = await asyncio.to_thread(_connected, state, seconds)
            connection.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_LIMIT + 1)
            try:
                writer.write(_greeting(name, readonly))
                _greeted(await asyncio.wait_for(reader.readuntil(), seconds))
            except BaseException:
                writer.close()
                raise
        return cls(state, reader, writer)

    async def command(self, verb: str, **args: Any) -> Reply:
        """Send one command and return its reply; Unreachable when the connection ends before."""
        return await self._send(_command(self._name, verb, args))

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Subscribe and yield snapshots; whoever is slow gets the newest and misses the ones between."""
        await self._subscribe(events=False)
        while True:
            yield _as(Snapshot, await self._next_snapshot())

    async def updates(self) -> AsyncIterator[Snapshot | Event]:
        """Subscribe and yield snapshots and the events after them without a hole; after a hole the next snapshot leads on."""
        await self._subscribe(events=True)
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

    async def _subscribe(self, *, events: bool) -> None:
        reply = await self.command("subscribe", events=events)
        if not reply.ok:
            raise Unreachable(f"the engine in {self._state} refused: {reply.error}")

    async def _refresh(self) -> None:
        reply = await self.command("snapshot")
        if reply.ok:
            self._snapshot = json.dumps(reply.data).encode()
            self._news.set()

    async def _send(self, command: Command) -> Reply:
        if self._fault is not None:
            raise self._fault
        line = _line(command)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = answer
        try:
            with _reaching(self._state):
                self._writer.write(line)
                await self._writer.drain()
            return await answer
        finally:
            self._waiting.pop(command.id, None)

    async def _next_snapshot(self) -> bytes:
        while True:
            await self._wait_for_news()
            self._events.clear()
            if (line := self._take_snapshot()) is not None:
                return line

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
            with _reaching(self._state):
                while True:
                    self._accept(await self._reader.readuntil())
        except MimicryError as error:
            self._end(error)
        except (ValueError, asyncio.LimitOverrunError) as error:
            self._end(
                Unreachable(f"the engine in {self._state} sent a line that this program cannot read: {error}")
            )

    def _accept(self, line: bytes) -> None:
        if line.startswith(_SNAPSHOT):
            self._snapshot = line
        elif line.startswith(_EVENT):
            self._events.append(line)
        else:
            self._answer(_as(Reply, line))
            return
        self._news.set()

    def _answer(self, reply: Reply) -> None:
        answer = self._waiting.get(reply.id)
        if answer is not None and not answer.done():
            answer.set_result(reply)
        elif not reply.id:
            self._end(Unreachable(f"the engine in {self._state} refused: {reply.error}"))

    def _end(self, fault: MimicryError) -> None:
        self._fault = self._fault or fault
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._fault)
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
