"""A stand-in daemon: serves recorded snapshots on a unix socket in the real protocol, for tests and measurements."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.protocol import LINE_LIMIT, SOCKET_NAME, Command, Hello, Record, Reply, Snapshot

RECORDED = Path(__file__).with_name("room.json")


def recorded(**changes: Any) -> Snapshot:
    """Return the recorded snapshot, with top-level fields replaced."""
    data = json.loads(RECORDED.read_text())
    return Snapshot.model_validate({**data, **changes})


class StandIn:
    """One listening socket; every subscriber gets `snapshot` every `period` seconds, commands are recorded."""

    def __init__(self, state: Path, snapshot: Snapshot, *, period: float = 0.05) -> None:
        self.snapshot = snapshot
        self.period = period
        self.commands: list[Command] = []
        self.answer: Callable[[Command], Reply] = lambda command: Reply(id=command.id, ok=True)
        self.reply_delay = 0.0
        self.silent = False
        """True: connections stay open and nothing is sent, as from a stopped daemon."""
        self.on_tick: Callable[[Snapshot], Snapshot] = later
        self._path = state / SOCKET_NAME
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; a left-over socket file is replaced, as the daemon does."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=LINE_LIMIT)

    async def stop(self) -> None:
        """Drop every viewer and stop listening."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        pushing: asyncio.Task[None] | None = None
        try:
            _send(writer, Hello(build="stand-in"))
            async for text in reader:
                kind = json.loads(text)["type"]
                if kind != "command":
                    continue
                command = Command.model_validate_json(text)
                if command.verb == "subscribe" and pushing is None:
                    pushing = asyncio.create_task(self._push(writer))
                await self._reply(writer, command)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            if pushing is not None:
                pushing.cancel()
            with contextlib.suppress(OSError):
                writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, command: Command) -> None:
        if command.verb not in ("subscribe", "snapshot"):
            self.commands.append(command)
            await asyncio.sleep(self.reply_delay)
        data = self.snapshot.model_dump(mode="json", by_alias=True) if command.verb == "snapshot" else None
        reply = Reply(id=command.id, ok=True, data=data) if data else self.answer(command)
        _send(writer, reply)

    async def _push(self, writer: asyncio.StreamWriter) -> None:
        while True:
            if not self.silent:
                _send(writer, self.snapshot)
                self.snapshot = self.on_tick(self.snapshot)
            await asyncio.sleep(self.period)


def _send(writer: asyncio.StreamWriter, record: Record) -> None:
    writer.write(record.model_dump_json(by_alias=True).encode() + b"\n")


def later(snapshot: Snapshot, seconds: float = 0.5) -> Snapshot:
    """Return the same snapshot a moment later: only its clock moves."""
    from datetime import datetime

    at = datetime.fromisoformat(snapshot.at) + timedelta(seconds=seconds)
    return snapshot.model_copy(update={"at": at.isoformat().replace("+00:00", "Z")})


def busy(snapshot: Snapshot, dice: random.Random) -> Snapshot:
    """Return what a working room sends next: rates, ages, progress, memory and the clock all move."""
    hosts = [
        host.model_copy(
            update={
                "util": round(min(1.0, max(0.0, (host.util or 0.9) + dice.uniform(-0.02, 0.02))), 2),
                "rate": round((host.rate or 50.0) * dice.uniform(0.98, 1.02), 1),
                "age": (host.age + 0.5) % 15,
            }
        )
        for host in snapshot.fleet
    ]
    engine = snapshot.engine
    memory = [*engine.memory.values[1:], round(112 + dice.uniform(-2, 2), 1)]
    engine = engine.model_copy(
        update={
            "pss_mb": memory[-1],
            "loop_lag_ms": round(dice.uniform(1, 4), 1),
            "memory": engine.memory.model_copy(update={"values": memory}),
            "uptime": engine.uptime + 0.5,
        }
    )
    series = snapshot.throughput
    throughput = series.model_copy(update={"values": [*series.values[1:], round(dice.uniform(300, 420), 1)]})
    steps = [
        step.model_copy(update={"done": ((step.done or 0) + 1) % 100, "eta": dice.uniform(600, 1300)})
        if step.status == "running"
        else step
        for step in snapshot.pipeline.steps
    ]
    changes: dict[str, Any] = {
        "seq": snapshot.seq + 1,
        "fleet": hosts,
        "engine": engine,
        "throughput": throughput,
        "pipeline": snapshot.pipeline.model_copy(update={"steps": steps}),
    }
    return later(snapshot.model_copy(update=changes))


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--hz", type=float, default=2.0)
    parser.add_argument(
        "--changes", default="{}", help="JSON object that replaces fields of the recorded snapshot"
    )
    options = parser.parse_args()
    room = StandIn(options.state, recorded(**json.loads(options.changes)), period=1 / options.hz)
    dice = random.Random(1)
    room.on_tick = lambda snapshot: busy(snapshot, dice)
    await room.start()
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
