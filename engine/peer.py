"""One connection on the control socket: reads whole lines, keeps a bounded outbox, can be slow or rude without anybody noticing."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
import struct
from collections import deque
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from engine.client import build
from engine.errors import Exit
from engine.masks import masked
from engine.protocol import LINE_LIMIT, LOOKS, PROTOCOL, Command, Event, Hello, Reply, Snapshot
from engine.terminal import plain_json

PEERS = 64
IN_FLIGHT = 32
REPLIES_QUEUED = 64
EVENTS_QUEUED = 256
HELLO_SECONDS = 5.0
LINE_SECONDS = 10.0
FAREWELL_SECONDS = 1.0
FAULTS = 16
ACT = "act"
"""The event of an acting command that was done: the verb, its arguments, and who sent it from where."""
ARGS_KEPT = 1000
_BUFFER = 1 << 16


@dataclass(frozen=True)
class Caller:
    """Who sends commands, as the kernel knows it: user, process and terminal; `label` is what the program calls itself."""

    uid: int
    pid: int
    tty: str | None
    label: str

    @property
    def by(self) -> str:
        """Return the caller as records and screens name it."""
        return f"{user_name(self.uid)} ({self.label}, pid {self.pid})"

    def act(
        self, verb: str, args: Mapping[str, Any], *, client: str = "", command: str = ""
    ) -> dict[str, Any]:
        """Return the record of something done: what, with which arguments (masked, cut), by whom and from where."""
        text = masked(json.dumps(dict(args), sort_keys=True))
        return {
            "verb": verb, "by": self.by, "uid": self.uid, "pid": self.pid, "tty": self.tty, "client": client[:100],
            "command": command[:100], "args": text if len(text) <= ARGS_KEPT else text[:ARGS_KEPT] + "…",
        }  # fmt: skip


def this_process(label: str) -> Caller:
    """Return this process as a caller, for what acts without an engine."""
    return Caller(os.getuid(), os.getpid(), terminal(os.getpid()), label)


NOBODY = Caller(-1, 0, None, "not greeted")


class Host(Protocol):
    """What a connection needs of the server."""

    async def execute(self, command: Command, caller: Caller) -> Reply:
        """Do a command and return its reply."""

    def subscribe(self, peer: Peer) -> None:
        """Begin to send snapshots to a peer."""

    def barred(self, peer: Peer, verb: str) -> str:
        """Return why a viewer may not do a verb now, empty where it may."""

    async def take_control(self, peer: Peer, command: Command) -> Reply:
        """Make a viewer the one that acts."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine beside the connection; a failure is logged."""


class _Refused(Exception):
    """A peer broke a rule and is told so once; then its connection ends."""


