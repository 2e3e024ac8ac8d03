"""Draws from a program that prints them and ends; its children end with it, whatever they hold open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.history import source_shape
from engine.history.source_shape import SourceFault, parse
from engine.secrets import for_children
from engine.spawn import end, ended, kill, started

if TYPE_CHECKING:
    from engine.config import HistorySettings
    from engine.history.store import Arrival, DrawStore

LONGEST_COMPLAINT = 1 << 16


class CommandSource:
    """A program that prints draws and ends; it is killed with its children when its time is over."""

    kind, backs_off = "command", True

    def __init__(self, command: tuple[str, ...], settings: HistorySettings, state: Path) -> None:
        self.name, self._command, self._settings = " ".join(command)[:200], command, settings
        self._state, self._file = state, state / "sources" / "answer"

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Run the program once."""
        body = await self._run()
        return await asyncio.to_thread(parse, body, None, self._file, self.name, self._settings, store)

    async def _run(self) -> bytes:
        try:
            child = await started(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._state,
                env=for_children(os.environ),
            )
        except OSError as error:
            raise SourceFault(f"cannot be started: {error.strerror}") from None
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                body, complaint, code = await asyncio.gather(
                    _limited(child.stdout, source_shape.LARGEST_ANSWER), _tail(child.stderr), ended(child)
                )
        except TimeoutError:
            raise SourceFault(f"did not end within {self._settings.timeout_s:g} s and was killed") from None
        finally:
            kill(child)  # also where it has ended this moment: what it started there
            await end(child)
        if code != 0:
            last = complaint.decode(errors="replace").strip().splitlines()[-1:] or [
                "no word on standard error"
            ]
            raise SourceFault(f"ended with {code}: {last[0][:200]}")
        return body

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Keep nothing: the next answer is compared with the store."""


async def _limited(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    assert stream is not None
    body = bytearray()
    while chunk := await stream.read(1 << 16):
        body += chunk
        if len(body) > limit:
            raise SourceFault(f"printed more than {limit >> 20} MiB; a history takes far less")
    return bytes(body)


async def _tail(stream: asyncio.StreamReader | None) -> bytes:
    assert stream is not None
    kept = b""
    while chunk := await stream.read(1 << 16):
        kept = (kept + chunk)[-LONGEST_COMPLAINT:]
    return kept
