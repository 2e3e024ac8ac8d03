"""The request queue: typed requests in, one claim at a time, and for everything that waits a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from engine import protocol
from engine.dispatch.forms import (
    FORMS,
    STEPS,
    AnyRequest,
    InjectDraw,
    LearningLoop,
    PipelineRerun,
    SelfplayRetrain,
    StepForce,
    parse_request,
)
from engine.halt import Halt
from state.journal import Journal
from state.requests import LEASE_SECONDS, RequestRow

__all__ = [
    "FORMS",
    "STEPS",
    "InjectDraw",
    "LearningLoop",
    "PipelineRerun",
    "Queue",
    "SelfplayRetrain",
    "StepForce",
    "parse_request",
]
SHOWN = 50
SAFE = (
    "inject_draw",
)  # a draw is stored under its request's id: trying again is safe, giving up may be a lie
Blocker = Callable[[RequestRow], str | None]
"""Says why a request may not start now (a phrase such as `VRAM is busy`), or None."""


class Queue:
    """Requests of one journal; every method may be called from any thread."""

    def __init__(
        self,
        journal: Journal,
        halt: Halt,
        *,
        blockers: Sequence[Blocker] = (),
        look: Callable[[], None] = lambda: None,
        lease: float = LEASE_SECONDS,
    ) -> None:
        """`look()` is called before each claim and after each request: questions are asked and lapse there."""
        self._requests, self._halt = journal.requests, halt
        self._blockers, self._look, self._lease = tuple(blockers), look, lease

    def submit(
        self, request: AnyRequest, *, origin: str, key: str | None = None, cause: str | None = None
    ) -> RequestRow:
        """Queue a request; one with the same idempotency key is returned as it stands."""
        row = self._requests.enqueue(
            request.type,
            request.args(),
            origin=request.origin or origin,
            priority=request.priority,
            key=key,
            cause=cause,
            why=request.reason or f"asked by {request.origin or origin}",
            needs=request.needs,
        )
        self._look()
        return row

    def refuse(self, kind: str, args: Mapping[str, Any], why: str, *, origin: str, key: str) -> RequestRow:
        """Record a request that was rejected at the door."""
        return self._requests.refuse(kind, args, origin=origin, why=why, key=key)

    # -- a worker's path --------------------------------------------------------------------------------------------------

    def claim(self, *, kinds: Sequence[str] | None = None) -> RequestRow | None:
        """Claim the next request that nothing holds back (priority, then age); None while a halt is in force."""
        self._look()
        if self._halt.asked("end"):
            return None
        return self._requests.claim(
            lease=self._lease, kinds=kinds, accept=lambda row: self._blocked(row) is None
        )

    def start(self, request: str, why: str = "running", *, run: str | None = None) -> RequestRow:
        """Move a claimed request to running."""
        return self._requests.start(request, why, run=run)

    def finish(
        self, request: str, state: str, why: str, *, result: Mapping[str, Any] | None = None
    ) -> RequestRow:
        """Move to done, failed, rejected or cancelled, with the reason and the result."""
        return self._requests.finish(request, state, why, result=result)

    def defer(self, request: str, why: str, *, seconds: float = 0.0) -> RequestRow:
        """Put a request off; it may be claimed again after `seconds`."""
        return self._requests.defer(request, why, seconds=seconds)

    def requeue(self, request: str, why: str) -> RequestRow:
        """Give a claim back, for example when a halt came before it was finished."""
        return self._requests.requeue(request, why)

    def cancel(self, request: str, why: str) -> RequestRow:
        """Cancel a request that is not finished; whoever runs it sees the move fail."""
        return self._requests.cancel(request, why)

    def prioritise(self, request: str, priority: int, *, who: str, why: str) -> RequestRow:
        """Give a waiting request another place in the queue."""
        return self._requests.prioritise(request, priority, who=who, why=why)

    def recover(self, *, max_attempts: int = 3) -> list[RequestRow]:
        """Return to the queue what nobody works on: claims of processes that are gone, and of a watcher that failed and starts over."""
        return self._requests.recover(max_attempts=max_attempts, safe=SAFE, own=True)

    # -- what people see --------------------------------------------------------------------------------------------------

    def get(self, request: str) -> RequestRow:
        """Return one request."""
        return self._requests.get(request)

    def waiting(self) -> int:
        """Return how many requests wait."""
        return self._requests.waiting()

    def why(self, row: RequestRow) -> str:
        """Return why a request waits, runs, or how it ended."""
        if row.state not in ("queued", "deferred"):
            return row.why
        halted = self._halt.state
        if halted is not None:
            return f"held: halted by {halted.by}"
        if row.state == "deferred" and not row.due():
            return f"deferred: {row.why}"
        return self._blocked(row) or self._behind(row)

    def held(self, row: RequestRow) -> bool:
        """Say whether something else than its turn keeps a waiting request from being claimed."""
        return self._halt.state is not None or not row.due() or self._blocked(row) is not None

    def _blocked(self, row: RequestRow) -> str | None:
        return next((why for blocker in self._blockers if (why := blocker(row)) is not None), None)

    def _behind(self, row: RequestRow) -> str:
        running = self._requests.list(states=("claimed", "running"), limit=1)
        if running:
            return f"waits for {running[0].id} ({running[0].kind})"
        queued = self._requests.list(states=("queued", "deferred"), order="priority DESC, n")
        before = next((place for place, one in enumerate(queued) if one.id == row.id), 0)
        return f"waits for {before} before it" if before else "next"

    def records(self, *, limit: int = SHOWN) -> list[protocol.Request]:
        """Return unfinished requests in the order in which they are taken, then the newest finished ones, for the wire."""
        open_states = ("running", "claimed", "queued", "deferred")
        rows = sorted(
            self._requests.list(states=open_states, order="priority DESC, n", limit=limit),
            key=lambda row: row.state not in ("running", "claimed"),
        )
        rows += [row for row in self._requests.newest(limit) if row.terminal]
        return [self._record(row) for row in rows[:limit]]

    def _record(self, row: RequestRow) -> protocol.Request:
        state = cast(Any, row.state)
        why, kind = self.why(row), row.kind
        return protocol.Request(
            id=row.id, at=row.at, kind=kind, origin=row.origin, state=state, priority=row.priority, why=why
        )
