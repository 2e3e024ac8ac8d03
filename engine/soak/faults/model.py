"""The fault of the model server: every question with a grammar is answered by 400, as a server of another version would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import MimicryError
from engine.soak.fault import CannotBeDone
from engine.soak.faults.base import Base, whole
from engine.soak.faults.processes import llm_ready
from engine.soak.target import Target

QUESTION = {
    "question": "agent_decision",
    "kind": "1",
    "parts": {
        "request": {"id": "r-0", "step": "1"},
        "evidence": ["power 0.9 >= 0.8 ok"],
        "findings": [],
        "code_decision": "PROCEED",
    },
}


class Grammar400(Base):
    """The relay in front of the model server refuses grammars while a flag file stands."""

    name = "grammar_400"
    summary = "the model server refuses every grammar with 400, for 20 s"
    holds = "no advice, and it says so; decisions stand on code alone; advice comes back with the server's good will"
    needs = "a model server in room.toml; the soak puts its relay before it"
    settle_s = 180.0
    undo_first, hold_s = True, 20.0

    def __init__(self) -> None:
        self._flag: Path | None = None
        self._ticket = ""
        self._said: list[str] = []

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Raise the flag and ask one question."""
        flags = [flag for pid in target.pids("llm") if (flag := _flag_of(pid)) is not None]
        if not flags or not llm_ready(target):
            raise CannotBeDone("no model server behind the relay is ready at this moment")
        self._flag = flags[0]
        self._flag.touch()
        self._ticket = _ask(target)
        return f"the model server refuses grammars while {self._flag.name} stands"

    def undo(self, target: Target) -> None:
        """Take the answer that the refusal gave, and the flag."""
        if self._flag is None:
            return
        answer = _answer(target, self._ticket)
        if answer is not None and answer.get("answer") is not None:
            self._said.append(f"a question was answered although its grammar was refused: {answer}")
        self._flag.unlink(missing_ok=True)
        self._flag, self._ticket = None, ""

    def recovered(self, target: Target) -> bool:
        """Say whether a question is answered by the model again."""
        if not self._ticket:
            self._ticket = _ask(target)
        answer = _answer(target, self._ticket)
        if answer is not None and answer.get("answer") is None:
            self._ticket = ""
        return answer is not None and answer.get("answer") is not None and whole(target)

    def findings(self, target: Target) -> list[str]:
        """Return what was answered that could not have been."""
        return self._said


def _ask(target: Target) -> str:
    """Ask one question by hand; return its ticket, empty if nobody takes it."""
    try:
        reply = target.ask("llm_ask", **QUESTION)
    except (MimicryError, OSError):
        return ""
    return str(reply.data["ticket"]) if reply.ok else ""


def _answer(target: Target, ticket: str) -> dict[str, Any] | None:
    try:
        reply = target.ask("llm_answer", ticket=ticket)
    except (MimicryError, OSError):
        return None
    return dict(reply.data) if reply.ok and reply.data.get("done") else None


def _flag_of(pid: int) -> Path | None:
    """Return the flag file of a relay, by its command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    return (
        Path(words[words.index("--flag") + 1])
        if "engine.soak.faults.relay" in words and "--flag" in words
        else None
    )
