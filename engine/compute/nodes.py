"""Dask's scheduler and worker, narrowed to what we use; this module alone depends on their internals.

Import it only inside a process that runs one of them, after `settings.apply()`. Both listen on 127.0.0.1 over plain tcp, open no
HTTP port, and hang up on connections of other users. Transport security between machines belongs here too when rigs join:
a `Security` argument for both classes, and a fence by role in `handle_comm`.
"""

from __future__ import annotations

import os
from typing import Any

from dask.utils import key_split
from distributed import Scheduler, Worker
from distributed.comm.tcp import TCPBackend, TCPListener

LOOPBACK = "127.0.0.1"
_TABLE = "/proc/net/tcp"


class OwnUserListener(TCPListener):  # type: ignore[misc]
    """A listener that hangs up on every other user of the machine before it reads a byte.

    Dask's handshake unpickles, and plain tcp on loopback is open to everybody here: without this, any local user could run
    code as us.
    """

    async def _prepare_stream(self, stream: Any, address: str) -> Any:
        peer, own = stream.socket.getpeername()[:2], stream.socket.getsockname()[:2]
        if owner_of(peer, own) == os.getuid():
            return stream
        stream.close()
        return None


def owner_of(local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    """Return the user id that holds the IPv4 socket `local` -> `remote` open on this machine, None if there is none.

    Established ones only: the kernel books a socket that its process has closed, data still on the way, to root.
    """
    wanted = [_hex(local), _hex(remote), "01"]
    with open(_TABLE, encoding="ascii") as table:
        for line in table:
            fields = line.split()
            if fields[1:4] == wanted:
                return int(fields[7])
    return None


def _hex(end: tuple[str, int]) -> str:
    """Return an address as /proc/net/tcp writes it: the bytes of the IPv4 address in host order, then the port."""
    number = int.from_bytes(bytes(map(int, end[0].split("."))), "little")
    return f"{number:08X}:{end[1]:04X}"


def guard_listeners() -> None:
    """Use the fenced listener for every tcp address that this process opens from now on (Linux; elsewhere there is no table)."""
    if os.path.exists(_TABLE):
        TCPBackend._listener_class = OwnUserListener


def trim_caches() -> None:
    """Empty Dask's cache of key names: 100,000 entries of keys that never come back would look like a leak for weeks."""
    if key_split.cache_info().currsize > 2000:
        key_split.cache_clear()


class QuietScheduler(Scheduler):  # type: ignore[misc]
    """A scheduler without HTTP that hands a worker its next task only when it is free."""

    def __init__(self) -> None:
        """Listen on a free loopback port."""
        super().__init__(host=LOOPBACK, port=0, protocol="tcp", dashboard=False)

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open no HTTP port."""

    def is_rootish(self, ts: Any) -> bool:
        """Queue every task here: none depends on another, and a queued one survives any worker's death untouched."""
        return True


class QuietWorker(Worker):  # type: ignore[misc]
    """A worker with one thread, without nanny and HTTP."""

    def __init__(self, scheduler: str, name: str, directory: str) -> None:
        """Join `scheduler` under `name`; `directory` takes Dask's scratch files."""
        super().__init__(
            scheduler,
            nthreads=1,
            name=name,
            host=LOOPBACK,
            local_directory=directory,
            memory_limit=0,
            dashboard=False,
            death_timeout=20,
        )

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open no HTTP port."""
