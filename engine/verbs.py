"""What the socket's commands do on the engine's loop, apart from halting, which never waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.alerts.verbs import alert_verbs
from engine.dispatch.calls import Calls
from engine.dispatch.forms import described, parse_pairs
from engine.dispatch.queue import Queue, parse_request
from engine.dispatch.verbs import call_of, decision_number
from engine.errors import BadInput, UsageError
from engine.feedback.verbs import LearningVerbs
from engine.llm.verbs import AdvisorVerbs
from engine.soak.verbs import soak_verbs
from engine.tables.verbs import table_verbs
from engine.verb_arguments import only as _only
from engine.watcher.record import operator_entry, replay_recorded

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.protocol import Command
    from engine.server import Handler
    from engine.watcher.watcher import Watcher
    from state.journal import Journal

OPERATOR = "operator"


class Verbs:
    """Handlers by verb."""

    def __init__(self, desk: Desk, queue: Queue, watcher: Watcher, stop: Callable[[], None]) -> None:
        """`stop()` begins the room's end."""
        self._desk, self._queue, self._watcher, self._stop = desk, queue, watcher, stop

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers for the server."""
        return {
            "resume": self.resume,
            "stop": self.stop,
            "explain": self.explain,
            "submit": self.submit,
            "forms": self.forms,
            "inject": self.inject,
            "rig": self.rig,
            **table_verbs(self._desk),
            **alert_verbs(self._desk.alerts),
            **LearningVerbs(self._desk.acceptance, lambda: self._desk.board.test_mode).table(),
            **AdvisorVerbs(
                self._desk.advisor,
                self._desk.state,
                self._call_behind,
                Calls(self._desk.journal),
                lambda: self._desk.halt.state,
            ).table(),
            **soak_verbs(self._desk.state),
        }

    def _call_behind(self, decision: str) -> str:
        """Return the call to the advisor that a decision rests on."""
        found = call_of(self._desk.journal, decision_number(decision))
        if found is None:
            raise BadInput("llm again: the advisor was not asked about this decision")
        return found

    async def resume(self, command: Command, by: str) -> dict[str, Any]:
        """Lift the halt; work goes on from what is recorded."""
        reason = str(_only(command, reason="")["reason"] or "")
        was = self._desk.halt.resume(by, reason)
        if was:
            self._desk.bench.resume()
            add_operator_entry(self._desk, "RESUME", reason or "resumed", by)
            self._watcher.wake()
        return {"resumed": was, "by": by}

    async def stop(self, command: Command, by: str) -> dict[str, Any]:
        """End the daemon at its next checkpoint, not halted."""
        _only(command)
        self._stop()
        return {"stopping": True, "by": by}

    async def explain(self, command: Command, by: str) -> dict[str, Any]:
        """Return one decision with its case, what led to it, what followed, and the action it replays to."""
        number = _only(command, id=None)["id"]
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 63:
            raise UsageError(
                f"explain: {number!r} is not a decision's number; `mimicry decisions` lists them"
            )
        return explanation(self._desk.journal, number)

    async def submit(self, command: Command, by: str) -> dict[str, Any]:
        """Put a request into the queue; the same command sent twice is one request."""
        asked = _only(command, request=None, key=None, type=None, arg=())
        given = asked["key"]
        if given is not None and not (isinstance(given, str) and 0 < len(given) <= 200):
            raise UsageError(f"submit: key {given!r} is not a text of 1 to 200 characters")
        key = f"given:{given}" if given else f"command:{command.client}:{command.id}"
        request = asked["request"] if asked["type"] is None else _spoken(asked["type"], asked["arg"])
        try:
            form = parse_request(request)
        except BadInput as error:  # of a file it would be bad input; here it is what was typed
            raise UsageError(str(error)) from error
        row = self._queue.submit(form, origin=f"{OPERATOR} {by}"[:100], key=key)
        self._watcher.wake()
        return {"id": row.id, "state": row.state, "why": self._queue.why(row)}

    async def forms(self, command: Command, by: str) -> dict[str, Any]:
        """Return the types of requests with their parameters."""
        _only(command)
        return described()

    async def inject(self, command: Command, by: str) -> dict[str, Any]:
        """Store one draw, in test mode only; the same command sent twice is one draw."""
        if not self._desk.board.test_mode:
            raise UsageError(
                "inject: only in test mode; test_mode and synthetic_injection.enabled must both be set"
            )
        value = _only(command, value=None)["value"]
        if not isinstance(value, int) or isinstance(value, bool):
            raise UsageError(f"inject: value {value!r} is not an integer")
        from engine.history.store import Arrival

        arrival = Arrival(value, id=f"command:{command.client}:{command.id}")
        return {"index": self._desk.intake.append([arrival], f"injected by {by}")[0] - 1}

    async def rig(self, command: Command, by: str) -> dict[str, Any]:
        """Refuse: a room with rigs puts its own handler in this place."""
        action, target = (str(command.args.get(name) or "")[:100] for name in ("action", "target"))
        raise UsageError(
            f"rig {action} {target}: this engine has no rigs; [[rigs]] in room.toml names them, from its next start on"
        )


def _spoken(kind: object, pairs: object) -> dict[str, Any]:
    """Return a request's data from its type and `key=value` texts, as people write them."""
    words = pairs if isinstance(pairs, list) and all(isinstance(each, str) for each in pairs) else None
    if not isinstance(kind, str) or words is None:
        raise UsageError("submit: type is a text, arg a list of texts KEY=VALUE")
    return parse_pairs(kind, words)


def explanation(journal: Journal, number: int) -> dict[str, Any]:
    """Return a decision with its case, what led to it, what followed, and the action that its record gives again."""
    told = journal.decisions.explain(number).to_dict()
    try:
        replayed: dict[str, Any] | None = replay_recorded(journal, number).model_dump(mode="json")
    except BadInput:
        replayed = None  # an operator's entry has no case
    return {**told, "replayed_action": replayed and replayed["action"], "case": replayed and replayed["case"]}


def add_operator_entry(desk: Desk, action: str, reason: str, by: str) -> None:
    """Put an operator's halt or resume beside the watcher's decisions."""
    operator_entry(desk.journal, action, reason, by)
