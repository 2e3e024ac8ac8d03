"""The queue as a table: every request, its state, and why it waits or how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.dispatch.eta import RUNS, etas
from engine.tables.table import Act, Column, Row, Table
from state.requests import HELD, WAITING

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    journal = desk.journal
    unfinished = journal.requests.list(states=("claimed", "running", "queued", "deferred"), limit=most)
    left = (
        etas(unfinished, journal.runs.newest(RUNS), desk.held, step=desk.board.step, clock=time.monotonic())
        if unfinished
        else {}
    )
    return [
        {"id": row.id, "at": row.at, "kind": row.kind, "origin": row.origin, "state": row.state,
         "priority": row.priority, "needs": ", ".join(row.needs) or None, "attempts": row.attempts, "run": row.run,
         "eta": round(left[row.id]) if row.id in left else None, "why": desk.why(row)}
        for row in desk.journal.requests.newest(most)
    ]  # fmt: skip


def _past(desk: Desk, at: int, most: int) -> list[Row]:
    past = desk.past
    return [each.model_dump(mode="json") for each in past.requests(past.room(at), most)]


REQUESTS = Table(
    "requests",
    "Requests",
    (
        Column("id", "ID"),
        Column("at", "ASKED", "time"),
        Column("kind", "KIND"),
        Column("origin", "ORIGIN"),
        Column("state", "STATE", "state"),
        Column("priority", "PRIO", "number", help="higher goes first"),
        Column("needs", "NEEDS", help="what it must find before it starts"),
        Column("attempts", "TRIES", "number", help="claims whose process did not come back"),
        Column(
            "eta",
            "ETA",
            "number",
            "s",
            "until it has ended: what goes before it and itself, each as long as its kind usually takes",
        ),
        Column("run", "RUN"),
        Column("why", "WHY", help="why it waits, runs, or how it ended"),
    ),
    _rows,
    acts=(
        Act("X", "cancel", "cancel", when={"state": (*WAITING, *HELD)}),
        Act("O", "approve", "approve what holds", when={"state": WAITING}),
        Act(
            "P",
            "priority",
            "give priority {} to",
            asks="priority",
            hint="0 to 100, higher goes first",
            when={"state": WAITING},
        ),
    ),
    past=_past,
    empty="no request yet; `mimicry pipeline` asks for one, a file in watcher_requests/ too",
)
