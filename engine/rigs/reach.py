"""How a rig is reached: what SSH (`connection.Rig`) and this machine (`here.Here`) have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from engine.rigs.connection import OUTPUT_LIMIT, Calls, Done, Tunnel


class Lines(Protocol):
    """A command on a rig that lives on: lines in, lines out."""

    def send(self, line: bytes) -> None:
        """Send one line."""

    def lines(self) -> AsyncIterator[bytes]:
        """Yield its lines until it ends."""

    async def complaint(self) -> str:
        """Return what it wrote to stderr, at its end."""

    def close(self) -> None:
        """End the channel."""


class Reach(Protocol):
    """A machine that commands, files and tunnels reach. Every failure is a RigFault with its reason and fix."""

    calls: Calls

    @property
    def name(self) -> str:
        """Return the rig's name."""

    @property
    def connected(self) -> bool:
        """Tell whether it is reached now."""

    async def connect(self) -> None:
        """Connect, or do nothing if connected."""

    async def close(self) -> None:
        """Let go."""

    async def run(self, command: str, *, within: float = 20.0, limit: int = OUTPUT_LIMIT) -> Done:
        """Run one command to its end."""

    async def channel(self, command: str) -> Lines:
        """Start a command that talks in lines."""

    async def push(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write small new files into a private folder."""

    async def upload(self, path: str, blocks: AsyncIterator[bytes]) -> None:
        """Write one large file as its blocks come."""

    async def tunnel_in(self, port: int) -> Tunnel:
        """Open a loopback port on the rig that leads to our `port`."""
