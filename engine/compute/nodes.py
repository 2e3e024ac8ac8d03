"""Dask's scheduler, worker and client, narrowed to what we use; this module alone depends on their internals.

Import it only after `settings.apply()`. Everything listens on 127.0.0.1 over TLS, opens no HTTP port, and a worker hangs up on
whoever calls it. Answers travel as plain bytes on the streams that are open anyway: nobody fetches a result from a worker, so a
rig needs one tunnel, to the scheduler, and no pickle of a worker is ever opened.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from dask.utils import key_split
from distributed import Client, Scheduler, Security, Worker
from distributed.comm import tcp
from distributed.comm.core import CommClosedError, FatalCommClosedError
from distributed.protocol import pickle as dask_pickle
from distributed.protocol.serialize import Serialized

from engine.compute.fence import STRANGER, Peer, refusal
from engine.compute.pki import Credentials

LOOPBACK = "127.0.0.1"
HEARTBEAT = 10.0
"""Seconds between Dask's heartbeats of one worker; each costs the scheduler a millisecond."""
ROLE: ContextVar[str] = ContextVar("role", default=STRANGER)
"""Role of the peer whose message is being worked on; inherited by every task that works on it."""


class PickleRefused(Exception):
    """Somebody who may not sent a pickle; it was not opened."""


class Passport(Security):  # type: ignore[misc]
    """Our credentials in the form in which Dask asks for them."""

    def __init__(self, credentials: Credentials) -> None:
        """Make both contexts once."""
        super().__init__(require_encryption=True)
        self._client, self._server = (credentials.context(server=server) for server in (False, True))

    def get_connection_args(self, role: str) -> dict[str, Any]:
        """Return what `connect` takes."""
        return {"ssl_context": self._client, "require_encryption": True, "extra_conn_args": {}}

    def get_listen_args(self, role: str) -> dict[str, Any]:
        """Return what `listen` takes."""
        return {"ssl_context": self._server, "require_encryption": True}


def peer_of(comm: Any) -> Peer:
    """Return who is at the other end of a connection."""
    return Peer.of(comm.extra_info.get("peercert"))


class ToScheduler(tcp.TLS):  # type: ignore[misc]
    """An outgoing connection: it leads to a scheduler of our authority or nowhere, whoever listens at that port."""

    def _read_extra(self) -> None:
        super()._read_extra()
        if peer_of(self).role != "scheduler":
            self.abort()
            raise FatalCommClosedError(f"{self._peer_addr} is not a scheduler of this cluster")


def narrow(pickles: Callable[[], bool]) -> None:
    """Fence this process in: connect to schedulers alone, open a pickle only where `pickles()` says so."""
    tcp.TLSConnector.comm_class = ToScheduler
    original = getattr(dask_pickle.loads, "original", dask_pickle.loads)

    def loads(data: Any, *, buffers: Sequence[Any] = ()) -> Any:
        if not pickles():
            raise PickleRefused(
                f"a pickle of {len(data)} bytes came from a {ROLE.get()}; nothing of it was opened"
            )
        return original(data, buffers=buffers)

    loads.original = original  # type: ignore[attr-defined]
    for name, module in list(sys.modules.items()):
        mine = name.partition(".")[0] == "distributed" and getattr(module, "loads", None)
        if mine and getattr(mine, "original", mine) is original:
            module.loads = loads  # type: ignore[attr-defined]


def trim_caches() -> None:
    """Empty Dask's cache of key names: 100,000 entries of keys that never come back would look like a leak for weeks."""
    if key_split.cache_info().currsize > 2000:
        key_split.cache_clear()


def without_objects(message: Any) -> Any:
    """Empty what a worker packed as an object: the scheduler would pass its exceptions on, unopened, to the engine."""
    for record in message if isinstance(message, list | tuple) else (message,):
        if isinstance(record, dict):
            record.update({name: b"" for name, value in record.items() if isinstance(value, Serialized)})
    return message


