"""What the socket's commands about requests, approvals, decisions and policies do; each leaves who and why on the record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import BadInput, UsageError
from engine.llm.again import call_behind
from engine.llm.questions import WATCHER_DECISION
from engine.llm.record import CALL_EVENT
from engine.verb_arguments import only
from engine.watcher.record import operator_entry, replay_recorded
from state.requests import MOST_PRIORITY

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.dispatch.approvals import Approvals
    from engine.dispatch.inbox import Inbox
    from engine.dispatch.overrule import Overrules
    from engine.dispatch.queue import Queue
    from engine.protocol import Command
    from engine.server import Handler
    from engine.watcher.policy_file import PolicyFile
    from state.journal import Journal

REASON_LIMIT = 500
CALLS = 2000
"""Calls to the advisor before a decision among which the one behind it is looked for."""


class Parts(Protocol):
    """What these commands act on; `engine.dispatch.autonomy.Autonomy`."""

    queue: Queue
    approvals: Approvals
    overrules: Overrules
    policies: PolicyFile
    inbox: Inbox


class AutonomyVerbs:
    """Handlers by verb."""

    def __init__(self, desk: Desk, parts: Parts, wake: Callable[[], None]) -> None:
        """`wake()` tells the watcher to look."""
        self._desk, self._parts, self._wake = desk, parts, wake

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers for the server."""
        return {
            "process": self.process,
            "cancel": self.cancel,
            "priority": self.priority,
            "approve": self.approve,
            "reject": self.reject,
            "overrule": self.overrule,
            "skip": self.skip,
            "decision": self.decision,
            "policy_set": self.policy_set,
            "parameter_set": self.parameter_set,
        }

    async def process(self, command: Command, by: str) -> dict[str, Any]:
        """Look into the inbox now; a file is still taken only once it has been quiet for its second."""
        texts(command)
        scan = await asyncio.to_thread(self._parts.inbox.scan)
        self._wake()
        return asdict(scan)

    async def cancel(self, command: Command, by: str) -> dict[str, Any]:
        """End a request that is not finished; what runs of it stops at its next piece."""
        asked = texts(command, "id", "reason")
        row = self._parts.queue.cancel(
            named(asked["id"], "r"), f"cancelled by {by}: {reason(asked, command.verb)}"[:400]
        )
        if self._desk.board.request == row.id:
            self._desk.board.cancelled = f"{row.id}: {row.why}"
        self._parts.approvals.look()
        self._wake()
        return {"id": row.id, "state": row.state, "why": row.why}

    async def priority(self, command: Command, by: str) -> dict[str, Any]:
        """Change the priority of a request that waits, with a reason."""
        asked = only(command, id=None, priority=None, reason="")
        value = asked["priority"]
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_PRIORITY:
            raise UsageError(
                f"priority {value!r}: a whole number from 0 to {MOST_PRIORITY}, higher goes first"
            )
        row = self._parts.queue.prioritise(
            named(str(asked["id"]), "r"), value, who=by, why=reason(asked, command.verb)
        )
        self._wake()
        return {"id": row.id, "priority": row.priority, "state": row.state, "why": self._parts.queue.why(row)}

    async def approve(self, command: Command, by: str) -> dict[str, Any]:
        """Say yes to an open question."""
        asked = texts(command, "id", "reason")
        row = self._parts.approvals.approve(self._question(asked["id"]), by=by, why=asked["reason"])
        self._wake()
        return {"id": row.id, "state": row.state, "subject": row.subject, "summary": row.summary}

    async def reject(self, command: Command, by: str) -> dict[str, Any]:
        """Say no to an open question, with a reason."""
        asked = texts(command, "id", "reason")
        row = self._parts.approvals.reject(
            self._question(asked["id"]), by=by, why=reason(asked, command.verb)
        )
        self._wake()
        return {"id": row.id, "state": row.state, "subject": row.subject, "summary": row.summary}

    def _question(self, text: str) -> str:
        """Return the open question that is meant: by its own id, or by the request (r-7) that it holds."""
        if not text.startswith("r-"):
            return named(text, "a")
        rows = self._desk.journal.approvals.about(text)
        found = next((row.id for row in rows if row.state == "open"), None)
        if found is None:
            raise UsageError(f"{text}: no open question holds it; `mimicry requests` says why it waits")
        return found

    async def overrule(self, command: Command, by: str) -> dict[str, Any]:
        """Set a person's decision against the watcher's; the work that follows is a request."""
        asked = texts(command, "id", "action", "reason")
        number = decision_number(asked["id"])
        told = self._parts.overrules.overrule(number, asked["action"], by=by, why=reason(asked, command.verb))
        self._wake()
        return told

    async def skip(self, command: Command, by: str) -> dict[str, Any]:
        """Skip the running step at its next piece: the run goes on with what an earlier run made of it."""
        asked = texts(command, "step", "reason")
        why, at = reason(asked, command.verb), self._desk.board.step
        if at is None or (asked["step"] and asked["step"] != at.step):
            now = "no step runs" if at is None else f"step {at.step} runs"
            raise UsageError(f"skip {asked['step']}: {now}".replace("skip :", "skip:"))
        from engine.pipeline.carry import WRITERS
        from engine.pipeline.lineage import FLOWS

        if at.step not in WRITERS:
            raise UsageError(
                f"skip {at.step}: what it makes is about the very draws it saw; {', '.join(WRITERS)} can be skipped"
            )
        missing = [name for name in FLOWS[at.step].writes if not self._desk.shelf.artifacts.exists(name)]
        if missing:
            raise UsageError(f"skip {at.step}: no earlier run has left {', '.join(missing)} to go on with")
        if at.step == "1" and self._desk.shelf.last_analysis(self._desk.epochs.now.since) is None:
            raise UsageError("skip 1: no earlier search of these draws has ended to go on with")
        board = self._desk.board
        row = {"metric": "done", "value": at.done, "limit": at.total, "ok": False}
        entry = operator_entry(
            self._desk.journal, "PROCEED", f"skips step {at.step}: {why}", by,
            step=at.step, rule="skip", evidence=[row], request=board.request, cause=board.request,
        )  # fmt: skip
        board.skip = at.step
        return {"step": at.step, "decision": entry}

    async def decision(self, command: Command, by: str) -> dict[str, Any]:
        """Return one decision as recorded, and what its stored case decides today."""
        number = decision_number(texts(command, "id")["id"])
        row = self._desk.journal.decisions.get(number)
        record = {name: getattr(row, name) for name in row.__dataclass_fields__}
        try:
            again = replay_recorded(self._desk.journal, number).model_dump(mode="json")
        except BadInput:
            return {"decision": record, "replayed": None, "same": None, "call": None}
        names = ("action", "rule", "reason", "primary_signal")
        return {
            "decision": record,
            "replayed": again,
            "same": all(record[name] == again[name] for name in names),
            "call": call_of(self._desk.journal, number),
        }

    async def policy_set(self, command: Command, by: str) -> dict[str, Any]:
        """Change one policy in force and in its file."""
        asked = command.args
        if set(asked) - {"key", "value", "reason"} or not isinstance(asked.get("key"), str):
            raise UsageError("policy_set: takes key (text), value and reason")
        rows = self._parts.policies.set(
            asked["key"], asked.get("value"), who=by, why=reason(asked, f"policies {asked['key']}")
        )
        return {"changes": rows, "digest": self._parts.policies.current.digest()}

    async def parameter_set(self, command: Command, by: str) -> dict[str, Any]:
        """Change one tunable parameter within its bounds; the next run is told it."""
        asked = command.args
        value = asked.get("value")
        if set(asked) - {"name", "value", "reason"} or not isinstance(asked.get("name"), str):
            raise UsageError("parameter_set: takes name (text), value (number) and reason")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"parameter {asked['name']} = {value!r}: must be a number")
        change = self._desk.parameters.change(
            asked["name"], value, by="operator", person=by, why=reason(asked, f"parameter {asked['name']}")
        )
        return change.model_dump(mode="json")


