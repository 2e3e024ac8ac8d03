"""Pipeline runs: which steps ran, how they stand, how it ended; a halted run goes on under the same id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from state.chain import canonical
from state.clock import utc_now
from state.errors import InvalidTransition, UnknownRecord
from state.store import Store

TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "running": ("done", "failed", "halted", "escalated"),
    "halted": ("running", "failed"),
    "escalated": ("running", "failed", "done"),
    "done": (),
    "failed": (),
}
_COLUMNS = "id, kind, state, why, spec, steps, result, request, cause, started, finished, seq"
_JSON = {"spec", "steps", "result"}


@dataclass(frozen=True)
class RunRow:
    """One run; `steps` maps a step id to the last thing recorded about it."""

    id: str
    kind: str
    state: str
    why: str
    spec: dict[str, Any]
    steps: dict[str, dict[str, Any]]
    result: dict[str, Any] | None
    request: str | None
    cause: str | None
    started: str
    finished: str | None
    seq: int


class Runs:
    """Projection of `run.*` events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(
        self, kind: str, spec: Mapping[str, Any], *, request: str | None = None, cause: str | None = None
    ) -> RunRow:
        """Start a run; ids count up: run-0001, run-0002, …"""
        with self._store.transaction() as tx:
            (n,) = tx.db.execute("SELECT coalesce(max(n), 0) + 1 FROM runs").fetchone()
            name, at = f"run-{n:04d}", utc_now()
            seq = tx.event(
                "run.running",
                {"run": name, "kind": kind, "spec": dict(spec), "request": request, "cause": cause},
            )
            values = (
                n,
                name,
                kind,
                "running",
                "started",
                canonical(spec),
                "{}",
                None,
                request,
                cause,
                at,
                None,
                seq,
            )
            tx.db.execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(values))})", values)
            return self.get(name)

    def step(self, run: str, step: str, status: str, **detail: Any) -> int:
        """Record how one step of a run stands; return the event's number."""
        with self._store.transaction() as tx:
            steps = self.get(run).steps | {step: {"status": status, "at": utc_now(), **detail}}
            seq = tx.event("run.step", {"run": run, "step": step, "status": status, "detail": detail})
            tx.db.execute("UPDATE runs SET steps = ?, seq = ? WHERE id = ?", (canonical(steps), seq, run))
        return seq

    def move(self, run: str, state: str, why: str, *, result: Mapping[str, Any] | None = None) -> RunRow:
        """Move a run: done, failed, halted, escalated, or running again."""
        with self._store.transaction() as tx:
            row = self.get(run)
            if state not in TRANSITIONS[row.state]:
                raise self._refused(row, state)
            seq = tx.event(
                f"run.{state}", {"run": run, "from": row.state, "why": why, "result": result and dict(result)}
            )
            finished = None if state == "running" else utc_now()
            text = None if result is None else canonical(dict(result))
            values = (state, why, finished, text, seq, run)
            tx.db.execute(
                "UPDATE runs SET state = ?, why = ?, finished = ?, result = coalesce(?, result), seq = ? WHERE id = ?",
                values,
            )
            return self.get(run)

    def _refused(self, row: RunRow, state: str) -> InvalidTransition:
        story = [
            f"#{event.seq} {event.kind}"
            for event in self._store.story(row.id, role="run")
            if event.kind != "run.step"
        ]
        return InvalidTransition(row.id, row.state, state, TRANSITIONS[row.state], story)

    def get(self, run: str) -> RunRow:
        """Return one run; raise UnknownRecord when there is none."""
        found = self._select("WHERE id = ?", (run,))
        if not found:
            raise UnknownRecord(f"run {run}: there is none in this state directory")
        return found[0]

    def newest(self, limit: int = 20) -> list[RunRow]:
        """Return the newest runs, newest first."""
        return self._select("ORDER BY n DESC LIMIT ?", (limit,))

    def unfinished(self) -> list[RunRow]:
        """Return runs that a restart or a resume goes on with, oldest first."""
        return self._select("WHERE state IN ('running', 'halted') ORDER BY n", ())

    def _select(self, clause: str, values: tuple[object, ...]) -> list[RunRow]:
        with self._store.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM runs {clause}", values).fetchall()
        names = _COLUMNS.replace(" ", "").split(",")
        return [
            RunRow(**{n: v and json.loads(v) if n in _JSON else v for n, v in zip(names, row, strict=True)})
            for row in rows
        ]