class Peer:
    """One viewer or command line; `after` is the last event it was given, None until its first snapshot."""

    def __init__(self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host, self._reader, self._writer = host, reader, writer
        self.subscribed = self.wants_events = self._readonly = False
        self.after: int | None = None
        self.caller = NOBODY
        self._faults = self._busy = 0
        self._pending = bytearray()
        self._replies: deque[bytes] = deque()
        self._events: deque[tuple[int, bytes]] = deque(maxlen=EVENTS_QUEUED)
        self._snapshot: bytes | None = None
        self._news, self._idle, self._answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    # -- out --------------------------------------------------------------------------------------------------------------

    def offer_snapshot(self, line: bytes, seq: int) -> None:
        """Queue a snapshot in place of the one before; events that it covers are dropped."""
        self._snapshot = line
        while self._events and self._events[0][0] <= seq:
            self._events.popleft()
        self._wake()

    def offer_event(self, line: bytes, seq: int) -> None:
        """Queue an event; for a slow viewer the oldest gives way, which it sees as a hole in seq."""
        self._events.append((seq, line))
        self.after = seq
        self._wake()

    async def flushed(self) -> None:
        """Wait until every command is answered and all replies have left."""
        if self._busy:
            await self._answered.wait()
        if self._replies:
            await self._idle.wait()

    def _wake(self) -> None:
        self._idle.clear()
        self._news.set()

    async def _send_for_ever(self) -> None:
        self._writer.transport.set_write_buffer_limits(high=_BUFFER)
        with suppress(ConnectionError):
            while True:
                await self._news.wait()
                while (line := self._take()) is not None:
                    self._writer.write(line)
                    await self._writer.drain()
                self._news.clear()
                self._idle.set()

    def _take(self) -> bytes | None:
        if self._replies:
            return self._replies.popleft()
        if self._snapshot is not None:
            line, self._snapshot = self._snapshot, None
            return line
        return self._events.popleft()[1] if self._events else None

    def _reply(self, reply: Reply) -> None:
        self._replies.append(encode(reply))
        self._wake()

    # -- in ---------------------------------------------------------------------------------------------------------------

    async def talk(self, *, full: bool) -> None:
        """Serve the peer until it leaves or breaks a rule."""
        sender = self._host.spawn(self._send_for_ever())
        try:
            await self._listen(full=full)
        except _Refused as error:
            self._reply(refusal("", str(error), Exit.BAD_INPUT))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), FAREWELL_SECONDS)
        except (EOFError, ConnectionError):
            pass  # it left
        finally:
            self.subscribed = False
            sender.cancel()
            self._writer.close()

    async def _listen(self, *, full: bool) -> None:
        if full:
            raise _Refused(f"{PEERS} programs are connected already; close one")
        self._replies.append(encode(Hello(build=build())))
        self._wake()
        await self._greet()
        while True:
            self._receive(await self._line(None))
            if len(self._replies) > REPLIES_QUEUED:  # it asks and does not read: its own turn to wait
                await self._idle.wait()

    async def _greet(self) -> None:
        """Read who it is; anybody but the engine's own user (or root) is refused."""
        pid, uid = credentials(self._writer)
        if uid not in (0, os.geteuid()):
            raise _Refused(f"user {uid} may not talk to this engine; its own user or root may")
        try:
            hello = Hello.model_validate_json(await self._line(HELLO_SECONDS))
        except ValidationError as error:
            raise _Refused(f"the first line must be a hello record: {one_line(error)}") from error
        low, high = hello.protocol
        if low > PROTOCOL[1] or high < PROTOCOL[0]:
            side = "engine" if low > PROTOCOL[1] else "viewer"
            ours = f"{PROTOCOL[0]}..{PROTOCOL[1]}"
            raise _Refused(f"the viewer speaks protocol {low}..{high}, the engine {ours}: upgrade the {side}")
        self._readonly = hello.readonly
        # letters only: a name with brackets could look like another caller in a record
        label = "".join(
            letter for letter in hello.client or "unnamed" if letter.isalnum() or letter in " ._-"
        )[:40]
        self.caller = Caller(uid, pid, terminal(pid), label)

    async def _line(self, first: float | None) -> bytes:
        """Return the next line; a begun line must be finished in time and may have 1 MiB."""
        while (end := self._pending.find(b"\n")) < 0:
            self._bounded(len(self._pending))
            limit = LINE_SECONDS if self._pending else first
            try:
                piece = await asyncio.wait_for(self._reader.read(_BUFFER), limit)
            except TimeoutError:
                raise _Refused(
                    f"no whole line within {limit:g} s; a record is one line that ends in a newline"
                ) from None
            if not piece:
                raise EOFError
            self._pending += piece
        self._bounded(end)
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return line

    @staticmethod
    def _bounded(size: int) -> None:
        if size >= LINE_LIMIT:
            raise _Refused(f"the line has more than {LINE_LIMIT} bytes; send less at once")

    def _receive(self, line: bytes) -> None:
        try:
            command = Command.model_validate_json(line)
        except ValidationError as error:
            self._fault(line, error)
            return
        if command.verb not in LOOKS and self._readonly:
            told = f"{command.verb}: attached read-only; attach without --readonly to act"
            self._reply(refusal(command.id, told, Exit.USAGE))
        elif told := self._host.barred(self, command.verb):
            self._reply(refusal(command.id, told, Exit.USAGE))
        elif command.verb == "subscribe":
            self._subscribe(command)
        elif command.verb == "control":
            self._host.spawn(self._control(command))
        elif self._busy >= IN_FLIGHT and command.verb != "halt":
            self._reply(
                refusal(command.id, f"{IN_FLIGHT} commands are under way; wait for their replies", Exit.USAGE)
            )
        else:
            self._busy += 1
            self._answered.clear()
            self._host.spawn(self._execute(command))

    async def _execute(self, command: Command) -> None:
        try:
            self._reply(await self._host.execute(command, self.caller))
        finally:
            self._busy -= 1
            if not self._busy:
                self._answered.set()

    async def _control(self, command: Command) -> None:
        self._reply(await self._host.take_control(self, command))

    @property
    def by(self) -> str:
        """Return who it is: user, program, process."""
        return self.caller.by

    @property
    def acts(self) -> bool:
        """Say whether it is a viewer that may act: one of them at a time holds control."""
        return self.subscribed and not self._readonly

    def _subscribe(self, command: Command) -> None:
        events = command.args.get("events", False)
        if not isinstance(events, bool) or command.args.keys() - {"events"}:
            self._reply(
                refusal(command.id, "subscribe: takes events: true or false, nothing else", Exit.USAGE)
            )
            return
        self.subscribed, self.wants_events = True, events
        self._reply(Reply(id=command.id, ok=True, data={"events": events}))
        self._host.subscribe(self)

    def _fault(self, line: bytes, error: ValidationError) -> None:
        """Answer a bad record in one line; whoever keeps sending them, or does not speak JSON, is sent away."""
        self._faults += 1
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise _Refused("the line is not JSON; a command is one JSON object a line") from None
        if self._faults >= FAULTS:
            raise _Refused(f"{FAULTS} bad records; last: {one_line(error)}")
        given = record.get("id") if isinstance(record, dict) else None
        told = f"bad command: {one_line(error)}"
        self._reply(refusal(given[:200] if isinstance(given, str) else "", told, Exit.USAGE))


