"""What the advisor sees in an escalation or an alarm, in words, for the person who must judge. Nothing follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from engine.llm.advice import NoAdvice
from engine.llm.advisor import Advisor
from engine.llm.questions import DIAGNOSTICS_ANALYSIS, PARAMETER_ADJUSTMENT, STEP_EVALUATION, Question

REVIEWED = "advisor.reviewed"
ESCALATION: tuple[Question[Any], ...] = (STEP_EVALUATION, PARAMETER_ADJUSTMENT)
ALARM: tuple[Question[Any], ...] = (DIAGNOSTICS_ANALYSIS,)
LOOKED_BACK = 50


class Ledger(Protocol):
    """The part of the journal that a review needs."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def newest(self, kinds: Sequence[str], limit: int) -> Sequence[Any]:
        """Return the newest events of these kinds, newest first."""


async def review(
    advisor: Advisor,
    journal: Ledger,
    questions: Iterable[Question[Any]],
    parts: Mapping[str, Any],
    *,
    about: str,
    by: str,
) -> None:
    """Ask the questions and put on record what was said of `about`; silence leaves nothing but its call."""
    said: list[dict[str, Any]] = []
    for question in questions:
        reply = await advisor.ask(question, parts, about=about, by=by)
        if not isinstance(reply.advice, NoAdvice):
            line = _line(reply.advice.model_dump(mode="json"))
            said.append({"question": question.name, "source": reply.source, "call": reply.call, "line": line})
    if said:
        journal.append(REVIEWED, {"about": about, "said": said})


def spoken(journal: Ledger, about: str) -> list[str]:
    """Return what was said of a decision or an alarm, one line an answer."""
    events = journal.newest([REVIEWED], LOOKED_BACK)
    said = next((event.data["said"] for event in events if event.data["about"] == about), ())
    return [f"{one['source']} {one['question']}: {one['line']}"[:400] for one in said]


def _line(answer: Mapping[str, Any]) -> str:
    """Return an answer's fields as one line; lists by their first words."""
    parts = []
    for name, value in answer.items():
        if isinstance(value, list):
            rows = [
                " ".join(map(str, one.values())) if isinstance(one, Mapping) else str(one) for one in value
            ]
            value = "; ".join(rows) or "none"
        parts.append(f"{name} {value}")
    return ", ".join(parts)
