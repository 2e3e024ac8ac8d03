"""The runs as a table: what each was for, how its steps stand, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.runs import RunRow


def _row(run: RunRow) -> Row:
    done = [step for step, told in run.steps.items() if told["status"] in ("done", "skipped")]
    at = next((step for step, told in reversed(run.steps.items()) if told["status"] == "running"), None)
    seconds = sum(float(told.get("seconds", 0.0)) for told in run.steps.values())
    return {
        "id": run.id, "started": run.started, "finished": run.finished, "kind": run.kind, "state": run.state,
        "done": " ".join(done) or None, "step": at, "seconds": round(seconds, 1), "request": run.request, "why": run.why,
    }  # fmt: skip


def _rows(desk: Desk, most: int) -> list[Row]:
    return [_row(run) for run in desk.journal.runs.newest(most)]


RUNS = Table(
    "runs",
    "Runs",
    (
        Column("id", "ID"),
        Column("started", "STARTED", "time"),
        Column("finished", "ENDED", "time"),
        Column("kind", "KIND"),
        Column("state", "STATE", "state"),
        Column("done", "DONE", help="steps that stand, run or up to date"),
        Column("step", "STEP", help="the step at work"),
        Column("seconds", "TOOK", "number", "s", "of its steps together"),
        Column("request", "REQUEST"),
        Column("why", "WHY", help="how it stands or how it ended"),
    ),
    _rows,
    empty="no run yet; `mimicry pipeline` asks for one, `mimicry run show ID` tells all of it",
)
