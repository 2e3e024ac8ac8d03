"""The request queue: typed requests in, one claim at a time, and for everything that waits a reason."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from engine import protocol
from engine.errors import BadInput
from engine.halt import Halt
from state.journal import Journal
from state.requests import LEASE_SECONDS, PRIORITY, RequestRow

STEPS = ("1", "2.5", "3", "4", "5", "6")
SHOWN = 50
Blocker = Callable[[RequestRow], str | None]
"""Says why a request may not start now (a phrase such as `VRAM is busy`), or None."""


def _step(value: object) -> object:
    return "2.5" if value == "2" else value


StepId = Annotated[Literal["1", "2.5", "3", "4", "5", "6"], BeforeValidator(_step)]


class RequestForm(BaseModel):
    """What every request may say about itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    origin: str | None = Field(default=None, min_length=1, max_length=100)
    priority: int = Field(default=PRIORITY, ge=0, le=100)
    reason: str = Field(default="", max_length=500)

    def args(self) -> dict[str, Any]:
        """Return what is particular to this type of request."""
        return self.model_dump(mode="json", exclude={"type", *RequestForm.model_fields})


class PipelineRerun(RequestForm):
    """Run the pipeline from one step through another."""

    type: Literal["pipeline_rerun"] = "pipeline_rerun"
    start_step: StepId = "1"
    end_step: StepId = "6"

    @model_validator(mode="after")
    def _forward(self) -> PipelineRerun:
        if STEPS.index(self.start_step) > STEPS.index(self.end_step):
            raise ValueError(f"start_step {self.start_step} comes after end_step {self.end_step}")
        return self


class StepForce(RequestForm):
    """Run one step whatever its gates say about being needed."""

    type: Literal["step_force"] = "step_force"
    step: StepId


class LearningLoop(RequestForm):
    """Run steps 3, 5 and 6 on what is there."""

    type: Literal["learning_loop"] = "learning_loop"


class SelfplayRetrain(RequestForm):
    """Run selfplay episodes."""

    type: Literal["selfplay_retrain"] = "selfplay_retrain"


class InjectDraw(RequestForm):
    """Add one draw to the history; allowed in test mode only, which the engine checks."""

    type: Literal["inject_draw"] = "inject_draw"
    value: int


AnyRequest = PipelineRerun | StepForce | LearningLoop | SelfplayRetrain | InjectDraw
FORMS: Mapping[str, type[AnyRequest]] = {
    form.model_fields["type"].default: form for form in get_args(AnyRequest)
}
_ADAPTERS = {name: TypeAdapter[AnyRequest](form) for name, form in FORMS.items()}


def parse_request(data: object) -> AnyRequest:
    """Return a typed request; BadInput names the first fault, and for an unknown type or key the nearest one."""
    if not isinstance(data, dict):
        raise BadInput(f"request: must be a JSON object with a type, not {type(data).__name__}")
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in FORMS:
        raise BadInput(
            f"request: unknown type {kind!r}{_nearest(kind, list(FORMS))}; types: {', '.join(FORMS)}"
        )
    allowed = list(FORMS[kind].model_fields)
    for key in data:
        if key not in allowed:
            raise BadInput(
                f"request {kind}: unknown key {key!r}{_nearest(key, allowed)}; keys: {', '.join(allowed)}"
            )
    try:
        return _ADAPTERS[kind].validate_python(data)
    except ValidationError as error:
        raise BadInput(f"request {kind}: {_first_fault(error)}") from error


def _nearest(given: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(given)[:80], known, 1, cutoff=0.5)
    return f", did you mean {near[0]}?" if near else ""


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    given = "" if first["type"] in ("missing", "value_error") else f", not {str(first['input'])[:80]!r}"
    return f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}{given}"


class Queue:
    """Requests of one journal; every method may be called from any thread."""

    def __init__(
        self, journal: Journal, halt: Halt, *, blockers: Sequence[Blocker] = (), lease: float = LEASE_SECONDS
    ) -> None:
        self._requests, self._halt = journal.requests, halt
        self._blockers, self._lease = tuple(blockers), lease

    def submit(
        self, request: AnyRequest, *, origin: str, key: str | None = None, cause: str | None = None
    ) -> RequestRow:
        """Queue a request; one with the same idempotency key is returned as it stands."""
        return self._requests.enqueue(
            request.type,
            request.args(),
            origin=request.origin or origin,
            priority=request.priority,
            key=key,
            cause=cause,
            why=request.reason or f"asked by {request.origin or origin}",
        )

    def refuse(self, kind: str, args: Mapping[str, Any], why: str, *, origin: str, key: str) -> RequestRow:
        """Record a request that was rejected at the door."""
        return self._requests.refuse(kind, args, origin=origin, why=why, key=key)

    # -- a worker's path --------------------------------------------------------------------------------------------------

    def claim(self, *, kinds: Sequence[str] | None = None) -> RequestRow | None:
        """Claim the next request that nothing holds back (priority, then age); None while a halt is in force."""
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

    def recover(self, *, max_attempts: int = 3) -> list[RequestRow]:
        """Return claims of processes that are gone to the queue; call once at start."""
        return self._requests.recover(max_attempts=max_attempts)

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
