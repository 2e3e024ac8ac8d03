"""From the socket to one snapshot: connect, keep only the newest, reconnect with growing pauses. No toolkit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from engine import link
from tui import wire
from tui.model.shell import typed
from tui.model.view import Link
from tui.wire import Reply, Snapshot

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 5.0)
"""Seconds between attempts to reach the engine; the last one repeats."""
REPLY_WITHIN = 15.0
"""Seconds after which a command without an answer is reported as such."""


class Connection(Protocol):
    """What the feed needs of a link to the engine."""

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield snapshots, latest wins."""

    async def command(self, verb: str, **args: Any) -> Reply:
        """Send one command and return its reply."""

    async def close(self) -> None:
        """Leave the socket."""


Connect = Callable[[], Awaitable[Connection]]
FAULTS = (link.MimicryError, OSError, EOFError, ValueError)
"""What a broken link raises; ValueError: a record that this console cannot read, from an engine of another build."""


class Refused(Exception):
    """A command could not be delivered or answered; the text is one line for the operator."""


class Feed:
    """Owns the link to one engine; holds the newest snapshot and tells once until it is taken."""

    def __init__(
        self, state: Path, *, readonly: bool, tell: Callable[[], object], connect: Connect | None = None
    ) -> None:
        self.link = Link()
        self.latest: Snapshot | None = None
        self.advanced = time.monotonic()
        """When the engine last sent something newer than before."""
        self.session = 0
        """How many times the link came up: what was learnt of the engine before belongs to another."""
        self._state, self._readonly, self._tell = state, readonly, tell
        self._connect = connect or self._open
        self._connection: Connection | None = None
        self._told = False
        self._retry_at: float | None = None

    @property
    def retry_in(self) -> float | None:
        """Return the seconds until the next attempt, while one is planned."""
        return None if self._retry_at is None else max(0.0, self._retry_at - time.monotonic())

    def take(self) -> Snapshot | None:
        """Return the newest snapshot and allow the next notice."""
        self._told = False
        return self.latest

    async def run(self) -> None:
        """Follow the engine until cancelled, through its restarts."""
        attempt = 0
        while True:
            before = self.latest
            try:
                await self._follow()
                fault = "the engine closed the connection"
            except FAULTS as error:
                fault = _one_line(error)
            attempt = 1 if self.latest is not before else attempt + 1
            await self._pause(attempt, fault)

    async def command(self, verb: str, **args: Any) -> Reply:
        """Send a command to the engine; raise `Refused` with one line when it cannot be done."""
        if self._readonly:
            raise Refused("read-only console: attach without --readonly to act")
        if self._connection is None:
            raise Refused(f"no engine answers; from a shell: {typed(verb.replace('_', ' '), self._state)}")
        try:
            return await asyncio.wait_for(self._connection.command(verb, **args), REPLY_WITHIN)
        except TimeoutError:
            raise Refused(
                f"{verb}: no answer within {REPLY_WITHIN:.0f} s; it may still act, watch the header"
            ) from None
        except FAULTS as error:
            raise Refused(f"{verb}: {_one_line(error)}") from None

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """Ask something that only looks; raise `Refused` with the engine's one line."""
        if self._connection is None:
            raise Refused("no engine answers")
        try:
            reply = await asyncio.wait_for(self._connection.command(verb, **args), REPLY_WITHIN)
        except TimeoutError:
            raise Refused(f"{verb}: no answer within {REPLY_WITHIN:.0f} s") from None
        except FAULTS as error:
            raise Refused(_one_line(error)) from None
        if not reply.ok:
            raise Refused(reply.error or f"{verb}: exit code {reply.exit_code}")
        return reply.data

    async def past(self, **args: Any) -> Snapshot:
        """Ask for the room as it was; raise `Refused` with the engine's one line."""
        try:
            return wire.read(wire.Snapshot, await self.ask("past", **args))
        except wire.Unreadable as error:
            raise Refused(str(error)) from None

    async def close(self) -> None:
        """Leave the socket; the engine goes on."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _follow(self) -> None:
        self._connection = await self._connect()
        self.session += 1
        try:
            async for snapshot in self._connection.snapshots():
                self._accept(snapshot)
        finally:
            await self.close()

    def _accept(self, snapshot: Snapshot) -> None:
        # A frozen engine may repeat its last record: only a newer time counts as news.
        if self.latest is None or snapshot.at != self.latest.at:
            self.advanced = time.monotonic()
        self.latest, self.link, self._retry_at = snapshot, Link("live"), None
        self._notify()

    async def _pause(self, attempt: int, fault: str) -> None:
        delay = PAUSES[min(attempt, len(PAUSES)) - 1]
        self._retry_at = time.monotonic() + delay
        self.link = Link("lost", attempt, delay, fault)
        self._notify()
        await asyncio.sleep(delay)
        self._retry_at = None

    def _notify(self) -> None:
        if not self._told:
            self._told = True
            self._tell()

    async def _open(self) -> Connection:
        return Wired(await link.Link.connect(self._state, readonly=self._readonly))


class Wired:
    """A link to the engine that takes the console's own records."""

    def __init__(self, held: link.Link) -> None:
        self._link = held

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield snapshots, latest wins."""
        await self._link.subscribe(events=False)
        while True:
            yield wire.snapshot(await self._link.next_snapshot())

    async def command(self, verb: str, **args: Any) -> Reply:
        """Send one command and return its reply."""
        return wire.read(wire.Reply, await self._link.asked(verb, **args))

    async def close(self) -> None:
        """Leave the socket."""
        await self._link.close()


def _one_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
