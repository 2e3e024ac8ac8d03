"""Decisions with everything needed to ask why: evidence, rule, source, advice, changes, and the chain of cause and effect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from state.chain import Event, canonical
from state.clock import utc_now
from state.errors import LedgerError, UnknownRecord
from state.store import Store

EVIDENCE_KEYS = {"metric", "value", "limit", "ok"}
CHANGE_KEYS = {"before", "after", "who", "why"}
_COLUMNS = "id, at, step, action, confidence, reason, primary_signal, rule, source, advice, evidence, changes, run, request, cause, seq"


@dataclass(frozen=True)
class DecisionRow:
    """One decision; `cause` names what led to it (`d-11`, `r-3`), evidence rows are metric, value, limit, ok."""

    id: int
    at: str
    step: str
    action: str
    confidence: float | None
    reason: str
    primary_signal: str
    rule: str
    source: str
    advice: Any
    evidence: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    run: str | None
    request: str | None
    cause: str | None
    seq: int

    @property
    def subject(self) -> str:
        """Return the name under which events and causes refer to this decision."""
        return f"d-{self.id}"


@dataclass(frozen=True)
class Explanation:
    """A decision, what led to it and what it led to, as events in journal order."""

    decision: DecisionRow
    caused_by: list[Event]
    caused: list[Event]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON for the wire and for `explain --json`."""
        return asdict(self)


class Brief(NamedTuple):
    """What was decided, when and by what: enough to count."""

    at: str
    action: str
    source: str


class Spoken(NamedTuple):
    """What was decided, by whom, what was advised, and which signal led."""

    action: str
    source: str
    advice: Any
    signal: str


_LAST = 2**62
Rows = list[DecisionRow]
Events = list[Event]


