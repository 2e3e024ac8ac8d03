"""One attempt of one worker on a rig: from the request to start it to its end and the record that it leaves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from engine.rigs.faults import RigFault
from engine.rigs.guardlink import Event, GuardLink
from engine.rigs.inbox import Inbox
from engine.rigs.payload import Crew, Ending, Line, Payload, Place, filled
from engine.rigs.reach import Reach

LOOK = 0.5
"""Seconds between two looks at whether something holds the worker."""
DRAIN_LIMIT = 600.0
EVENTS = 1000
"""Events of one worker that may wait; a sound one has a dozen to say in its life, beside those that the next one replaces."""
SELF_TEST = "self-test: "
GIVEN_UP = "link: the rig was let go"
State = Literal["off", "waiting", "asked", "starting", "gate", "initialising", "testing", "ready", "draining", "held", "refused"]  # fmt: skip
_PHASES: Mapping[str, State] = {
    "gate": "gate",
    "initialised": "testing",
    "report": "testing",
    "ready": "ready",
}
Held = Callable[[], tuple[bool, str] | None]


@dataclass(frozen=True)
class Attempt:
    """What one start came to. Never overwritten: the next attempt is another record."""

    worker: str
    pci: str
    number: int
    begun: str
    seconds: float
    code: int | None
    cause: str
    """The first cause that was known: ours or the guard's, else the exit code in words."""
    phase: str
    stderr: str
    kernel: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it for the journal."""
        return asdict(self) | {"kernel": list(self.kernel)}


class Gate:
    """At most k initialisations of one rig at once, as far as this engine goes; the rig's own slots hold beyond it."""

    def __init__(self, slots: int) -> None:
        """Open k places."""
        self._places = asyncio.Semaphore(slots)
        self._inside: set[str] = set()

    async def enter(self, token: str) -> None:
        """Wait for a place."""
        await self._places.acquire()
        self._inside.add(token)

    def leave(self, token: str) -> None:
        """Give the place back; harmless without one."""
        if token in self._inside:
            self._inside.discard(token)
            self._places.release()


