"""The WATCHER: takes requests one at a time, lets the dispatcher work, settles every end. It owns halting on its own judgement."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from typing import TYPE_CHECKING, Any

from engine.errors import Halted, MimicryError
from engine.status import ALERT
from engine.watcher.steps import Escalated
from engine.watcher.work import Board, Done, Performer, Rejected, Requests
from state.errors import InvalidTransition, StateError
from state.requests import LEASE_SECONDS

if TYPE_CHECKING:
    from engine.halt import Halt
    from state.journal import Journal
    from state.requests import RequestRow

logger = logging.getLogger("mimicry.watcher")
BY = "watcher"
LOOK = 1.0


class Watcher:
    """Runs as one service of the room. `wake` tells it that something changed; without that it looks once a second."""

    def __init__(self, journal: Journal, halt: Halt, queue: Requests, board: Board, work: Performer) -> None:
        """Take what the loop needs; `work` carries out what `queue` gives."""
        self._journal, self._halt, self._queue, self._board, self._work = journal, halt, queue, board, work
        self._news = asyncio.Event()
        self.ended = asyncio.Event()

    def wake(self) -> None:
        """Look now; from the loop's thread."""
        self._news.set()

    async def serve(self) -> None:
        """Take requests until the room ends."""
        for lost in self._queue.recover():
            logger.warning("%s: %s", lost.id, lost.why)
        while not self._board.stopping:
            row = None if self._standing_still() else self._queue.claim()
            if row is None:
                await self._wait()
            else:
                await self.handle(row)
        self.ended.set()

    def _standing_still(self) -> bool:
        """Say whether a halt is in force, and mark it as reached: nothing runs while this is asked."""
        if self._halt.pending:
            self._halt.reached()
        return self._halt.state is not None

    async def _wait(self) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(LOOK):
                await self._news.wait()
        except TimeoutError:
            return

    async def handle(self, row: RequestRow) -> None:
        """Carry one request to an end: done, failed, rejected; or back to the queue, where a halt or the room's end cut it off."""
        self._board.request = row.id
        logger.info("%s %s from %s: taken", row.id, row.kind, row.origin)
        keeping = asyncio.create_task(self._keep(row.id))
        try:
            await self._settle(row)
        finally:
            keeping.cancel()
            self._board.clear()

    async def _keep(self, request: str) -> None:
        """Keep the claim's lease fresh; one that ended meanwhile needs no keeping."""
        with contextlib.suppress(InvalidTransition):
            while True:
                await asyncio.sleep(LEASE_SECONDS / 3)
                await asyncio.to_thread(self._journal.requests.renew, request)

    async def _settle(self, row: RequestRow) -> None:
        try:
            done = await self._work.perform(row)
        except Halted as halted:
            self._put_off(row, str(halted))
        except Rejected as error:
            self._end(row, "rejected", str(error))
        except Escalated as escalated:
            self._escalate(row, escalated)
        except (MimicryError, StateError) as error:
            self._end(row, "failed", str(error), alert=True)
        except Exception as error:  # noqa: BLE001 - a fault of our own must end the request, not the watcher
            self._fault(row, error)
        else:
            self._finish(row, done)

    def _finish(self, row: RequestRow, done: Done) -> None:
        self._journal.requests.finish(row.id, "done", done.why[:400], result=done.result)
        logger.info("%s done: %s", row.id, done.why)

    def _end(self, row: RequestRow, state: str, why: str, *, alert: bool = False) -> None:
        """Move the request, and the run that it has, to their ends."""
        now = self._journal.requests.get(row.id)
        with self._journal.transaction() as tx:
            if now.run is not None and self._journal.runs.get(now.run).state in ("running", "halted"):
                self._journal.runs.move(now.run, "failed", why[:400])
            if alert:
                tx.event(
                    ALERT, {"level": "fail", "text": f"{row.id} {state}: {why[:300]}", "request": row.id}
                )
            self._journal.requests.finish(row.id, state, why[:400])
        logger.warning("%s %s: %s", row.id, state, why)

    def _put_off(self, row: RequestRow, why: str) -> None:
        """Give the request back; halted work is deferred and never failed."""
        journal, standing = self._journal, self._halt.state
        now = journal.requests.get(row.id)
        with journal.transaction():
            if now.run is not None and journal.runs.get(now.run).state == "running":
                journal.runs.move(now.run, "halted", why[:400])
            if standing is not None:
                journal.requests.defer(row.id, f"halted by {standing.by}: {standing.reason}"[:400])
            else:
                journal.requests.requeue(row.id, why[:400])
        logger.info("%s put off: %s", row.id, why)

    def _escalate(self, row: RequestRow, escalated: Escalated) -> None:
        """Halt: what the evidence cannot carry, a person must look at."""
        journal = self._journal
        now = journal.requests.get(row.id)
        with journal.transaction() as tx:
            if now.run is not None:
                journal.runs.move(now.run, "escalated", escalated.reason[:400])
            data: dict[str, Any] = {
                "level": "fail",
                "text": f"escalated: {escalated}"[:400],
                "request": row.id,
            }
            tx.event(ALERT, data | {"cause": f"d-{escalated.decision}"})
            journal.requests.finish(row.id, "failed", f"escalated: {escalated}"[:400])
        self._halt.ask("finish", f"escalated: {escalated}", BY)
        logger.error("%s escalated: %s", row.id, escalated)

    def _fault(self, row: RequestRow, error: Exception) -> None:
        logger.error("%s: internal fault\n%s", row.id, "".join(traceback.format_exception(error)))
        self._end(
            row,
            "failed",
            f"internal fault: {type(error).__name__}: {error}; see logs/watcher_agent.log",
            alert=True,
        )
