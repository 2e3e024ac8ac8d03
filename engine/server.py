"""The control socket: NDJSON on a unix socket of mode 0600, served by a thread and a loop of its own.

A stalled engine loop cannot delay a halt: `halt` is done wholly on the server's side. A stalled viewer cannot delay
anything: each has a bounded outbox in which the newest snapshot replaces the one before.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import os
import socket
import stat
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine import logs
from engine.client import socket_address
from engine.errors import BadInput, EnvironmentFault, Exit, MimicryError, UsageError
from engine.halt import Halt
from engine.peer import ACT, EVENTS_QUEUED, PEERS, Caller, Peer, encode, one_line, refusal
from engine.protocol import LINE_LIMIT, LOOKS, SOCKET_NAME, Command, Event, Reply, Snapshot
from engine.stacks import name_loop, stacks
from state import chain
from state.errors import StateError
from state.halts import HaltRow
from state.journal import Journal

Handler = Callable[[Command, str], Awaitable[Mapping[str, Any]]]
"""A verb's work on the engine's loop: takes the command and who sent it, returns the reply's data, raises MimicryError."""

BUILT_IN = (
    "snapshot",
    "subscribe",
    "halt",
    "resume",
    "stacks",
)  # answered here, on the listener's own thread
RATE_HZ = 2.0
REMEMBERED = 1024
POLLS = frozenset({"llm_answer"})
"""Verbs that neither act nor are for everybody's eyes: they fetch what the caller asked for before."""
EVENT_PAUSE = 0.05
ENGINE_SECONDS = 10.0
STALLED_SECONDS = 1.0
COMMAND_ID_SHOWN = 64  # characters of a client's id that stand in log lines
FAREWELL_SECONDS = 0.5
RECORD_SECONDS = 5.0
logger = logging.getLogger("mimicry.server")


