"""What waits for a person: a list, never a slot; each entry is closed once, as approved, rejected, expired or withdrawn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from state.chain import canonical
from state.clock import boot_id, monotonic, utc_now
from state.errors import InvalidTransition, LedgerError, UnknownRecord
from state.store import Store

STATES = ("open", "approved", "rejected", "expired", "withdrawn")
DIFF_KEYS = {"name", "before", "after"}
_COLUMNS = (
    "n, key, kind, subject, summary, diff, evidence, state, by, why, at, changed, expires, boot, lapses, seq"
)
_JSON = {"diff", "evidence"}


@dataclass(frozen=True)
class ApprovalRow:
    """One question to a person about `subject` (`r-7`, `d-12`); `diff` rows are name, before, after.

    `lapses` are monotonic seconds of boot `boot`; after a reboot, where they mean nothing, `expires` (UTC) counts.
    """

    id: str
    key: str
    kind: str
    subject: str
    summary: str
    diff: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    state: str
    by: str | None
    why: str
    at: str
    changed: str
    expires: str
    boot: str
    lapses: float
    seq: int

    def left(self) -> float:
        """Return the seconds until it lapses; negative once it has."""
        if self.boot == boot_id():
            return self.lapses - monotonic()
        return (datetime.fromisoformat(self.expires) - datetime.now(UTC)).total_seconds()


Rows = list[ApprovalRow]


class Approvals:
    """Projection of `approval.*` events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(
        self,
        kind: str,
        subject: str,
        summary: str,
        *,
        key: str,
        seconds: float,
        diff: Sequence[Mapping[str, Any]] = (),
        evidence: Sequence[Mapping[str, Any]] = (),
        cause: str | None = None,
    ) -> ApprovalRow:
        """Ask a person; a question with the same key is returned as it stands, whatever became of it."""
        _check(summary, seconds, diff)
        with self._store.transaction() as tx:
            known = self.by_key(key)
            if known is not None:
                return known
            (n,) = tx.db.execute("SELECT coalesce(max(n), 0) + 1 FROM approvals").fetchone()
            at, expires = utc_now(), _after(seconds)
            told = {"summary": summary, "diff": _plain(diff), "evidence": _plain(evidence)}
            data = {"approval": f"a-{n}", "kind": kind, "key": key, "expires": expires, "cause": cause}
            seq = tx.event("approval.open", data | told | _links(subject))
            head = (n, key, kind, subject, summary, canonical(told["diff"]), canonical(told["evidence"]))
            tail = ("open", None, summary, at, at, expires, boot_id(), monotonic() + seconds, seq)
            tx.db.execute(f"INSERT INTO approvals VALUES ({', '.join('?' * 16)})", (*head, *tail))
            return self.get(f"a-{n}")

    def close(self, approval: str, state: str, *, by: str, why: str) -> ApprovalRow:
        """Close an open question; raise InvalidTransition where it is closed already."""
        if state not in STATES[1:] or not by or not why:
            raise LedgerError(f"approval {approval}: closing as {state!r} needs a final state, who and why")
        with self._store.transaction() as tx:
            row = self.get(approval)
            if row.state != "open":
                story = f"#{row.seq} {row.state} by {row.by} ({row.why})"
                raise InvalidTransition(f"approval {row.id}", row.state, state, (), [story])
            data = {"approval": row.id, "kind": row.kind, "by": by, "why": why}
            seq = tx.event(f"approval.{state}", data | _links(row.subject))
            tx.db.execute(
                "UPDATE approvals SET state = ?, by = ?, why = ?, changed = ?, seq = ? WHERE n = ?",
                (state, by, why, utc_now(), seq, _number(row.id)),
            )
            return self.get(row.id)

    def get(self, approval: str) -> ApprovalRow:
        """Return one question; raise UnknownRecord when there is none."""
        found = self._select("WHERE n = ?", (_number(approval),))
        if not found:
            raise UnknownRecord(f"approval {approval}: there is none; `mimicry approvals` lists them")
        return found[0]

    def by_key(self, key: str) -> ApprovalRow | None:
        """Return the question with this key."""
        found = self._select("WHERE key = ?", (key,))
        return found[0] if found else None

    def about(self, subject: str) -> Rows:
        """Return the questions about one subject, oldest first."""
        return self._select("WHERE subject = ? ORDER BY n", (subject,))

    def waiting(self) -> Rows:
        """Return the open questions, oldest first."""
        return self._select("WHERE state = 'open' ORDER BY n", ())

    def newest(self, limit: int) -> Rows:
        """Return open questions first, then the newest closed ones."""
        return self._select("ORDER BY state != 'open', n DESC LIMIT ?", (limit,))

    def _select(self, clause: str, values: tuple[object, ...]) -> Rows:
        with self._store.reading() as db:
            return [_row(found) for found in db.execute(f"SELECT {_COLUMNS} FROM approvals {clause}", values)]


def _check(summary: str, seconds: float, diff: Sequence[Mapping[str, Any]]) -> None:
    if not summary or seconds <= 0:
        raise LedgerError("approval: a question needs a summary and a time to live above 0 s")
    for row in diff:
        if missing := DIFF_KEYS - row.keys():
            raise LedgerError(f"approval: diff {dict(row)} lacks {', '.join(sorted(missing))}")


def _links(subject: str) -> dict[str, str]:
    """Return the subject under the key by which the journal links events to it."""
    return {{"r": "request", "d": "decision"}.get(subject.partition("-")[0], "subject"): subject}


def _after(seconds: float) -> str:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]


def _number(approval: str) -> int:
    text = approval.removeprefix("a-")
    if not text.isdigit() or len(text) > 15:
        raise UnknownRecord(f"approval {approval!r}: ids look like a-3; `mimicry approvals` lists them")
    return int(text)


def _row(found: tuple[Any, ...]) -> ApprovalRow:
    values = dict(zip(_COLUMNS.replace(" ", "").split(","), found, strict=True))
    number = values.pop("n")
    return ApprovalRow(
        id=f"a-{number}",
        **{name: json.loads(value) if name in _JSON else value for name, value in values.items()},
    )
