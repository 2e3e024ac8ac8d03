"""The six steps of the current or last run as a table: how each stands, what it reads and writes, its gates, and what was decided on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from engine.status import STEP_NAMES, standing
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.watcher.policies import Policies
    from state.decisions import DecisionRow
    from state.runs import RunRow

DECISIONS = 200
"""The newest decisions, among which the last one on each step is looked for."""


def _rows(desk: Desk, most: int) -> list[Row]:
    runs = desk.journal.runs.newest(1)
    decisions = desk.journal.decisions.list(limit=DECISIONS)
    return _of(runs[0] if runs else None, decisions, desk.policies, desk)[:most]


def _past(desk: Desk, at: int, most: int) -> list[Row]:
    run = next(reversed(desk.past.room(at).runs.values()), None)
    return _of(run, desk.past.decisions(at, DECISIONS), None, None)[:most]


def _of(
    run: RunRow | None, decisions: Iterable[DecisionRow], policies: Policies | None, desk: Desk | None
) -> list[Row]:
    if run is None:
        return []
    last: dict[str, DecisionRow] = {}
    for each in decisions:
        if each.run == run.id:
            last.setdefault(each.step, each)
    return [_row(step, run, last.get(step), policies, desk) for step in STEP_NAMES]


def _row(
    step: str, run: RunRow, made: DecisionRow | None, policies: Policies | None, desk: Desk | None
) -> Row:
    from engine.pipeline.lineage import FLOWS  # brings numpy, which an idle engine does without

    known: Mapping[str, Any] = run.steps.get(step, {})
    status, flow = standing(run, known), FLOWS[step]
    at = desk.board.step if desk is not None else None
    now = at if at is not None and at.step == step and status == "running" else None
    holds = sum(bool(row.get("ok")) for row in made.evidence) if made is not None else None
    return {
        "step": step, "name": STEP_NAMES[step], "state": status,
        "done": now.done if now else None, "total": now.total if now else None, "seconds": known.get("seconds"),
        "best": now.best if now else known.get("best"), "null": now.null if now else known.get("null"),
        "action": made.action if made is not None else None, "number": made.id if made is not None else None,
        "holds": None if made is None else f"{holds} of {len(made.evidence)}",
        "gates": None if policies is None else _gates(policies, step), "reads": ", ".join(flow.reads) or None,
        "writes": ", ".join((*flow.writes, *flow.final)), "run": run.id,
        "note": (now.note if now else known.get("note")) or (made.reason if made is not None else None),
    }  # fmt: skip


def _gates(policies: Policies, step: str) -> str:
    """Return what a step must show, with the operator's own limits, and how often it may be retried."""
    asked = policies.step(step)
    limits = [f"{each.metric} {each.op} {each.limit:g}" for each in asked.thresholds]
    return ", ".join([*asked.required, *limits, f"{asked.retries} retries"])


STEPS = Table(
    "steps",
    "Steps",
    (
        Column("step", "STEP"),
        Column("name", "NAME"),
        Column("state", "STATE", "state"),
        Column("done", "DONE", "number"),
        Column("total", "OF", "number"),
        Column("seconds", "TOOK", "number", "s"),
        Column("best", "BEST", "number"),
        Column("null", "NULL", "number", help="the best of its null twins"),
        Column("action", "DECIDED", "state", help="the last decision on it in this run"),
        Column("number", "DECISION", "number", help="number of that decision; `mimicry explain` tells it"),
        Column("holds", "GATES HELD", help="numbers of the evidence that hold"),
        Column("gates", "MUST SHOW", help="numbers that the policies require of it"),
        Column("reads", "READS"),
        Column("writes", "WRITES"),
        Column("run", "RUN"),
        Column("note", "NOTE"),
    ),
    _rows,
    past=_past,
    key="step",
    empty="no run yet; `mimicry pipeline` asks for one",
)