class Running:
    """An attempt under way; it is also the crew's voice to its worker."""

    def __init__(
        self, rig: Reach, link: GuardLink, place: Place, number: int, *, crew: Crew, gate: Gate, held: Held,
        tunnel: Callable[[int], Any], delay: float, start_limit: float,
    ) -> None:  # fmt: skip
        """Prepare attempt `number`; `held()` says whether at once (or after its piece of work) and why it must end."""
        self.state: State = "asked"
        self.note = ""
        self.pid: int | None = None
        self.ready_at: float | None = None
        self._rig, self._link, self.place, self.number = rig, link, place, number
        self._crew, self._gate, self._held, self._tunnel = crew, gate, held, tunnel
        self._delay, self._start_limit = delay, start_limit
        self._events = Inbox(EVENTS)
        self._entering: asyncio.Task[None] | None = None
        self._cause = ""
        self._draining: float | None = None

    @property
    def name(self) -> str:
        """Return the worker's name on its rig."""
        return f"gpu{self.place.slot}"

    # -- the crew's voice ---------------------------------------------------------------------------------------------

    async def tunnel(self, port: int) -> int:
        """Return the rig's loopback port that leads to our loopback `port`."""
        return int(await self._tunnel(port))

    def tell(self, line: Line) -> None:
        """Send the worker one line."""
        self._link.send(op="line", name=self.name, line=dict(line))

    def end(self, cause: str) -> None:
        """Kill the worker and all that it started; the first cause stays. The next worker of that name is none of ours."""
        if self.state in ("off", "refused"):
            return
        self._cause = self._cause or cause
        self._link.send(op="kill", name=self.name, cause=cause)

    # -- its course ---------------------------------------------------------------------------------------------------

    async def run(self) -> Attempt | None:
        """Go from the request to the end; None if it was put off before anything started.

        Whoever asked for the worker waits for its end: the crew hears of one, also where this is cancelled because the rig is let go.
        """
        begun, at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
        end: Mapping[str, Any] | None = None
        try:
            payload = await self._payload()
            if payload is None:
                return None
            begun, self.state = time.monotonic(), "starting"
            end = await self._course(payload, begun)
        finally:
            if self._entering is not None:
                self._entering.cancel()
            self._gate.leave(self._token)
            if end is None:
                self.state = "off"
                self._crew.gone(self.place, Ending(None, GIVEN_UP, ""))
        return self._finished(end, at, time.monotonic() - begun)

    async def _course(self, payload: Payload, begun: float) -> Mapping[str, Any]:
        """Go from the start to the end, and return what is known of that."""
        try:
            await self._start(payload)
            end = await self._follow()
        except RigFault as error:
            return self._no_exit(str(error))
        if self._link.blind and not end.get("kernel"):
            end = {**end, "kernel": await self._link.kernel_log(self._rig, time.monotonic() - begun)}
        return end

    async def _payload(self) -> Payload | None:
        """Wait for what the crew wants to run here, as long as nothing holds the place and the link lasts."""
        asked = asyncio.ensure_future(self._crew.payload(self.place, self))
        try:
            while not asked.done():
                if self._link.closed.is_set() or self._held() is not None:
                    return None
                await asyncio.wait([asked], timeout=LOOK)
            return asked.result()
        finally:
            asked.cancel()

    async def _start(self, payload: Payload) -> None:
        if payload.gated:
            await self._gate.enter(self._token)
        folder = await self._files(payload)

        def put(text: str) -> str:
            return filled(text, run=folder, python=self.place.python)

        env = {**self.place.env, **payload.env}
        self._link.send(
            op="start", name=self.name, attempt=self.number, argv=[put(word) for word in payload.argv],
            env={key: put(value) for key, value in env.items()}, start_limit=self._start_limit,
            first=None if payload.first is None else json.loads(put(json.dumps(dict(payload.first)))),
            cwd=folder, gated=payload.gated, halts=payload.halts,
        )  # fmt: skip

    async def _files(self, payload: Payload) -> str:
        """Put the payload's files into a fresh private folder; return the folder."""
        mark = hashlib.sha256(b"\0".join(payload.files.values())).hexdigest()[:8]
        folder = f"{self._link.run}/{self.name}-{self.number}-{mark}"
        await self._rig.push(folder, payload.files)
        return folder

    async def _follow(self) -> Mapping[str, Any]:
        """Take events until the worker's exit; a link that ends is an end too."""
        closing = asyncio.create_task(self._link.closed.wait())
        try:
            while True:
                event = await self._next(closing)
                if event is None:
                    return self._no_exit(f"link: {self._link.why}")
                if event.get("attempt") == self.number:
                    if event["event"] in ("exit", "refused"):
                        return event
                    self._hear(event)
                self._obey_hold()
        finally:
            closing.cancel()

    async def _next(self, closing: asyncio.Task[bool]) -> Event | None:
        """Return the next event, an empty one after a while, None when the link has ended and nothing is left."""
        if closing.done() and not self._events:
            return None
        getting = asyncio.create_task(self._events.get())
        try:
            await asyncio.wait([getting, closing], timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting.done() else {}
        finally:
            getting.cancel()

    def take(self, event: Event) -> None:
        """Take in an event of the guard that names this worker; one that says more than can be heard is ended."""
        if not self._events.put(event):
            self.end(f"more than {EVENTS} events wait to be heard: its guard floods the link")

    def _hear(self, event: Event) -> None:
        if event["event"] == "started":
            self.pid = int(event["pid"])
            self._crew.started(self.place, self.pid)
        elif event["event"] == "slot":
            self.state = "initialising"
        elif event["event"] == "line":
            self._hear_line(event["line"])

    def _hear_line(self, line: Mapping[str, Any]) -> None:
        said = line.get("event")
        if said in _PHASES and self.state != "draining":
            self.state = _PHASES[str(said)]
        if said == "gate" and self._entering is None:
            self._entering = asyncio.create_task(self._enter())
        elif said in ("initialised", "report"):
            asyncio.get_running_loop().call_later(self._delay, self._gate.leave, self._token)
        elif said == "ready":
            self.ready_at = time.monotonic()
        if said in ("report", "beat") and self._draining is None:
            self.note = str(line.get("degraded") or self.note)[:200]
        if said == "report":
            self._judge(line)
        self._crew.said(self.place, line)

    @property
    def _token(self) -> str:
        return f"{self.name}#{self.number}"

    async def _enter(self) -> None:
        await self._gate.enter(self._token)
        self._link.send(op="admit", name=self.name)

    def _judge(self, report: Mapping[str, Any]) -> None:
        why = self._crew.refusal(self.place, report)
        if why is not None:
            self.end(SELF_TEST + why)
        elif (line := self._crew.admission(self.place)) is not None:
            self.tell(line)

    def _obey_hold(self) -> None:
        """End what runs when something holds it: at once, or after its piece of work."""
        held = self._held()
        if held is None or self._cause:
            return
        at_once, why = held
        if at_once:
            self.end(why)
        elif self._draining is None:
            self._draining, self.state, self.note = time.monotonic(), "draining", why
            self._crew.drain(self.place, self)
        elif time.monotonic() - self._draining > DRAIN_LIMIT:
            self.end(f"{why}; it did not end within {DRAIN_LIMIT:g} s")

    # -- its end ------------------------------------------------------------------------------------------------------

    def _no_exit(self, cause: str) -> Mapping[str, Any]:
        lost = ["kernel log not read: the link was lost first"]
        return {"code": None, "cause": cause, "phase": self.state, "stderr": "", "kernel": lost}

    def _finished(self, end: Mapping[str, Any], begun: str, seconds: float) -> Attempt:
        code = end.get("code")
        cause = self._cause or str(end.get("cause") or end.get("why") or _ending(code))
        attempt = Attempt(
            self.place.name, self.place.pci, self.number, begun, round(seconds, 3), code, cause[:500],
            str(end.get("phase", self.state)), str(end.get("stderr", ""))[-4096:],
            tuple(str(line)[:300] for line in end.get("kernel", ())),
        )  # fmt: skip
        self.state = "refused" if cause.startswith(SELF_TEST) else "off"
        self._crew.gone(self.place, Ending(code, attempt.cause, attempt.stderr, attempt.kernel))
        return attempt


def _ending(code: int | None) -> str:
    """Return an exit code in words."""
    if code is None:
        return "ended"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
