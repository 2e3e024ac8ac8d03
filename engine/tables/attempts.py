"""Tries that gave no result, as a table: one row a try, each with its own cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    return [
        {"id": f"{one.key}#{one.number}", "at": one.at, "task": one.key, "kind": one.kind, "number": one.number,
         "worker": one.worker, "outcome": one.outcome, "code": one.code, "seconds": one.seconds, "error": one.error,
         "words": one.words or None, "kernel": one.kernel or None}
        for one in desk.bench.attempts(most)
    ]  # fmt: skip


ATTEMPTS = Table(
    "attempts",
    "Attempts",
    (
        Column("id", "ATTEMPT"),
        Column("at", "ENDED", "time"),
        Column("task", "TASK"),
        Column("kind", "KIND"),
        Column(
            "number", "TRY", "number", help="1 for the first try of a task; a later one never overwrites it"
        ),
        Column("worker", "WORKER"),
        Column("outcome", "OUTCOME", "state", help="died, hung, failed or refused"),
        Column("code", "CODE", "number", help="exit code of the worker, negative for a signal"),
        Column("seconds", "TOOK", "number", "s"),
        Column("error", "ERROR"),
        Column("words", "STDERR", help="the end of what the worker wrote since it was started"),
        Column("kernel", "KERNEL LOG", help="memory and device lines of the worker's kernel meanwhile"),
    ),
    _rows,
    empty="every try so far gave a result; a worker that dies or hangs, and a task that fails, leaves its cause here",
)