class Server:
    """Serves one state directory; `start` and `close` belong to the engine's loop, the rest runs on its own thread."""

    def __init__(
        self,
        state: Path,
        journal: Journal,
        halt: Halt,
        snapshot: Callable[[], Snapshot],
        handlers: Mapping[str, Handler],
        *,
        rate: float = RATE_HZ,
    ) -> None:
        self._state, self._journal, self._halt = state, journal, halt
        self._snapshot, self._handlers = snapshot, dict(handlers)
        self._period = 1.0 / min(rate, RATE_HZ)
        self._peers: set[Peer] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._seen: OrderedDict[tuple[str, str], asyncio.Future[Reply] | bytes] = OrderedDict()
        self._pool = ThreadPoolExecutor(2, "halt")
        self._scribe = ThreadPoolExecutor(
            1, "record"
        )  # of its own: a queue of acts must not stand before a halt
        self._thread: threading.Thread | None = None
        self._latest: Snapshot | None = None
        self._fault = ""
        self._control: Peer | None = None
        """The viewer that acts; the others look, and halt."""

    @property
    def readers(self) -> int:
        """Return how many viewers are subscribed."""
        return sum(peer.subscribed for peer in tuple(self._peers))

    # -- life -------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bind the socket and serve; returns when clients can connect."""
        self._engine = asyncio.get_running_loop()
        name_loop("engine")
        listener = bind(self._state)
        self._inode = (self._state / SOCKET_NAME).lstat().st_ino
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(listener, ready), name="control", daemon=True)
        self._thread.start()
        await asyncio.wrap_future(ready)

    async def close(self) -> None:
        """Stop serving, after giving replies half a second to leave; remove the socket."""
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._over.set)
        await asyncio.to_thread(self._thread.join)
        self._pool.shutdown(wait=False)
        with suppress(TimeoutError):  # what was done is still written down, unless the disk hangs
            await asyncio.wait_for(asyncio.to_thread(self._scribe.shutdown), RECORD_SECONDS)
        path = self._state / SOCKET_NAME
        with suppress(FileNotFoundError):
            if path.lstat().st_ino == self._inode:
                path.unlink()

    def _run(self, listener: socket.socket, ready: Future[None]) -> None:
        try:
            asyncio.run(self._serve(listener, ready))
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    async def _serve(self, listener: socket.socket, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        name_loop("control")
        self._over, self._readers_news, self._events_news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        forget = (self._journal.listen(self._on_commit), self._halt.listen(self._on_halt))
        server = await asyncio.start_unix_server(self._accept, sock=listener)
        ready.set_result(None)
        self.spawn(self._publish_snapshots())
        self.spawn(self._publish_events())
        try:
            await self._over.wait()
        finally:
            for stop in forget:
                stop()
            server.close()
            await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        leaving = [asyncio.create_task(peer.flushed()) for peer in self._peers]
        if leaving:
            await asyncio.wait(leaving, timeout=FAREWELL_SECONDS)
        for task in [*leaving, *self._tasks]:
            task.cancel()
        await asyncio.gather(*leaving, *self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine until it ends or the server closes; its failure is logged."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("control socket task failed", exc_info=error)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(self, reader, writer)
        self._peers.add(peer)
        task = self.spawn(peer.talk(full=len(self._peers) > PEERS))
        task.add_done_callback(lambda _: self._left(peer))

    # -- what viewers see -------------------------------------------------------------------------------------------------

    def subscribe(self, peer: Peer) -> None:
        """Begin to send snapshots to a viewer, at most one period from now."""
        self._readers_news.set()
        if self._control is None and peer.acts:
            self._control = peer

    def barred(self, peer: Peer, verb: str) -> str:
        """Return why a viewer may not act: another one holds control. Halting is anybody's; one-shot commands are not viewers."""
        if verb in LOOKS or verb in ("halt", "control") or self._control in (None, peer) or not peer.acts:
            return ""
        assert self._control is not None
        return f"{verb}: {self._control.by} holds control; `:control REASON` takes it"

    async def take_control(self, peer: Peer, command: Command) -> Reply:
        """Hand control to a viewer, with its reason on the record."""
        try:
            reason = " ".join(texts(command.args, {"reason": ""}, "control")["reason"].split())[:200]
            if not reason or not peer.acts:
                raise UsageError("control: a viewer takes it, with a reason: `:control REASON`")
            before = self._control.by if self._control not in (None, peer) and self._control else None
            record = {"by": peer.by, "from": before, "reason": reason}
            await self._loop.run_in_executor(self._pool, self._journal.append, "control.taken", record)
        except (MimicryError, StateError) as error:
            return refusal(command.id, str(error), error.exit_code)
        self._control = peer
        return Reply(id=command.id, ok=True, data=record)

    def _left(self, peer: Peer) -> None:
        """Forget a peer; control goes to the viewer that has waited longest."""
        self._peers.discard(peer)
        if self._control is peer:
            self._control = next((other for other in self._peers if other.acts), None)

    async def _publish_snapshots(self) -> None:
        while True:
            if not self.readers:
                self._readers_news.clear()
                await self._readers_news.wait()
            began = self._loop.time()
            await self._publish_one()
            await asyncio.sleep(max(0.0, self._period - (self._loop.time() - began)))

    async def _publish_one(self) -> None:
        """Send a fresh snapshot; while the engine's loop stalls, the last one again, whose age viewers see."""
        fresh = asyncio.ensure_future(self._fresh())
        while not (await asyncio.wait([fresh], timeout=STALLED_SECONDS))[0]:
            if self._latest is not None:
                self._offer(self._latest)
        try:
            self._latest = fresh.result()
        except MimicryError as error:
            if str(error) != self._fault:
                logger.error("%s", error, exc_info=error)
            self._fault = str(error)
        else:
            self._offer(self._latest)

    async def _fresh(self) -> Snapshot:
        """Take a snapshot on the engine's loop; waits as long as that loop is stalled."""

        async def take() -> Snapshot:
            return self._snapshot()

        try:
            shot = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(take(), self._engine))
            return shot.model_copy(update={"control": self._control.by}) if self._control else shot
        except Exception as error:
            raise MimicryError(f"no snapshot can be taken: {type(error).__name__}: {error}") from error

    def _offer(self, snapshot: Snapshot) -> None:
        line = encode(snapshot)
        if len(line) > LINE_LIMIT:
            logger.error("a snapshot of %d bytes is not sent: a line may have %d", len(line), LINE_LIMIT)
            return
        for peer in self._peers:
            if peer.subscribed:
                peer.offer_snapshot(line, snapshot.seq)
                if peer.wants_events and peer.after is None:
                    peer.after = snapshot.seq
                    self._events_news.set()

    def _on_halt(self, row: HaltRow | None) -> None:
        self._loop.call_soon_threadsafe(self._show_halt, row)

    def _show_halt(self, row: HaltRow | None) -> None:
        """Show a halt at once, also while the engine's loop cannot make a snapshot; the rest of it stays as old as it is."""
        if self._latest is None or row is None:
            return
        changes = {"halt": self._halt.record(), "mode": "halted" if row.reached else "halting"}
        self._latest = self._latest.model_copy(update=changes)
        self._offer(self._latest)

    def _on_commit(self, seq: int) -> None:
        if self._peers:
            self._loop.call_soon_threadsafe(self._events_news.set)

    async def _publish_events(self) -> None:
        while True:
            await self._events_news.wait()
            self._events_news.clear()
            for peer in self._peers:
                if peer.subscribed and peer.after is not None:
                    self._offer_events(peer, peer.after)
            await asyncio.sleep(EVENT_PAUSE)

    def _offer_events(self, peer: Peer, after: int) -> None:
        found = list(self._journal.events(after=after, limit=EVENTS_QUEUED))
        for event in found:
            peer.offer_event(event_line(event), event.seq)
        if len(found) == EVENTS_QUEUED:
            self._events_news.set()

    # -- commands ---------------------------------------------------------------------------------------------------------

    async def execute(self, command: Command, caller: Caller) -> Reply:
        """Do a command, an acting one once per (client, id), and return its reply."""
        key = (command.client, command.id)
        work = self._seen.get(key)
        if isinstance(work, bytes):
            return Reply.model_validate_json(work)
        if work is None:
            with logs.bound(command=command.id[:COMMAND_ID_SHOWN]):
                work = self._loop.create_task(self._recorded(command, caller))
            if command.verb not in LOOKS:
                self._remember(key, work)
        try:
            return await asyncio.wait_for(asyncio.shield(work), ENGINE_SECONDS)
        except TimeoutError:
            told = f"{command.verb}: the engine's loop has not answered for {ENGINE_SECONDS:g} s; halt works all the same; "
            told += "the command is still under way: send it again with the same id for its result"
            return refusal(command.id, told, Exit.UNREACHABLE)

    def _remember(self, key: tuple[str, str], work: asyncio.Future[Reply]) -> None:
        self._seen[key] = work
        work.add_done_callback(partial(self._condense, key))
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _condense(self, key: tuple[str, str], work: asyncio.Future[Reply]) -> None:
        """Keep of a finished command its reply's line alone: its task would hold coroutine, context and records, 5 KB or more."""
        if self._seen.get(key) is work and not work.cancelled() and work.exception() is None:
            self._seen[key] = encode(work.result())

    async def _recorded(self, command: Command, caller: Caller) -> Reply:
        """Do a command; what acted leaves who did it on the record before it is answered. A halt waits for nothing."""
        reply = await self._reply(command, caller.by)
        if not reply.ok or command.verb in LOOKS or command.verb in POLLS:
            return reply
        record = asyncio.wrap_future(self._scribe.submit(self._record, command, caller), loop=self._loop)
        if command.verb == "halt":
            record.add_done_callback(_told)
            return reply
        try:
            await record
        except StateError as error:
            told = f"{command.verb}: done, but who did it could not be recorded: {error}"
            return refusal(command.id, told, error.exit_code)
        return reply

    def _record(self, command: Command, caller: Caller) -> None:
        record = caller.act(command.verb, command.args, client=command.client, command=command.id)
        self._journal.append(ACT, record)

    async def _reply(self, command: Command, by: str) -> Reply:
        try:
            reply = Reply(id=command.id, ok=True, data=dict(await self._do(command, by)))
            size = len(encode(reply))
        except (MimicryError, StateError) as error:
            return refusal(command.id, str(error), error.exit_code)
        except ValidationError as error:
            return refusal(command.id, f"{command.verb}: {one_line(error)}", Exit.USAGE)
        except Exception as error:
            logger.exception("command %s failed", command.verb)
            told = f"{command.verb}: internal error ({type(error).__name__}: {error}); see the log"
            return refusal(command.id, told, Exit.INTERNAL)
        if size > LINE_LIMIT:
            told = f"{command.verb}: the answer has {size} bytes, a line may have {LINE_LIMIT}; ask for less"
            return refusal(command.id, told, Exit.USAGE)
        return reply

    async def _do(self, command: Command, by: str) -> Mapping[str, Any]:
        if command.verb == "halt":
            return await self._aside(self._do_halt, command.args, by)
        if command.verb == "snapshot":
            return (await self._fresh()).model_dump(mode="json", by_alias=True)
        if command.verb == "stacks":  # answered here: it is asked for when the engine's loop does not answer
            texts(command.args, {}, "stacks")
            return stacks()
        if command.verb in self._handlers:
            work = _call(self._handlers[command.verb], command, by)
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._engine))
        if command.verb == "resume":
            return await self._aside(self._do_resume, command.args, by)
        near = difflib.get_close_matches(command.verb, (*BUILT_IN, *self._handlers), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"{command.verb}: this engine does not offer it{hint}")

    def _aside(self, work: Callable[..., dict[str, Any]], *args: object) -> Awaitable[dict[str, Any]]:
        """Run on the threads that are kept for halting, under this command's ids."""
        return self._loop.run_in_executor(self._pool, copy_context().run, work, *args)

    def _do_halt(self, args: Mapping[str, Any], by: str) -> dict[str, Any]:
        given = texts(args, {"kind": "now", "reason": ""}, "halt")
        return asdict(self._halt.ask(given["kind"], given["reason"], by))

    def _do_resume(self, args: Mapping[str, Any], by: str) -> dict[str, Any]:
        reason = texts(args, {"reason": ""}, "resume")["reason"]
        return {"resumed": self._halt.resume(by, reason), "by": by, "reason": reason}


