"""The WATCHER: takes requests one at a time, lets the dispatcher work, settles every end. It owns halting on its own judgement."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine import logs
from engine.errors import DiskFault, Halted, MimicryError, NotFree
from engine.status import ALERT
from engine.watcher.steps import Escalated
from engine.watcher.work import Board, Cancelled, Done, Performer, Rejected, Requests
from state.errors import DiskFull, InvalidTransition, StateError, StateUnusable
from state.requests import LEASE_SECONDS

if TYPE_CHECKING:
    from engine.halt import Halt
    from state.journal import Journal
    from state.requests import RequestRow

logger = logging.getLogger("mimicry.watcher")
BY = "watcher"
LOOK = 1.0
DISK_SECONDS, GPU_SECONDS = 10.0, 60.0
"""How long a request waits that the disk, or a GPU's memory, kept from being done."""
WAITS, ALERTS_SEEN = "waits for", 50


class Watcher:
    """Runs as one service of the room. `wake` tells it that something changed; without that it looks once a second."""

    def __init__(
        self,
        journal: Journal,
        halt: Halt,
        queue: Requests,
        board: Board,
        work: Performer,
        *,
        escalated: Callable[[RequestRow, Escalated], bool] = lambda row, escalated: True,
    ) -> None:
        """Take what the loop needs; `work` carries out what `queue` gives.

        `escalated(request, escalation)` is called with the request's end, in one transaction: it asks a person, and
        says whether the room halts.
        """
        self._journal, self._halt, self._queue, self._board, self._work = journal, halt, queue, board, work
        self._escalated = escalated
        self._news = asyncio.Event()
        self.ended = asyncio.Event()

    def wake(self) -> None:
        """Look now; from the loop's thread."""
        self._news.set()

    async def serve(self) -> None:
        """Take requests until the room ends."""
        for lost in self._queue.recover():
            logger.warning("%s: %s", lost.id, lost.why)
            if lost.terminal:
                self._given_up(lost)
        self._close_orphans()
        while not self._board.stopping:
            row = None if self._standing_still() else self._queue.claim()
            if row is None:
                await self._wait()
            else:
                await self.handle(row)
        self.ended.set()

    def _given_up(self, row: RequestRow) -> None:
        """Say that a request took its process with it too often."""
        self._journal.append(ALERT, {"level": "fail", "text": f"{row.id} {row.why}"[:400], "request": row.id})

    def _close_orphans(self) -> None:
        """End runs whose request has ended without them: a crash came between, or it was given up."""
        for run in self._journal.runs.unfinished():
            if run.request is not None and (row := self._journal.requests.get(run.request)).terminal:
                self._close_run(row, f"{row.id} {row.state}: {row.why}")

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
        with logs.bound(request=row.id):
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
        except Cancelled as cancelled:
            self._close_run(row, str(cancelled))
        except Rejected as error:
            self._end(row, "rejected", str(error))
        except Escalated as escalated:
            self._escalate(row, escalated)
        except (DiskFault, DiskFull, StateUnusable) as error:
            self._wait_for("the disk", row, str(error), DISK_SECONDS)
        except NotFree as error:
            self._wait_for("a GPU", row, str(error), GPU_SECONDS)
        except (MimicryError, StateError) as error:
            self._end(row, "failed", str(error), alert=True)
        except Exception as error:  # noqa: BLE001 - a fault of our own must end the request, not the watcher
            self._fault(row, error)
        else:
            self._finish(row, done)

    def _finish(self, row: RequestRow, done: Done) -> None:
        """End the run and the request together: a kill between them would leave a request whose work is done open."""
        with self._journal.transaction():
            now = self._journal.requests.get(row.id)
            if now.run is not None and self._journal.runs.get(now.run).state == "running":
                self._journal.runs.move(now.run, "done", done.why[:400], result=done.result)
            if self._ended_already(row):
                return
            self._journal.requests.finish(row.id, "done", done.why[:400], result=done.result)
        logger.info("%s done: %s", row.id, done.why)

    def _end(self, row: RequestRow, state: str, why: str, *, alert: bool = False) -> None:
        """Move the request, and the run that it has, to their ends."""
        with self._journal.transaction() as tx:
            self._close_run(row, why)
            if self._ended_already(row):
                return
            if alert:
                tx.event(
                    ALERT, {"level": "fail", "text": f"{row.id} {state}: {why[:300]}", "request": row.id}
                )
            self._journal.requests.finish(row.id, state, why[:400])
        logger.warning("%s %s: %s", row.id, state, why)

    def _close_run(self, row: RequestRow, why: str) -> None:
        """End the run of a request that will not go on."""
        now = self._journal.requests.get(row.id)
        if now.run is not None and self._journal.runs.get(now.run).state in ("running", "halted"):
            self._journal.runs.move(now.run, "failed", why[:400])

    def _ended_already(self, row: RequestRow) -> bool:
        """Say whether somebody ended the request while it ran; that end stands."""
        now = self._journal.requests.get(row.id)
        if now.terminal:
            logger.info("%s is %s already: %s", row.id, now.state, now.why)
        return now.terminal

    def _put_off(self, row: RequestRow, why: str) -> None:
        """Give the request back; halted work is deferred and never failed."""
        journal, standing = self._journal, self._halt.state
        now = journal.requests.get(row.id)
        if now.terminal:
            self._close_run(row, f"{now.state}: {now.why}")
            return
        with journal.transaction():
            if now.run is not None and journal.runs.get(now.run).state == "running":
                journal.runs.move(now.run, "halted", why[:400])
            if standing is not None:
                journal.requests.defer(row.id, f"halted by {standing.by}: {standing.reason}"[:400])
            else:
                journal.requests.requeue(row.id, why[:400])
        logger.info("%s put off: %s", row.id, why)

    def _wait_for(self, what: str, row: RequestRow, why: str, seconds: float) -> None:
        """Give the request back for a while: `what` is at fault, and what is recorded already is not done again."""
        journal, text = self._journal, f"{WAITS} {what}: {why}"[:400]
        now = journal.requests.get(row.id)
        if now.terminal:
            return
        with journal.transaction() as tx:
            if now.run is not None and journal.runs.get(now.run).state == "running":
                journal.runs.move(now.run, "halted", why[:400])
            journal.requests.defer(row.id, text, seconds=seconds)
            if not self._known_to_wait(row.id):
                tx.event(ALERT, {"level": "fail", "text": f"{row.id} {text}"[:400], "request": row.id})
        logger.error("%s %s", row.id, text)

    def _known_to_wait(self, request: str) -> bool:
        """Say whether an alert of this request's waiting was raised lately: it is tried again and again."""
        said = self._journal.newest([ALERT], ALERTS_SEEN)
        return any(one.data["text"].startswith(f"{request} {WAITS} ") for one in said)

    def _escalate(self, row: RequestRow, escalated: Escalated) -> None:
        """Ask a person, and halt where the policy says so: what the evidence cannot carry goes no further by itself."""
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
            if not now.terminal:
                journal.requests.finish(row.id, "failed", f"escalated: {escalated}"[:400])
            halts = self._escalated(row, escalated)
        if halts:
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
