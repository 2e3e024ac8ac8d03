"""Keeps one model server: starts it, watches it, restarts it within a limit, stops it for GPU work and measures that memory is free.

States: stopped, loading, ready, busy, failed. Nothing here raises into the room: who asks gets Unavailable, who looks sees `state`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.llm import vram
from engine.llm.breaker import Breaker
from engine.llm.client import Client, Refused, ServerFault
from engine.llm.server import HOST, Facts, NotStarted, Server, start
from engine.llm.vram import Cards, Freed, Read
from grammars.bounds import GrammarError
from grammars.loader import load, names

if TYPE_CHECKING:
    from engine.config import LlmSettings

logger = logging.getLogger("mimicry.llm")
State = Literal["stopped", "loading", "ready", "busy", "failed"]
HEALTH_SECONDS, MISSES = 10.0, 2
RECHECK_SECONDS = 60.0
"""How often grammars that the server refused are offered to it again."""
SERVER_EVENT = "llm.server"
Told = Callable[[str, dict[str, Any]], object]


class Unavailable(Exception):
    """There is no server to ask, and why."""


@dataclass(frozen=True)
class Live:
    """A ready server and the way to talk to it."""

    server: Server
    client: Client
    facts: Facts


class Keeper:
    """Holds at most one server. All methods are called on the loop."""

    def __init__(self, settings: LlmSettings, told: Told, *, read: Read = vram.read_all) -> None:
        """Start nothing; `told(kind, data)` puts what happens on record, `read` measures the GPUs."""
        self.settings, self.breaker = settings, Breaker()
        self.unfit: dict[str, str] = {}
        self.facts: Facts | None = None
        self._told, self._read = told, read
        self._live: Live | None = None
        self._starting: asyncio.Task[Live] | None = None
        self._why, self._paused = "", list[str]()
        self._asked = 0
        self._before: Cards | None = None
        self._loaded: Cards = {}
        self._held: Cards = {}
        """What the cards used before the server's start (None = it has left nothing to free), once it was loaded, and last."""
        self._started = False
        self._change = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> State:
        """Return where the server stands."""
        if self._starting is not None:
            return "loading"
        if self._live is not None:
            return "busy" if self._asked else "ready"
        return "stopped" if self._paused or not self._why else "failed"

    @property
    def why(self) -> str:
        """Return why the server is stopped or has failed; empty if it is well."""
        return self._paused[-1] if self._paused else self._why

    @property
    def paused(self) -> bool:
        """Say whether the server is stopped on purpose."""
        return bool(self._paused)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Mark a question as being answered."""
        self._asked += 1
        try:
            yield
        finally:
            self._asked -= 1

    async def serve(self) -> None:
        """Keep the server up, for ever: a service of the room."""
        while True:
            self._change.clear()
            try:
                live = await self.ready()
            except Unavailable:
                await self._changed(HEALTH_SECONDS)
            else:
                await self._watch(live)

    async def ready(self) -> Live:
        """Return the server, started if need be; Unavailable says why there is none."""
        if self._paused:
            raise Unavailable(self.why)
        if self._live is not None and self._live.server.running:
            return self._live
        if self._starting is None:
            self._drop("it ended by itself")
            self._count_restart()
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._settle)
        starting = self._starting
        await asyncio.wait({starting})
        if starting.cancelled():
            raise Unavailable(self.why or "stopped while it was loading")
        if (error := starting.exception()) is not None:
            raise Unavailable(str(error))
        return starting.result()

    def lost(self, live: Live, why: str) -> None:
        """Give up a server that hangs or went away; the next question starts another."""
        if self._live is live:
            self._drop(why)

    def hold(self, reason: str) -> None:
        """Start nothing until a `restore`, for a reason."""
        self._paused.append(reason)

    async def release(self, reason: str) -> Freed:
        """Stop the server until as many `restore` as `release` have come; say whether the GPUs are free, as measured."""
        self.hold(reason)
        pid = self._live.server.pid if self._live else None
        await self._look()
        await self._stop()
        freed = await self._freed(pid)
        self._told(SERVER_EVENT, {"state": "stopped", "why": reason, "pid": pid, "freed": freed.freed,
                                  "seconds": freed.seconds, "vram": freed.text})  # fmt: skip
        return freed

    async def restore(self) -> bool:
        """Take one `release` back: True when the server is ready, False while others hold it; Unavailable says why it is not."""
        if self._paused:
            self._paused.pop()
        if self._paused:
            return False
        self._started = self._live is not None
        await self.ready()
        self._change.set()
        return True

    async def close(self) -> None:
        """Stop the server for good."""
        self._paused.append("the room has ended")
        await self._stop()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _count_restart(self) -> None:
        """Let the first start through; every further one counts, and too many are refused."""
        now = time.monotonic()
        if self._started:
            if (wait := self.breaker.wait(now)) > 0:
                raise Unavailable(
                    f"{self._why or 'it ended'}; {self.breaker.limit} restarts in {self.breaker.window / 60:.0f} min, "
                    f"the next in {wait:.0f} s"
                )
            self.breaker.note(now)
        self._started = True

    async def _look(self) -> None:
        """Note what the cards use while the server lives; what cannot be read now is said when it must be free."""
        if self._live is not None:
            with contextlib.suppress(OSError, ValueError):
                self._held = await asyncio.to_thread(self._read)

    async def _freed(self, pid: int | None) -> Freed:
        try:
            now = await asyncio.to_thread(self._read)
        except (OSError, ValueError) as error:
            return Freed(False, 0.0, 0, f"cannot be measured: {error}")
        base = now if self._before is None else vram.without(self._before, self._loaded, self._held or now)
        freed = await vram.wait_freed(self._read, base, pid)
        if freed.freed:
            self._before = None
        return freed

    async def _start(self) -> Live:
        try:
            self._before, self._loaded, self._held = await asyncio.to_thread(self._read), {}, {}
            server, facts = await start(self.settings)
        except (NotStarted, OSError, ValueError) as error:
            self._why = str(error)
            self._told(SERVER_EVENT, {"state": "failed", "why": self._why[:400]})
            raise NotStarted(self._why) from None
        client = Client(HOST, server.port, silence=self.settings.silence_s)
        try:
            self.unfit = await _unfit(client)
            self._loaded = self._held = await asyncio.to_thread(self._read)
        except BaseException:
            await client.close()
            server.kill()
            await server.stop()
            raise
        self._live, self.facts, self._why = Live(server, client, facts), facts, ""
        self._told(SERVER_EVENT, {
            "state": "ready", "pid": facts.pid, "model": facts.model, "context": facts.context,
            "seconds": facts.start_seconds, "unfit": dict(self.unfit),
        })  # fmt: skip
        logger.info("llm ready: pid %d, %s, %d tokens", facts.pid, facts.model, facts.context)
        return self._live

    def _settle(self, task: asyncio.Task[Live]) -> None:
        self._starting = None
        self._change.set()
        if not task.cancelled() and task.exception() is not None and not self._why:
            self._why = str(task.exception())

    async def _stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self._live is not None:
            live, self._live = self._live, None
            await _end(live)
        await asyncio.gather(*self._ending)
        self._change.set()

    def _drop(self, why: str) -> None:
        """Forget a server that is gone or must go; it is ended and waited for in the background."""
        if self._live is None:
            return
        live, self._live = self._live, None
        self._why = f"llm server: {why}"
        live.server.kill()
        ending = asyncio.create_task(_end(live))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        self._told(SERVER_EVENT, {"state": "failed", "why": self._why, "pid": live.server.pid})
        logger.warning("%s: %s", self._why, live.server.complaint())
        self._change.set()

    async def _watch(self, live: Live) -> None:
        """Return when the server needs attention: it ended, was stopped, or does not answer."""
        missed, tried = 0, time.monotonic()
        while self._live is live and live.server.running:
            await self._changed(HEALTH_SECONDS, live)
            if self._live is not live or not live.server.running or self._asked:
                continue  # a running answer has its own watch: silence
            await self._look()
            missed = 0 if await live.client.healthy() else missed + 1
            if missed >= MISSES:
                self.lost(live, "it does not answer its health check")
            elif self.unfit and not missed and time.monotonic() - tried >= RECHECK_SECONDS:
                tried = time.monotonic()
                await self._try_again(live)

    async def _try_again(self, live: Live) -> None:
        """Offer the server the refused grammars again: what refused them may have been another version, or a fault that is over."""
        try:
            found = await _unfit(live.client)
        except NotStarted as error:
            self.lost(live, str(error))
            return
        if self._live is live and found != self.unfit:
            self.unfit = found
            self._told(SERVER_EVENT, {"state": "grammars", "pid": live.server.pid, "unfit": dict(found)})

    async def _changed(self, seconds: float, live: Live | None = None) -> None:
        """Wait for a change, the end of the server, or the time."""
        waiting = {asyncio.create_task(self._change.wait())}
        if live is not None:
            waiting.add(asyncio.create_task(live.server.ended()))  # type: ignore[arg-type]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            self._change.clear()


async def _end(live: Live) -> None:
    await live.client.close()
    await live.server.stop()


async def _unfit(client: Client) -> dict[str, str]:
    """Let the server compile every grammar; return those that it refuses or that cannot be read, and why."""
    found = {}
    for name in names():
        try:
            await client.complete("x", tokens=1, grammar=load(name).text)
        except (Refused, GrammarError) as error:
            found[name] = str(error)
        except ServerFault as error:
            raise NotStarted(f"llm server: it broke on grammar {name}: {error}") from None
    return found
