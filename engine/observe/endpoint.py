"""`GET /metrics` on loopback or a unix socket: a few connections, short requests, one reading a second however often it is asked."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from engine.errors import EnvironmentFault
from engine.observe.metrics import ALL, PREFIX

if TYPE_CHECKING:
    from engine.alerts.rules import Sight

CONNECTIONS = 8
"""At once; one more is answered 503 and closed."""
HEAD_LIMIT, SECONDS = 8 << 10, 5.0
"""Bytes of a request's head, and seconds for reading it and for sending the answer."""
FRESH = 1.0
"""Seconds for which one reading serves every scrape."""
PATH = "/metrics"
HOSTS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])?(:\d+)?")
"""What a request's Host may name: a page in a browser that resolves its own name to this machine is refused."""


class _Table(Collector):
    """The table's metrics as prometheus_client collects them."""

    def __init__(self, sight: Callable[[], Sight]) -> None:
        self._sight = sight

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that has a value now."""
        sight = self._sight()
        for one in ALL:
            family = CounterMetricFamily if one.kind == "counter" else GaugeMetricFamily
            made = family(PREFIX + one.name, one.help, labels=list(one.labels))
            for labels, value in one.samples(sight):
                assert value is not None
                made.add_metric(list(labels), value)
            if made.samples:
                yield made


class Endpoint:
    """Serves one address for as long as the service runs."""

    def __init__(self, address: str, state: Path, sight: Callable[[], Sight]) -> None:
        """Listen at `address` (as checked by `config.checked_address`); a relative unix path lies below `state`."""
        self._address, self._state = address, state
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Table(sight))
        self._talks: set[asyncio.Task[None]] = set()
        self._told: dict[str, tuple[float, bytes]] = {}

    async def serve(self) -> None:
        """Serve forever; EnvironmentFault where the address cannot be taken, which shows as degraded and is tried again."""
        server = await self._listen()
        try:
            await server.serve_forever()
        finally:
            server.close()
            for talk in self._talks:
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)
            with suppress(OSError):
                if self._path is not None:
                    self._path.unlink()

    @property
    def _path(self) -> Path | None:
        named = self._address.removeprefix("unix:")
        return self._state / named if named != self._address else None

    async def _listen(self) -> asyncio.Server:
        try:
            if self._path is not None:
                return await asyncio.start_unix_server(self._accept, sock=_unix(self._path), limit=HEAD_LIMIT)
            host, _, port = self._address.rpartition(":")
            return await asyncio.start_server(self._accept, host.strip("[]"), int(port), limit=HEAD_LIMIT)
        except OSError as error:
            why = error.strerror or str(error)
            raise EnvironmentFault(
                f"observe.metrics {self._address}: cannot listen ({why}); choose another in room.toml"
            ) from error

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._talks) >= CONNECTIONS:
            writer.write(_response(HTTPStatus.SERVICE_UNAVAILABLE))
            writer.close()
            return
        talk = asyncio.get_running_loop().create_task(self._answer(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                writer.write(self._respond(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass  # it was slow or went away; nobody is there to be told
        finally:
            writer.close()

    def _respond(self, head: bytes) -> bytes:
        first, *rest = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST)
        fields = dict(_field(line) for line in rest if ":" in line)
        if self._path is None and not HOSTS.fullmatch(fields.get("host", "")):
            return _response(HTTPStatus.FORBIDDEN)
        if words[0] not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
        if words[1].partition("?")[0] != PATH:
            return _response(HTTPStatus.NOT_FOUND)
        try:
            encode, kind = choose_encoder(fields.get("accept", ""))
        except (TypeError, ValueError):  # the library compares parts of versions that may be no numbers
            return _response(HTTPStatus.NOT_ACCEPTABLE)
        body = self._body(encode, kind)
        return _response(HTTPStatus.OK, {"Content-Type": kind}, body, send=words[0] == "GET")

    def _body(self, encode: Callable[[CollectorRegistry], bytes], kind: str) -> bytes:
        """Return the metrics, read again once a second at most."""
        now = time.monotonic()
        self._told = {one: told for one, told in self._told.items() if now - told[0] < FRESH}
        if kind not in self._told:
            self._told[kind] = (now, encode(self._registry))
        return self._told[kind][1]


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip().lower()


def _response(
    status: HTTPStatus, fields: dict[str, str] | None = None, body: bytes = b"", *, send: bool = True
) -> bytes:
    head = {**(fields or {}), "Content-Length": str(len(body)), "Connection": "close"}
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in head.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body if send else b"")


def _unix(path: Path) -> socket.socket:
    """Return a socket bound at `path` with mode 0600; what a dead daemon left there is replaced."""
    if path.is_symlink() or (path.exists() and not stat.S_ISSOCK(path.stat().st_mode)):
        raise EnvironmentFault(f"observe.metrics {path}: is not a socket; move it away")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
