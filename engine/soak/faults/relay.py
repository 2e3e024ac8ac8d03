"""Stands between the engine and a real model server and passes everything on; while a flag file stands, grammars get 400.

`python -m engine.soak.faults.relay --flag FILE -- COMMAND…` as `[llm] command` of a soak's room: the engine's own flags follow, the
real server is started with them on another port, and dies with this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.llm import tether
from engine.spawn import started

LIMIT = 1 << 24
REFUSAL = b'{"error":{"code":400,"message":"failed to parse grammar","type":"invalid_request_error"}}'
ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: " + str(len(REFUSAL)).encode() + b"\r\n\r\n" + REFUSAL
)


def wrapped(command: Sequence[str], flag: Path) -> tuple[str, ...]:
    """Return the command that serves `command` behind the relay."""
    return (sys.executable, "-P", "-m", "engine.soak.faults.relay", "--flag", str(flag), "--", *command)


class Relay:
    """One listening port in front of another."""

    def __init__(self, flag: Path, behind: int) -> None:
        """Pass on to the port `behind`."""
        self._flag, self._behind = flag, behind

    async def serve(self, port: int) -> None:
        """Listen for ever."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", port, limit=LIMIT)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            if self._flag.exists() and b'"grammar"' in body:
                writer.write(ANSWER)
                await writer.drain()
            else:
                await self._pass_on(head + body, reader, writer)
        writer.close()

    async def _pass_on(self, sent: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send the request on and the answer back; whoever leaves ends both sides."""
        there, back = await asyncio.open_connection("127.0.0.1", self._behind)
        back.write(sent)
        gone = asyncio.create_task(reader.read(1))
        try:
            while True:
                more = asyncio.create_task(there.read(1 << 16))
                await asyncio.wait({more, gone}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() or not (data := await more):
                    more.cancel()
                    return
                writer.write(data)
                await writer.drain()
        finally:
            gone.cancel()
            back.close()


def _length(head: bytes) -> int:
    """Return the length of a request's body."""
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name.lower() == b"content-length"), 0)


async def run(flag: Path, command: Sequence[str], port: int) -> int:
    """Start the real server and relay to it until it ends or we are told to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        behind = int(probe.getsockname()[1])
    words = [
        str(behind) if before == "--port" else word
        for before, word in zip(["", *command], command, strict=False)
    ]
    child = await started(
        sys.executable, "-P", str(Path(tether.__file__)), str(os.getpid()), *words, session=False
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, child.terminate)
    serving = asyncio.create_task(Relay(flag, behind).serve(port))
    ended = asyncio.create_task(child.wait())
    await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done() and (error := serving.exception()) is not None:
        print(f"E relay: couldn't bind to port {port}: {error}", file=sys.stderr, flush=True)
        child.kill()
    serving.cancel()
    return await ended


def main(argv: Sequence[str] | None = None) -> int:
    """Take `--flag FILE -- COMMAND…`, the engine's own flags after it."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] != ["--flag"] or words[2:3] != ["--"] or "--port" not in words:
        print("E relay: want --flag FILE -- COMMAND… --port N", file=sys.stderr)
        return 2
    return asyncio.run(run(Path(words[1]), words[3:], int(words[words.index("--port") + 1])))


if __name__ == "__main__":
    sys.exit(main())
