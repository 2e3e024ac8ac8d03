"""What the socket's commands ask of the advisor: how it is, and one question by hand. An answer is fetched by ticket, so nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from engine.errors import EnvironmentFault, Halted, UsageError
from engine.llm.advice import NoAdvice
from engine.llm.advisor import Advisor, Reply
from engine.llm.again import NAME, before
from engine.llm.context import build_llm_context
from engine.llm.questions import QUESTIONS, Question
from engine.verb_arguments import only

if TYPE_CHECKING:
    from engine.protocol import Command
    from state.halts import HaltRow

KEPT = 16
LOOK = 1.0


class Recorded(Protocol):
    """What the record knows of calls; whoever holds the journal tells it."""

    def agreement(self) -> dict[str, int]:
        """Return how often advice and decision agreed, and how not."""

    def call(self, name: str) -> dict[str, Any]:
        """Return a call with its request and the decision that rests on it."""


class AdvisorVerbs:
    """Handlers by verb over one advisor."""

    def __init__(
        self,
        advisor: Advisor,
        state: Path,
        find: Callable[[str], str],
        record: Recorded,
        halt: Callable[[], HaltRow | None] = lambda: None,
    ) -> None:
        """Ask this advisor; exchanges lie under `state`, `find(decision)` returns the call behind a decision, `halt()` the halt in force."""
        self._advisor, self._state, self._find, self._record, self._halt = advisor, state, find, record, halt
        self._open: dict[str, asyncio.Task[Reply[Any]]] = {}

    def table(self) -> Mapping[str, Callable[[Command, str], Awaitable[dict[str, Any]]]]:
        """Return the handlers for the server."""
        return {
            "llm_status": self.status,
            "llm_ask": self.ask,
            "llm_again": self.again,
            "llm_answer": self.answer,
            "llm_call": self.called,
            "llm_off": self.off,
            "llm_on": self.on,
        }

    async def status(self, command: Command, by: str) -> dict[str, Any]:
        """Return the advisor's report, and how its advice and the decisions went together."""
        return {**self._advisor.report(), "agreement": self._record.agreement()}

    async def called(self, command: Command, by: str) -> dict[str, Any]:
        """Return one call, the request that it was about and the decision that rests on it."""
        return {"schema": "llm_call_of/1", **self._record.call(str(only(command, id=None)["id"]))}

    async def off(self, command: Command, by: str) -> dict[str, Any]:
        """Silence the advisor with a reason; it stays silent until somebody turns it on, restarts included."""
        why = " ".join(str(only(command, reason="")["reason"] or "").split())
        if not why:
            raise UsageError("llm off: needs a reason: --reason WHY")
        return self._turn(f"{why} ({by})"[:200])

    async def on(self, command: Command, by: str) -> dict[str, Any]:
        """Let the advisor answer again."""
        only(command, reason="")
        return self._turn("")

    def _turn(self, off: str) -> dict[str, Any]:
        report = self._advisor.report()
        word = "off" if off else "on"
        if "answers" not in report:
            raise EnvironmentFault(f"llm {word}: there is no advisor to turn: {self._advisor.state}")
        if (report["state"] == "off") == bool(off):
            raise UsageError(f"llm {word}: it is {word} already" + (f": {report['why']}" if off else ""))
        self._advisor.switch(off)
        return {"state": word, "why": off}

    async def ask(self, command: Command, by: str) -> dict[str, Any]:
        """Ask one question by hand; nothing but the record of calls follows from the answer. Returns its ticket."""
        question, parts, kind = checked(command.args)
        unless_halted("ask", self._halt())
        return self._begun(self._advisor.ask(question, parts, kind=kind, by=f"operator {by}"[:60]))

    async def again(self, command: Command, by: str) -> dict[str, Any]:
        """Put the stored question of a call, or of a decision (d-N), to the server again; returns a ticket and what was said then."""
        asked = only(command, id=None)["id"]
        unless_halted("again", self._halt())
        if self._advisor.report()["state"] in ("none", "off"):
            raise EnvironmentFault(f"llm again: no model server to ask: {self._advisor.state}")
        name = str(asked) if NAME.fullmatch(str(asked)) else self._find(str(asked))
        then = await asyncio.to_thread(before, self._state, name)
        ticket = self._begun(
            self._advisor.again(then.question, then.bundle, f"again {name}, operator {by}"[:60])
        )
        return {**ticket, "before": then.recorded()}

    def _begun(self, work: Coroutine[Any, Any, Reply[Any]]) -> dict[str, Any]:
        while len(self._open) >= KEPT:
            self._open.pop(next(iter(self._open))).cancel()
        ticket = uuid4().hex
        self._open[ticket] = asyncio.create_task(work)
        return {"ticket": ticket}

    async def answer(self, command: Command, by: str) -> dict[str, Any]:
        """Return a question's answer, or that it is not there yet."""
        task = self._open.get(str(command.args.get("ticket")))
        if task is None:
            raise UsageError("llm_answer: no such ticket; ask again")
        await asyncio.wait({task}, timeout=LOOK)
        if not task.done():
            return {"done": False, "state": self._advisor.state}
        self._open.pop(str(command.args["ticket"]), None)
        return {"done": True, **shown(task.result())}


def unless_halted(verb: str, row: HaltRow | None) -> None:
    """Raise Halted where a halt is in force, whatever its kind: a halted room starts nothing, a question neither."""
    if row is not None:
        raise Halted(
            f"llm {verb}: the room is halted ({row.kind}) by {row.by}: {row.reason}; nothing is asked until `mimicry resume`"
        )


def checked(args: Mapping[str, Any]) -> tuple[Question[Any], Mapping[str, Any], str | None]:
    """Return the question, its parts and the kind of its context; UsageError or BadInput names what is wrong with them."""
    unknown = sorted(set(args) - {"question", "parts", "kind"})
    if unknown:
        raise UsageError(f"llm ask: unknown argument {unknown[0]!r}; it takes question, parts, kind")
    name, parts, kind = args.get("question"), args.get("parts"), args.get("kind")
    if not isinstance(name, str) or name not in QUESTIONS:
        near = get_close_matches(str(name), QUESTIONS, n=3, cutoff=0.0)
        raise UsageError(f"llm ask: no question {name!r}; nearest: {', '.join(near)}")
    if not isinstance(parts, Mapping) or not (kind is None or isinstance(kind, str)):
        raise UsageError("llm ask: the context is a JSON object of parts, `kind` a word")
    build_llm_context(str(name), parts, kind=kind)
    return QUESTIONS[str(name)], parts, kind


def shown(reply: Reply[Any]) -> dict[str, Any]:
    """Return a reply as a record."""
    return {
        "schema": "llm_answer/1",
        "source": reply.source,
        "seconds": reply.seconds,
        "call": reply.call,
        "answer": None if isinstance(reply.advice, NoAdvice) else reply.advice.model_dump(mode="json"),
        "none": reply.advice.none if isinstance(reply.advice, NoAdvice) else None,
        "prompt": reply.prompt,
        "sent_to_cloud": reply.sent,
    }
