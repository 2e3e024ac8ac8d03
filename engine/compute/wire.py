"""Lots out, answers in: the coordinator's own connection to the scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from engine.compute import settings
from engine.compute.job import lot_key
from engine.compute.pki import Credentials


class Wire:
    """A Dask client that hands over lots and hears answers; it opens nothing that a worker made but those bytes."""

    def __init__(self, on_answer: Callable[[str, int, bytes], None], on_end: Callable[[int], None]) -> None:
        """Prepare: `on_answer(alias, serial, payload)`; `on_end(lot)` when no answer of a lot comes any more."""
        self._on_answer, self._on_end = on_answer, on_end
        self.cut = asyncio.Event()
        """Set when nothing comes in any more; a new life must begin."""
        self._client: Any = None
        self._out: dict[int, tuple[Any, asyncio.Task[None]]] = {}

    async def open(self, address: str, credentials: Credentials) -> None:
        """Connect; OSError if the scheduler does not answer."""
        from engine.compute import nodes

        self._client = await nodes.connect(address, credentials, self._on_answer)
        self._client._handle_report_task.add_done_callback(lambda _: self.cut.set())

    def send(self, lot: int, alias: str, jobs: Sequence[tuple[int, bytes]]) -> None:
        """Hand a lot to one worker; it works lots off in the order in which they were sent."""
        from engine.compute.worker import execute

        future = self._client.submit(
            execute, lot, list(jobs), key=lot_key(lot), workers=[alias], pure=False, fifo_timeout=0
        )
        self._out[lot] = (future, asyncio.create_task(self._follow(lot, future)))

    async def _follow(self, lot: int, future: Any) -> None:
        """Wait until Dask is done with a lot, in whatever way."""
        await future._state.wait()
        self.forget(lot)
        self._on_end(lot)

    def forget(self, lot: int) -> None:
        """Let Dask forget a lot."""
        out = self._out.pop(lot, None)
        if out is not None:
            future, follower = out
            future.release()
            if follower is not asyncio.current_task():
                follower.cancel()

    async def close(self) -> None:
        """Let go of everything, without waiting for a scheduler that may be gone."""
        for lot in list(self._out):
            self.forget(lot)
        if self._client is not None:
            # The fast way, which Dask keeps to itself: its polite one waits seconds for a scheduler that is gone.
            await asyncio.gather(self._client._close(fast=True), return_exceptions=True)
            self._client = None


def import_distributed() -> None:
    """Import the client library with our settings; call it off the loop: it takes most of a second."""
    import logging

    settings.apply(logging.CRITICAL)
    from engine.compute import nodes  # noqa: F401
