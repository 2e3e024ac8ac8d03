"""This machine as a rig: the same guard, probe and workers as child processes, without SSH. For the coordinator's own GPUs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from engine.rigs.connection import OUTPUT_LIMIT, Calls, Done, Tunnel
from engine.rigs.faults import LinkFault
from engine.rigs.heard import LINE_LIMIT
from engine.spawn import end, shell_started

_LINE_LIMIT = 2 * LINE_LIMIT
"""More than a guard's line may have: a longer one is refused by whoever reads it, not here."""


class HereChannel:
    """A child process that talks in lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Wrap a started process."""
        self._process = process

    def send(self, line: bytes) -> None:
        """Send one line; one that is going away misses it."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(line + b"\n")

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield what it says, line by line, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.endswith(b"\n"):
                yield line

    async def complaint(self) -> str:
        """Return what it wrote to stderr."""
        assert self._process.stderr is not None
        return (await self._process.stderr.read(4096)).decode(errors="replace").strip()

    def close(self) -> None:
        """End it: it reads end of file."""
        if self._process.stdin is not None:
            self._process.stdin.close()


class Here:
    """This machine under the interface of `Rig`."""

    def __init__(self, name: str) -> None:
        """Name it; nothing is opened."""
        self.name, self.connected, self.calls = name, False, Calls()

    async def connect(self) -> None:
        """Do nothing: we are here."""
        self.connected = True

    async def close(self) -> None:
        """Do nothing: channels are closed by their owners."""
        self.connected = False

    async def run(self, command: str, *, within: float = 20.0, limit: int = OUTPUT_LIMIT) -> Done:
        """Run one shell command to its end; LinkFault if it takes more seconds or bytes than allowed."""
        self.calls.count()
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await shell_started(command, stdin=nothing, stdout=pipe, stderr=pipe)
        try:
            async with asyncio.timeout(within):
                out, err = await process.communicate()
        except TimeoutError as error:
            raise LinkFault(f"rig {self.name}: `{command[:60]}` took longer than {within:g} s") from error
        finally:
            await end(process)  # also where whoever asked is cancelled: nothing of it may live on
        if len(out) > limit or len(err) > limit:
            raise LinkFault(
                f"rig {self.name}: a command gave more than {limit} bytes; nothing of it was used"
            )
        return Done(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))

    async def channel(self, command: str) -> HereChannel:
        """Start a command that talks in lines for as long as it lives."""
        self.calls.count()
        pipe = asyncio.subprocess.PIPE
        return HereChannel(
            await shell_started(command, stdin=pipe, stdout=pipe, stderr=pipe, limit=_LINE_LIMIT)
        )

    async def push(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Make `folder` (0700) and write new files into it (0600)."""
        try:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, data in files.items():
                fd = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(fd, "wb") as file:
                    file.write(data)
        except OSError as error:
            raise LinkFault(
                f"rig {self.name}: cannot write into {folder}: {error}; check its space"
            ) from error

    async def upload(self, path: str, blocks: AsyncIterator[bytes]) -> None:
        """Write blocks to a file as they come (0600)."""
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as file:
                async for block in blocks:
                    await asyncio.to_thread(file.write, block)
        except OSError as error:
            raise LinkFault(f"rig {self.name}: writing {path} broke: {error}") from error

    async def tunnel_in(self, port: int) -> Tunnel:
        """Return the port itself."""
        return Tunnel(port, lambda: None)
