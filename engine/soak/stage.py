"""What a scenario plays on: the soak's clock and record, its daemon, its draws, and the doors through which it asks for work."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import MimicryError
from engine.soak import kinds
from engine.soak.daemon import Daemon
from engine.soak.ground import Ground
from engine.soak.look import Look
from engine.soak.plan import Plan
from engine.soak.streams import Stream
from state.errors import StateError
from state.journal import Journal
from state.requests import TERMINAL, RequestRow

INBOX = "watcher_requests"
LOOK_S = 0.25
TRY_AGAIN_S = 1.0
KEPT = 10_000


@dataclass
class Stage:
    """One running soak. Everything that it does to the room goes through here, and onto the record."""

    ground: Ground
    plan: Plan
    journal: Journal
    daemon: Daemon
    look: Look
    stream: Stream
    random: random.Random
    offset: float = 0.0
    """Seconds of the soak that an earlier runner has spent."""
    begun: float = field(default_factory=time.monotonic)
    hands: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a halt, a fault or a crash is under way, so that each is measured alone."""
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Everything asked for so far, by key; also what an earlier runner asked."""
    fault: str = ""
    """The fault that is under way, by name."""
    undropped: list[str] = field(default_factory=list)
    """Keys of requests that the inbox has not taken yet."""
    kept: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Records that the disk has refused so far."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the soak is to end before its time."""

    def t(self) -> float:
        """Return the seconds of the soak so far."""
        return self.offset + time.monotonic() - self.begun

    def over(self) -> bool:
        """Say whether the time is up."""
        return self.ended.is_set() or self.t() >= self.plan.seconds

    def log(self, kind: str, data: Mapping[str, Any]) -> None:
        """Put one record into the soak's own journal, with the soak's second; what a full disk refuses is kept and written later."""
        self.kept.append((kind, {"t": round(self.t(), 3), **data}))
        while self.kept:
            try:
                self.journal.append(*self.kept[0])
            except StateError:
                if len(self.kept) > KEPT:
                    raise
                return
            self.kept.pop(0)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        left = max(0.0, min(seconds, self.plan.seconds - self.t()))
        try:
            await asyncio.wait_for(self.ended.wait(), left)
        except TimeoutError:
            return

    # -- draws ------------------------------------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Return how many draws the file holds; it is the truth of what was fed."""
        try:
            return max(0, self.ground.draws.read_bytes().count(b"\n") - 1)
        except FileNotFoundError:
            return 0

    def feed(self, count: int) -> None:
        """Append the next draws to the file that the room follows: whole lines, one write."""
        first = self.position
        values = [self.stream.value(number) for number in range(first, first + count)]
        text = ("" if self.ground.draws.exists() else "value\n") + "".join(f"{value}\n" for value in values)
        handle = os.open(self.ground.draws, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)
        told = {
            "first": first,
            "last": first + count - 1,
            "values": values,
            "truth": self.stream.regime(first).truth,
        }
        self.log(kinds.FED, told)

    def lay(self, count: int) -> None:
        """Put the first draws into the room's own store, as an earlier life would have left them; no daemon may run."""
        from engine.history.store import Arrival, DrawStore

        values = [self.stream.value(number) for number in range(count)]
        store = DrawStore.open(self.ground.room / "history")
        store.append([Arrival(value, id=f"{self.ground.id}-{place}") for place, value in enumerate(values)])
        store.close()
        told = {"first": 0, "last": count - 1, "values": values, "truth": self.stream.regime(0).truth}
        self.log(kinds.FED, told | {"door": "store"})

    # -- requests -----------------------------------------------------------------------------------------------------------

    def ask(self, request: Mapping[str, Any], *, door: str, key: str | None = None) -> str:
        """Ask for work through the inbox or the socket; the request stands on the record before it stands anywhere else."""
        key = key or f"soak-{len(self.asked):05d}"
        told = {"key": key, "type": request.get("type"), "request": dict(request), "door": door}
        if key not in self.asked:
            self.log(kinds.ASKED, told)
            self.asked[key] = told
        if door == "inbox":
            self.undropped.append(key)
            self.drop()
        return key

    def drop(self) -> None:
        """Put files into the inbox as any tool would: written under another name, then renamed; what a fault refuses is tried again."""
        inbox = self.ground.room / INBOX
        while self.undropped:
            key = self.undropped[0]
            part = inbox / f".{key}.part"
            try:
                inbox.mkdir(exist_ok=True)
                part.write_text(json.dumps(self.asked[key]["request"]))
                part.replace(inbox / f"{key}.json")
            except OSError:
                return  # a full or read-only disk
            self.undropped.pop(0)

    async def send(self, key: str) -> bool:
        """Send one asked request over the socket, again with the same key until it was heard; False when the soak ends first."""
        request = self.asked[key]["request"]
        while not self.ended.is_set():
            try:
                reply = await asyncio.to_thread(self.daemon.ask, "submit", request=request, key=key)
            except (MimicryError, OSError):
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            if not reply.ok:
                self.log(kinds.FINDING, {"text": f"{key}: refused at the socket: {reply.error}"})
            return True
        return False

    # -- waiting ------------------------------------------------------------------------------------------------------------

    def open_requests(self) -> int:
        """Return how many requests are not finished, those in the inbox included."""
        self.drop()
        return len(self.undropped) + self.unclaimed() + len(self.open_kinds())

    def open_kinds(self) -> list[str]:
        """Return the kinds of unfinished requests, the running one first."""
        states = ("running", "claimed", "queued", "deferred")
        none: list[RequestRow] = []
        rows = self.look.of(lambda journal: journal.requests.list(states=states, limit=1000), none)
        return [row.kind for row in sorted(rows, key=lambda row: states.index(row.state))]

    def unclaimed(self) -> int:
        """Return how many files wait in the inbox or in claimed/."""
        inbox = self.ground.room / INBOX
        waiting = [folder for folder in (inbox, inbox / "claimed") if folder.is_dir()]
        return sum(1 for folder in waiting for path in folder.iterdir() if path.is_file())

    async def idle(self, most: int = 0, *, patience: float = float("inf")) -> bool:
        """Wait until at most so many requests are open; False when the soak or the patience ended first."""
        deadline = time.monotonic() + patience
        while not self.over() and time.monotonic() < deadline:
            if await asyncio.to_thread(self.open_requests) <= most:
                return True
            await asyncio.sleep(LOOK_S)
        return False

    def finished(self) -> int:
        """Return how many requests have ended."""
        return self.look.of(lambda journal: len(journal.requests.list(states=TERMINAL, limit=100_000)), 0)