# -- lines ----------------------------------------------------------------------------------------------------------------


def encode(record: Hello | Snapshot | Event | Reply) -> bytes:
    """Return a record as one line."""
    try:
        return plain_json(record.model_dump_json(by_alias=True).encode("utf-8")) + b"\n"
    except PydanticSerializationError:
        # Half a character (a lone surrogate), as the name of a file may hold: it is shown as ?, and nobody's screen stops for it.
        plain = json.dumps(record.model_dump(by_alias=True), ensure_ascii=False, separators=(",", ":"))
        return plain_json(plain.encode("utf-8", "replace")) + b"\n"


def refusal(command: str, error: str, code: int) -> Reply:
    """Return a reply that says no, in one line."""
    return Reply(id=command, ok=False, error=" ".join(error.split())[:2000], exit_code=int(code))


def one_line(error: ValidationError) -> str:
    """Return the first fault of a record as `field: rule`."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def credentials(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """Return pid and uid of the process at the other end, as the kernel knows them."""
    peer: socket.socket = writer.get_extra_info("socket")
    pid, uid, _ = struct.unpack(
        "3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return pid, uid


def terminal(pid: int) -> str | None:
    """Return the terminal that a process belongs to, None without one (or where /proc does not tell)."""
    try:
        number = int(
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[4]
        )
    except (OSError, ValueError, IndexError):
        return None
    major, minor = os.major(number), os.minor(number)
    if 136 <= major <= 143:
        return f"pts/{(major - 136) * 256 + minor}"
    return f"tty{minor}" if major == 4 else None


def user_name(uid: int) -> str:
    """Return a user's name, or uid-N where the system knows none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