class FencedScheduler(Scheduler):  # type: ignore[misc]
    """A scheduler without HTTP that passes answers on, and takes from a worker only what a worker says."""

    def __init__(self, credentials: Credentials, port: int, told: Callable[[str], None]) -> None:
        """Listen on a loopback port (0: any free one); `told` hears of every refusal."""
        narrow(lambda: ROLE.get() == "client")
        self._told = told
        self._homes: dict[str, set[object]] = {}
        super().__init__(
            host=LOOPBACK, port=port, protocol="tls", security=Passport(credentials), dashboard=False
        )
        self.stream_handlers["answer"] = self._answer
        # What a worker wants remembered (its loop was late, say) is its log's business.
        self.stream_handlers["log-event"] = lambda **_: None

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open no HTTP port."""

    def handle_comm(self, comm: Any) -> Any:
        """Let clients in, workers behind the fence, nobody else. The role holds for all that comes of this connection."""
        peer = peer_of(comm)
        if peer.role == "worker":
            self._fence(comm, peer)
        elif peer.role != "client":
            self._told(f"{peer.role} {peer.name} was hung up on")
            comm.abort()
        mark = ROLE.set(peer.role)
        try:
            return super().handle_comm(comm)
        finally:
            ROLE.reset(mark)

    def _fence(self, comm: Any, peer: Peer) -> None:
        """Look at every message before anything of Dask does; one that is refused ends the connection."""
        read = comm.read
        homes = self._homes.setdefault(peer.name, set())

        async def fenced(deserializers: Any = None) -> Any:
            try:
                message = await read(deserializers=deserializers)
            except PickleRefused as error:
                raise self._shut(comm, f"{peer.role} {peer.name}: {error}") from error
            why = refusal(peer, message, homes)
            if why is not None:
                raise self._shut(comm, why)
            if isinstance(message, dict) and message.get("op") == "register-worker":
                homes.add(message["address"])
            return without_objects(message)

        comm.read = fenced

    def _shut(self, comm: Any, why: str) -> OSError:
        self._told(why)
        comm.abort()
        closed: OSError = CommClosedError(why)
        return closed

    def heartbeat_worker(self, *args: Any, **kwargs: Any) -> Any:
        """Ask for the next heartbeat late: a worker's own line of every second is what notices its death."""
        said = super().heartbeat_worker(*args, **kwargs)
        return {**said, "heartbeat-interval": HEARTBEAT} if "heartbeat-interval" in said else said

    async def remove_worker(self, address: str, *args: Any, **kwargs: Any) -> Any:
        """Forget also whose address it was."""
        for homes in self._homes.values():
            homes.discard(address)
        return await super().remove_worker(address, *args, **kwargs)

    def _answer(self, worker: str, key: Any, serial: int, payload: bytes) -> None:
        """Pass an answer on to who asked, if that worker was asked."""
        task = self.tasks.get(key)
        asked = task is not None and task.processing_on is not None and task.processing_on.address == worker
        if asked and isinstance(serial, int) and isinstance(payload, bytes):
            name = self.workers[worker].name
            self.report({"op": "answer", "worker": name, "serial": serial, "payload": payload}, ts=task)


class QuietWorker(Worker):  # type: ignore[misc]
    """A worker with one thread, without nanny and HTTP, that talks to its scheduler and to nobody else."""

    def __init__(
        self, scheduler: str, name: str, home: str, directory: str, credentials: Credentials
    ) -> None:
        """Join `scheduler` under `name`, known there by the address `home`; `directory` takes Dask's scratch files."""
        # The scheduler's messages are code by design; all others are hung up on before they are read.
        narrow(lambda: True)
        super().__init__(
            scheduler,
            nthreads=1,
            name=name,
            host=LOOPBACK,
            protocol="tls",
            security=Passport(credentials),
            contact_address=home,
            local_directory=directory,
            memory_limit=0,
            dashboard=False,
            death_timeout=20,
        )

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open no HTTP port."""

    def handle_comm(self, comm: Any) -> Any:
        """Hang up: nothing of ours calls a worker."""
        comm.abort()
        return super().handle_comm(comm)

    def answer(self, key: Any, serial: int, payload: bytes) -> None:
        """Send an answer up the stream, from any thread."""
        record = {"op": "answer", "key": key, "serial": serial, "payload": payload}
        self.loop.add_callback(self.batched_send, record)


def home(number: int) -> str:
    """Return a loopback address that no other worker of this scheduler has; nobody ever connects to it.

    Dask knows a worker by its address, and on two rigs two workers may listen at the same port of 127.0.0.1.
    """
    high, low = divmod(number, 250)
    return f"tls://127.{1 + high // 250 % 250}.{1 + high % 250}.{1 + low}:9"


async def connect(
    address: str, credentials: Credentials, on_answer: Callable[[str, int, bytes], None]
) -> Any:
    """Return a Dask client on this loop that opens no pickle at all and hands every answer to `on_answer`."""
    narrow(lambda: False)
    client = Client(
        address,
        asynchronous=True,
        set_as_default=False,
        name="mimicry",
        timeout=10,
        security=Passport(credentials),
    )

    def settle(key: Any = None, **_: Any) -> None:
        if key in client.futures:
            client.futures[key].finish(None)

    def let_go(key: Any = None, keys: Sequence[Any] = (), **_: Any) -> None:
        for one in (*keys, *([] if key is None else [key])):
            if one in client.futures:
                client.futures[one].cancel()

    def answer(worker: str, serial: int, payload: bytes, **_: Any) -> None:
        on_answer(worker, serial, payload)

    client._stream_handlers = {
        "answer": answer,
        "key-in-memory": settle,
        "task-erred": let_go,
        "lost-data": let_go,
        "cancelled-keys": let_go,
        "adjust-heartbeat-interval": client._adjust_heartbeat_intervals,
    }
    client._state_handlers = {}
    try:
        await client
    except asyncio.CancelledError:
        await client.close(timeout=1)  # nobody else has it, and Dask complains of one that is let go open
        raise
    return client
