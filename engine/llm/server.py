"""One model server process: start it on a free port of this machine, make sure it is ours and ready, end it for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EnvironmentFault
from engine.llm import tether
from engine.llm.client import Client, ServerFault
from engine.secrets import for_children
from engine.spawn import ended, started

if TYPE_CHECKING:
    from engine.config import LlmSettings

HOST = "127.0.0.1"
TAIL_LINES = 200
TERM_SECONDS, KILL_SECONDS = 4.0, 5.0
LOOK = 0.05
PORTS = 3
TAKEN = re.compile(r"couldn't bind|address already in use|http server error", re.IGNORECASE)
COMPLAINT = re.compile(r"(^|\s)E\s|error|failed", re.IGNORECASE)


class NotStarted(EnvironmentFault):
    """The server ended, stayed silent, or something else answered on its port."""


@dataclass(frozen=True)
class Facts:
    """What a ready server says of itself."""

    pid: int
    port: int
    model: str
    context: int
    chars_per_token: float
    start_seconds: float


def arguments(settings: LlmSettings, port: int) -> list[str]:
    """Return the whole command line; `llama-server` and the wheel's server understand the same flags."""
    model = [] if settings.model is None else ["-m", str(settings.model)]
    layers = [] if settings.gpu_layers is None else ["-ngl", str(settings.gpu_layers)]
    batch = str(settings.batch)
    return [
        *settings.command, *model, "--host", HOST, "--port", str(port), "-c", str(settings.context), "-np", "1",
        "-t", str(settings.threads), "-b", batch, "-ub", batch, "-cram", "0", *layers,
        "--offline", "--no-ui", "--reasoning", "off",
    ]  # fmt: skip


class Server:
    """One process in a session of its own that cannot outlive this one; its log is always drained."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        """Drain a started process; use `start`."""
        self.pid, self.port = process.pid, port
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._process = process
        self._drain = asyncio.create_task(self._read())

    @property
    def running(self) -> bool:
        """Say whether the process is there."""
        return self._process.returncode is None

    async def ended(self) -> int:
        """Wait for the process to end, however that happens; return its code."""
        return await ended(self._process)

    def complaint(self) -> str:
        """Return the first lines of the log that complain, or the last one."""
        found = [line for line in self.tail if COMPLAINT.search(line)][:2] or list(self.tail)[-1:]
        return " | ".join(line.strip()[:200] for line in found) or "no output"

    async def stop(self) -> None:
        """End the process and wait for it: politely first, then not. Cancel requests before, or politeness is in vain."""
        for sign, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            if not self.running:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, sign)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._drain), 1.0)
        self._drain.cancel()

    def kill(self) -> None:
        """End a process that hangs, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:  # one line longer than the buffer: dropped, the next one counts
                continue
            if not line:
                return
            self.tail.append(line.decode(errors="replace").rstrip())


async def start(settings: LlmSettings) -> tuple[Server, Facts]:
    """Start a server and wait until it is ready and known to be ours; NotStarted says why there is none."""
    begun = time.monotonic()
    for attempt in range(PORTS):
        server = await _spawn(arguments(settings, port := _free_port()), port)
        try:
            async with asyncio.timeout(settings.start_s):
                return server, await _ready(server, settings.model, begun)
        except TimeoutError:
            await server.stop()
            why = f"not ready within {settings.start_s:g} s: {server.complaint()}"
            raise NotStarted(f"llm server: {why}") from None
        except NotStarted as error:
            await server.stop()
            if attempt + 1 < PORTS and any(TAKEN.search(line) for line in server.tail):
                continue
            raise NotStarted(f"llm server: {error}: {server.complaint()}") from None
        except BaseException:
            server.kill()
            await server.stop()
            raise
    raise NotStarted("llm server: no free port")


async def _spawn(command: Sequence[str], port: int) -> Server:
    process = await started(
        sys.executable, "-P", str(Path(tether.__file__)), str(os.getpid()), *command,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=for_children(os.environ),
    )  # fmt: skip
    return Server(process, port)


async def _ready(server: Server, model: Path | None, begun: float) -> Facts:
    client = Client(HOST, server.port)
    try:
        while not await client.healthy():
            if not server.running:
                raise NotStarted(f"it ended with code {server._process.returncode} before it was ready")
            await asyncio.sleep(LOOK)
        props = await client.props()
        _must_be_ours(server, model, props.model)
        ratio = await client.chars_per_token()
    except ServerFault as fault:
        raise NotStarted(str(fault)) from None
    finally:
        await client.close()
    seconds = round(time.monotonic() - begun, 3)
    return Facts(server.pid, server.port, props.model, props.context, ratio, seconds)


def _must_be_ours(server: Server, model: Path | None, served: str) -> None:
    """A squatter on the port is not mistaken for our server."""
    if not server.running or (model is not None and Path(served).name != model.name):
        raise NotStarted(f"another server answers on port {server.port} with model {served!r}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