def _told(record: asyncio.Future[None]) -> None:
    """Log why a halt's caller could not be recorded; the halt's own record names them too."""
    if not record.cancelled() and (error := record.exception()) is not None:
        logger.error("who asked for a halt could not be recorded: %s", error)


async def _call(handler: Handler, command: Command, by: str) -> Mapping[str, Any]:
    return await handler(command, by)


def event_line(event: chain.Event) -> bytes:
    """Return a journal event as a wire line; one that is too long for a line goes without its data."""
    record = Event(seq=event.seq, at=event.at, kind=event.kind, data=event.data)
    line = encode(record)
    return (
        line
        if len(line) <= LINE_LIMIT
        else encode(record.model_copy(update={"data": {"truncated": len(line)}}))
    )


def texts(args: Mapping[str, Any], defaults: Mapping[str, str], verb: str) -> dict[str, str]:
    """Return the text arguments of a verb with their defaults; refuse other names and types."""
    if unknown := args.keys() - defaults.keys():
        raise UsageError(f"{verb}: unknown argument {min(unknown)!r}; it takes {', '.join(defaults)}")
    for name, value in args.items():
        if value is not None and not isinstance(value, str):
            raise BadInput(f"{verb}: {name} must be text, not {type(value).__name__}")
    return {**defaults, **{name: value for name, value in args.items() if value is not None}}


def bind(state: Path) -> socket.socket:
    """Return a listening socket of mode 0600; a dead one's file is replaced (the state's lock says that it is dead)."""
    path = state / SOCKET_NAME
    if path.is_symlink() or (path.exists() and not stat.S_ISSOCK(path.stat().st_mode)):
        raise EnvironmentFault(f"{path}: is not a socket; move it away")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(
            listener.fileno(), 0o600
        )  # on Linux the file is born with this mode, not only changed to it
        with socket_address(state) as address:
            listener.bind(address)
        path.chmod(0o600)
        listener.listen(PEERS)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise EnvironmentFault(
            f"{path}: cannot listen: {error.strerror}; use a --state DIR on a local file system"
        ) from error
    return listener
