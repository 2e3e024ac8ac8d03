"""The decisions as a table: what was decided, by which rule, with which advice, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Act, Column, Row, Table
from engine.watcher.agreement import agreement

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.decisions import DecisionRow

OVERRULED = ("RETRY", "ESCALATE", "PROCEED")
"""Actions to which a person may overrule."""


def _rows(desk: Desk, most: int) -> list[Row]:
    return [_row(row) for row in desk.journal.decisions.list(limit=most)]


def _past(desk: Desk, at: int, most: int) -> list[Row]:
    return [_row(row) for row in desk.past.decisions(at, most)]


def _row(row: DecisionRow) -> Row:
    return {"id": row.id, "at": row.at, "step": row.step, "action": row.action, "confidence": row.confidence,
         "source": row.source, "rule": row.rule, "advice": str(row.advice),
         "agree": agreement(row.action, row.source, row.advice, row.primary_signal), "signal": row.primary_signal,
         "run": row.run, "request": row.request, "reason": row.reason}  # fmt: skip


DECISIONS = Table(
    "decisions",
    "Decisions",
    (
        Column("id", "ID", "number"),
        Column("at", "AT", "time"),
        Column("step", "STEP"),
        Column("action", "ACTION", "state"),
        Column("confidence", "CONF", "number"),
        Column("source", "SOURCE", help="rule or human: who decided"),
        Column("rule", "RULE"),
        Column("advice", "ADVICE", help="what the model said; it can only make a decision more careful"),
        Column(
            "agree",
            "AGREE",
            "state",
            help="agreed; followed: advice made it more careful; stricter: code was more careful; silent: no advice",
        ),
        Column("signal", "SIGNAL"),
        Column("run", "RUN"),
        Column("request", "REQUEST"),
        Column("reason", "REASON"),
    ),
    _rows,
    empty="no decision yet; the watcher decides after every step, `mimicry pipeline` asks for steps",
    subject="d-{}",
    past=_past,
    acts=(
        Act("T", "llm_again", "ask the advisor again, dry, about decision", reason=False),
        *(
            Act(
                "O",
                "overrule",
                f"overrule to {action}",
                fixed={"action": action},
                number=True,
                typed=action == "PROCEED",
                when={"action": tuple(each for each in OVERRULED if each != action)},
            )
            for action in OVERRULED
        ),
    ),
)
