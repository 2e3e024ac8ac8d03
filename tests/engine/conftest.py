"""A small engine behind a real control socket: journal, halt, server, and a snapshot that counts."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import protocol
from engine.client import socket_address
from engine.halt import Halt
from engine.protocol import Command, Snapshot
from engine.server import Server
from state.journal import Journal

STILL = protocol.Series(unit="MB", seconds=1.0)


class CountingSwitch:
    """Stands in for the stop word where only the asking is tested."""

    def __init__(self) -> None:
        self.generation = 0

    def bump(self) -> int:
        self.generation += 1
        return self.generation


class SmallEngine:
    """What the server needs of an engine; `taken` counts snapshots."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.journal = Journal.open(state)
        self.switch = CountingSwitch()
        self.halt = Halt(self.journal, self.switch)
        self.taken = 0
        self.padding: list[str] = []
        self.handlers: dict[str, Callable[[Command, str], Any]] = {}
        self.server = Server(state, self.journal, self.halt, self.snapshot, self.handlers)

    def snapshot(self) -> Snapshot:
        self.taken += 1
        return Snapshot(
            seq=self.journal.seq,
            head=self.journal.head,
            at=f"2026-01-01T00:00:00.{self.taken:06d}Z",
            host="zeus",
            mode="halted" if self.halt.state else "idle",
            degraded=self.padding,
            halt=self.halt.record(),
            evidence=protocol.Evidence(),
            fleet=[],
            pipeline=protocol.Pipeline(),
            requests=[],
            requests_waiting=0,
            decisions=[],
            engine=protocol.Engine(
                pid=1,
                uptime=0,
                rss_mb=0,
                handles=0,
                threads=0,
                tasks=0,
                loop_lag_ms=0,
                wal_mb=0,
                memory=STILL,
                handle_series=STILL,
            ),
            throughput=STILL,
            readers=self.server.readers,
        )

    @asynccontextmanager
    async def serving(
        self, handlers: Mapping[str, Callable[[Command, str], Any]] | None = None
    ) -> AsyncIterator[SmallEngine]:
        self.server = Server(self.state, self.journal, self.halt, self.snapshot, handlers or {})
        await self.server.start()
        try:
            yield self
        finally:
            await self.server.close()


@pytest.fixture
def small_engine(tmp_path: Path) -> Iterator[SmallEngine]:
    engine = SmallEngine(tmp_path)
    yield engine
    engine.journal.close()


class Raw:
    """A peer that speaks bytes; use it from a thread."""

    def __init__(self, state: Path, *, greet: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        with socket_address(state) as address:
            self.socket.connect(address)
        self.lines = self.socket.makefile("rb")
        if greet:
            self.send({"type": "hello", "protocol": [1, 1], "build": "test", "client": "raw"})
            assert self.receive()["type"] == "hello"

    def send(self, record: object) -> None:
        self.socket.sendall(record if isinstance(record, bytes) else json.dumps(record).encode() + b"\n")

    def command(self, verb: str, *, number: str = "1", **args: object) -> None:
        self.send({"type": "command", "id": number, "client": "c", "verb": verb, "args": args})

    def receive(self) -> dict[str, Any]:
        line = self.lines.readline()
        return json.loads(line) if line else {}

    def ask(self, verb: str, *, number: str = "1", **args: object) -> dict[str, Any]:
        self.command(verb, number=number, **args)
        while (record := self.receive()).get("type") not in ("reply", None):
            pass
        return record

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@pytest.fixture
def raw(small_engine: SmallEngine) -> Iterator[Callable[..., Raw]]:
    opened: list[Raw] = []

    def connect(**options: bool) -> Raw:
        opened.append(Raw(small_engine.state, **options))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()