class Decisions:
    """Projection of `decision` events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        *,
        step: str,
        action: str,
        reason: str,
        source: str,
        rule: str,
        evidence: Sequence[Mapping[str, Any]] = (),
        advice: Any = None,
        confidence: float | None = None,
        primary_signal: str = "",
        changes: Sequence[Mapping[str, Any]] = (),
        run: str | None = None,
        request: str | None = None,
        cause: str | None = None,
    ) -> int:
        """Record one decision and return its id; PROCEED without evidence is refused."""
        _check(action, evidence, changes)
        with self._store.transaction() as tx:
            (number,) = tx.db.execute("SELECT coalesce(max(id), 0) + 1 FROM decisions").fetchone()
            data = {
                "decision": f"d-{number}",
                "step": step,
                "action": action,
                "confidence": confidence,
                "reason": reason,
                "primary_signal": primary_signal,
                "rule": rule,
                "source": source,
                "advice": advice,
                "evidence": [dict(row) for row in evidence],
                "changes": [dict(row) for row in changes],
                "run": run,
                "request": request,
                "cause": cause,
            }
            seq = tx.event("decision", data)
            texts = (canonical(advice), canonical(data["evidence"]), canonical(data["changes"]))
            head = (number, utc_now(), step, action, confidence, reason, primary_signal, rule, source)
            tx.db.execute(
                "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*head, *texts, run, request, cause, seq),
            )
        return int(number)

    def get(self, number: int) -> DecisionRow:
        """Return one decision; raise UnknownRecord when there is none."""
        found = self._select("WHERE id = ?", (number,))
        if not found:
            raise UnknownRecord(f"decision {number}: there is none; `mimicry decisions` lists them")
        return found[0]

    def of_run(self, run: str) -> Rows:
        """Return a run's decisions, oldest first."""
        return self._select("WHERE run = ? ORDER BY id", (run,))

    def caused_by(self, subject: str) -> Rows:
        """Return the decisions that name a subject as their cause, oldest first."""
        return self._select("WHERE cause = ? ORDER BY id", (subject,))

    def briefs(self, *, limit: int, upto: int | None = None) -> list[Brief]:
        """Return what the newest decisions up to an event were, newest first, without what they rest on."""
        query = "SELECT at, action, source FROM decisions WHERE seq <= ? ORDER BY seq DESC LIMIT ?"
        with self._store.reading() as db:
            return [Brief(*row) for row in db.execute(query, (_LAST if upto is None else upto, limit))]

    def spoken(self, *, limit: int) -> list[Spoken]:
        """Return the newest decisions beside the advice on them, newest first, without what they rest on."""
        query = "SELECT action, source, advice, primary_signal FROM decisions ORDER BY seq DESC LIMIT ?"
        with self._store.reading() as db:
            rows = db.execute(query, (limit,)).fetchall()
            return [
                Spoken(action, source, json.loads(advice) if advice else None, signal)
                for action, source, advice, signal in rows
            ]

    def upto(self, seq: int, *, limit: int) -> Rows:
        """Return the newest decisions that stood at an event, newest first."""
        return self._select("WHERE seq <= ? ORDER BY seq DESC LIMIT ?", (seq, limit))

    def list(self, *, limit: int = 50, before: int | None = None) -> Rows:
        """Return the newest decisions, newest first; `before` pages on."""
        clause = "WHERE id < ? ORDER BY id DESC LIMIT ?"
        return self._select(clause, (_LAST if before is None else before, limit))

    def explain(self, number: int) -> Explanation:
        """Return the decision with what caused it and what it caused, as far back and forth as the journal links go."""
        decision = self.get(number)
        return Explanation(decision, self._back(decision), self._forth(decision))

    def _back(self, decision: DecisionRow) -> Events:
        """Follow causes upwards; each subject once, events before the decision only."""
        found: dict[int, Event] = {}
        todo, seen = [decision.cause, decision.request], {decision.subject}
        while todo:
            subject = todo.pop()
            if subject is None or subject in seen:
                continue
            seen.add(subject)
            for event in self._store.story(subject):
                if event.seq < decision.seq and event.data.get("cause") != subject:
                    found[event.seq] = event
                    todo += [event.data.get("cause"), event.data.get("request")]
        return [found[seq] for seq in sorted(found)]

    def _forth(self, decision: DecisionRow) -> Events:
        """Follow effects downwards: events that name the decision as cause, and the stories of what they created."""
        found: dict[int, Event] = {}
        todo, seen = [decision.subject], set[str]()
        while todo:
            subject = todo.pop()
            if subject in seen:
                continue
            seen.add(subject)
            for event in self._store.story(subject, role="cause"):
                found[event.seq] = event
                created = [
                    str(event.data[key])
                    for key in ("request", "decision", "approval", "run")
                    if event.data.get(key)
                ]
                todo += created
                found |= {
                    other.seq: other
                    for one in created
                    for other in self._store.story(one)
                    if other.seq > decision.seq
                }
        found.pop(decision.seq, None)
        return [found[seq] for seq in sorted(found)]

    def _select(self, clause: str, values: tuple[object, ...]) -> Rows:
        with self._store.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM decisions {clause}", values).fetchall()
            return [_row(row) for row in rows]


def _row(found: tuple[Any, ...]) -> DecisionRow:
    values = dict(zip(_COLUMNS.replace(" ", "").split(","), found, strict=True))
    return DecisionRow(
        **{name: json.loads(value) if name in _JSON else value for name, value in values.items()}
    )


_JSON = {"advice", "evidence", "changes"}


def _check(action: str, evidence: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]]) -> None:
    if action == "PROCEED" and not evidence:
        raise LedgerError(
            "decision PROCEED: missing evidence is never PROCEED; give metric, value, limit, ok"
        )
    for rows, keys, what in ((evidence, EVIDENCE_KEYS, "evidence"), (changes, CHANGE_KEYS, "change")):
        for row in rows:
            if missing := keys - row.keys():
                raise LedgerError(f"decision {action}: {what} {dict(row)} lacks {', '.join(sorted(missing))}")