def call_of(journal: Journal, number: int) -> str | None:
    """Return the call to the advisor behind a decision: the newest before it about its request."""
    row = journal.decisions.get(number)
    calls = journal.newest([CALL_EVENT], CALLS, upto=row.seq)
    return call_behind((event.data for event in calls), row.request, WATCHER_DECISION.name)


def texts(command: Command, *names: str) -> dict[str, str]:
    """Return text arguments, empty where not given; numbers count as their digits, another name is refused."""
    if unknown := sorted(set(command.args) - set(names)):
        raise UsageError(
            f"{command.verb}: unknown argument {unknown[0]!r}; it takes {', '.join(names) or 'none'}"
        )
    found = {name: command.args.get(name) for name in names}
    for name, value in found.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
            raise UsageError(f"{command.verb}: {name} must be text, not {type(value).__name__}")
    return {name: "" if value is None else str(value) for name, value in found.items()}


def named(text: str, letter: str) -> str:
    """Return an id with its letter: `3` and `a-3` are the same approval."""
    return text if text.startswith(f"{letter}-") else f"{letter}-{text}"


def decision_number(text: str) -> int:
    """Return the number of a decision written as `12` or `d-12`."""
    digits = text.removeprefix("d-")
    if not digits.isdigit() or len(digits) > 15:
        raise UsageError(f"decision {text!r}: ids look like 12 or d-12; `mimicry decisions` lists them")
    return int(digits)


def reason(asked: Mapping[str, Any], verb: str) -> str:
    """Return the reason on one line; UsageError where there is none."""
    given = asked.get("reason")
    text = " ".join(given.split()) if isinstance(given, str) else ""
    if not text:
        raise UsageError(f"{verb}: needs a reason: --reason WHY")
    return text[:REASON_LIMIT]
