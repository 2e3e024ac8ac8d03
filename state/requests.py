"""The request table: a state machine with one claim at a time; every move is an event and no request is lost or run twice."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from state.chain import canonical
from state.clock import boot_id, monotonic, utc_now
from state.errors import InvalidTransition, NotWaiting, UnknownRecord
from state.store import Store, Tx

TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    "queued": ("claimed", "deferred", "rejected", "cancelled"),
    "claimed": ("running", "queued", "deferred", "failed", "rejected", "cancelled"),
    "running": ("done", "failed", "queued", "deferred", "rejected", "cancelled"),
    "deferred": ("queued", "claimed", "rejected", "cancelled"),
    "done": (),
    "failed": (),
    "rejected": (),
    "cancelled": (),
}
TERMINAL = tuple(state for state, after in TRANSITIONS.items() if not after)
WAITING = ("queued", "deferred")
HELD = ("claimed", "running")
LEASE_SECONDS = 60.0
PRIORITY, MOST_PRIORITY = 50, 100
PRIORITY_EVENT = "request.priority"
STORY_MOVES = 20
_COLUMNS = (
    "n, kind, origin, args, state, priority, why, key, cause, run, result, attempts, at, changed, session, pid, boot, lease_until, "
    "not_before, needs, seq"
)


@dataclass(frozen=True)
class RequestRow:
    """One request; leases and `not_before` are monotonic seconds of boot `boot`; higher priority goes first.

    `attempts` counts claims whose process has not come back yet; giving a claim back sets it to 0.
    """

    id: str
    kind: str
    origin: str
    args: dict[str, Any]
    state: str
    priority: int
    why: str
    key: str | None
    cause: str | None
    run: str | None
    result: dict[str, Any] | None
    attempts: int
    at: str
    changed: str
    session: str | None
    pid: int | None
    boot: str | None
    lease_until: float | None
    not_before: float | None
    needs: tuple[str, ...]
    seq: int

    @property
    def terminal(self) -> bool:
        """Tell whether this state is final."""
        return self.state in TERMINAL

    def lease_left(self) -> float | None:
        """Return the seconds until the claim lapses (negative: overdue); None without a claim of this boot."""
        if self.lease_until is None or self.boot != boot_id():
            return None
        return self.lease_until - monotonic()

    def due(self) -> bool:
        """Tell whether a waiting request's delay is over; a delay does not outlive its boot."""
        return self.not_before is None or self.boot != boot_id() or monotonic() >= self.not_before


Rows = list[RequestRow]


class Requests:
    """Projection of `request.*` events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enqueue(
        self,
        kind: str,
        args: Mapping[str, Any] | None = None,
        *,
        origin: str,
        priority: int = PRIORITY,
        key: str | None = None,
        cause: str | None = None,
        why: str = "queued",
        needs: Sequence[str] = (),
    ) -> RequestRow:
        """Add a request; one with the same idempotency key is returned as it is, whatever became of it."""
        return self._insert("queued", kind, args or {}, origin, priority, key, cause, why, needs)

    def refuse(
        self, kind: str, args: Mapping[str, Any], *, origin: str, why: str, key: str | None = None
    ) -> RequestRow:
        """Record a request that is rejected at the door, so that it has a terminal state like any other."""
        return self._insert("rejected", kind, args, origin, PRIORITY, key, None, why)

    def _insert(
        self,
        state: str,
        kind: str,
        args: Mapping[str, Any],
        origin: str,
        priority: int,
        key: str | None,
        cause: str | None,
        why: str,
        needs: Sequence[str] = (),
    ) -> RequestRow:
        with self._store.transaction() as tx:
            known = None if key is None else self.by_key(key)
            if known is not None:
                return known
            (n,) = tx.db.execute("SELECT coalesce(max(n), 0) + 1 FROM requests").fetchone()
            data: dict[str, Any] = {
                "request": f"r-{n}",
                "kind": kind,
                "origin": origin,
                "args": dict(args),
                "why": why,
            }
            data |= {"priority": priority, "key": key, "cause": cause, "needs": list(needs)}
            seq, at = tx.event(f"request.{state}", data), utc_now()
            names = "n, kind, origin, args, state, priority, why, key, cause, at, changed, needs, seq"
            head = (n, kind, origin, canonical(args), state, priority, why, key, cause, at, at)
            values = (*head, canonical(list(needs)), seq)
            tx.db.execute(f"INSERT INTO requests ({names}) VALUES ({', '.join('?' * len(values))})", values)
            return self.get(f"r-{n}")

    # -- a worker's path --------------------------------------------------------------------------------------------------

    def claim(
        self,
        *,
        lease: float = LEASE_SECONDS,
        kinds: Sequence[str] | None = None,
        accept: Callable[[RequestRow], bool] = lambda row: True,
    ) -> RequestRow | None:
        """Claim the next request (priority, then age) that `accept` takes; None when there is none."""
        with self._store.transaction() as tx:
            for row in self._next(kinds):
                if row.due() and accept(row):
                    self._claim(tx, row, lease)
                    return self.get(row.id)
        return None

    def _next(self, kinds: Sequence[str] | None) -> Rows:
        rows = self.list(states=WAITING, order="priority DESC, n")
        return [row for row in rows if kinds is None or row.kind in kinds]

    def _claim(self, tx: Tx, row: RequestRow, lease: float) -> None:
        pid, boot, until = os.getpid(), boot_id(), monotonic() + lease
        changes = {
            "session": self._store.session,
            "pid": pid,
            "boot": boot,
            "lease_until": until,
            "not_before": None,
        }
        self._move(tx, row, "claimed", f"claimed by process {pid}", changes | {"attempts": row.attempts + 1})

    def renew(self, request: str, *, lease: float = LEASE_SECONDS) -> None:
        """Prolong a claim; telemetry, not an event."""
        with self._store.transaction() as tx:
            row = self.get(request)
            if row.state not in HELD:
                raise self._refused(row, "claimed")
            tx.db.execute(
                "UPDATE requests SET lease_until = ? WHERE n = ?", (monotonic() + lease, _number(request))
            )

    def start(self, request: str, why: str = "running", *, run: str | None = None) -> RequestRow:
        """Move a claimed request to running."""
        return self.move(request, "running", why, run=run)

    def finish(
        self, request: str, state: str, why: str, *, result: Mapping[str, Any] | None = None
    ) -> RequestRow:
        """Move to a terminal state with the reason and, where there is one, the result."""
        return self.move(request, state, why, result=None if result is None else canonical(dict(result)))

    def defer(self, request: str, why: str, *, seconds: float = 0.0) -> RequestRow:
        """Put a request off; it may be claimed again after `seconds`."""
        until = monotonic() + seconds
        return self.move(request, "deferred", why, not_before=until, boot=boot_id(), attempts=0, **_RELEASED)

    def requeue(self, request: str, why: str) -> RequestRow:
        """Give a claim back to the queue."""
        return self.move(request, "queued", why, not_before=None, attempts=0, **_RELEASED)

    def cancel(self, request: str, why: str) -> RequestRow:
        """Cancel a request that is not finished."""
        return self.move(request, "cancelled", why)

    def prioritise(self, request: str, priority: int, *, who: str, why: str) -> RequestRow:
        """Change the priority of a request that waits; raise NotWaiting for any other."""
        with self._store.transaction() as tx:
            row = self.get(request)
            if row.state not in WAITING:
                raise NotWaiting(
                    f"request {row.id}: is {row.state}; only one that waits has a turn to change"
                )
            data = {"request": row.id, "from": row.state, "before": row.priority, "priority": priority}
            tx.event(PRIORITY_EVENT, data | {"who": who, "why": why})
            tx.db.execute("UPDATE requests SET priority = ? WHERE n = ?", (priority, _number(row.id)))
            return self.get(request)

    def recover(self, *, max_attempts: int = 3, safe: Sequence[str] = (), own: bool = False) -> Rows:
        """Return to the queue what a process that is gone had claimed; give up after `max_attempts` claims.

        Kinds in `safe` are never given up: their work is known by the request's id, so that its effect may stand already.
        Only the holder of the directory's lock may write, so a claim of any other session is a dead one, also
        where process ids repeat (containers). With `own` the claims of this session are taken back too: whoever held them
        has failed and starts over. Call it once at each start of the one that claims.
        """
        with self._store.transaction():
            return [
                self._recovered(row, 2**31 if row.kind in safe else max_attempts)
                for row in self.list(states=HELD)
                if own or row.session != self._store.session
            ]

    def _recovered(self, row: RequestRow, max_attempts: int) -> RequestRow:
        ours = row.session == self._store.session
        gone = f"{'the watcher failed' if ours else f'process {row.pid} ended'} while it was {row.state}"
        if row.attempts >= max_attempts:
            return self.finish(row.id, "failed", f"{gone}; given up after {row.attempts} attempts")
        why = f"{gone}; attempt {row.attempts + 1} follows"
        return self.move(row.id, "queued", why, not_before=None, **_RELEASED)

    def overdue(self) -> Rows:
        """Return claims of this session whose lease has lapsed: a worker that does not report any more."""
        rows = self.list(states=HELD)
        return [row for row in rows if row.session == self._store.session and (row.lease_left() or 0.0) < 0.0]

    # -- moves ------------------------------------------------------------------------------------------------------------

    def move(self, request: str, state: str, why: str, **changes: Any) -> RequestRow:
        """Move a request to `state`; raise InvalidTransition with its history where the table does not allow it."""
        with self._store.transaction() as tx:
            row = self.get(request)
            self._move(tx, row, state, why, changes)
            return self.get(request)

    def _move(self, tx: Tx, row: RequestRow, state: str, why: str, changes: Mapping[str, Any]) -> None:
        if state not in TRANSITIONS[row.state]:
            raise self._refused(row, state)
        result = changes.get("result")
        data = {"request": row.id, "from": row.state, "why": why, "run": changes.get("run") or row.run}
        seq = tx.event(f"request.{state}", data | {"result": result and json.loads(result)})
        kept = {name: value for name, value in changes.items() if name in _SETTABLE}
        new = kept | {"state": state, "why": why, "changed": utc_now(), "seq": seq}
        assignments = ", ".join(f"{name} = ?" for name in new)
        tx.db.execute(f"UPDATE requests SET {assignments} WHERE n = ?", (*new.values(), _number(row.id)))

    def _refused(self, row: RequestRow, state: str) -> InvalidTransition:
        moves = [
            event for event in self._store.story(row.id, role="request") if event.kind.startswith("request.")
        ]
        story = [f"#{event.seq} {event.kind[8:]} ({event.data['why']})" for event in moves[-STORY_MOVES:]]
        return InvalidTransition(f"request {row.id}", row.state, state, TRANSITIONS[row.state], story)

    # -- reading ----------------------------------------------------------------------------------------------------------

    def get(self, request: str) -> RequestRow:
        """Return one request; raise UnknownRecord when there is none."""
        found = self._select("WHERE n = ?", (_number(request),))
        if not found:
            raise UnknownRecord(f"request {request}: there is none; `mimicry requests` lists them")
        return found[0]

    def by_key(self, key: str) -> RequestRow | None:
        """Return the request with this idempotency key."""
        found = self._select("WHERE key = ?", (key,))
        return found[0] if found else None

    def list(self, *, states: Sequence[str] | None = None, limit: int = 10_000, order: str = "n") -> Rows:
        """Return requests, oldest first unless `order` (a column list) says otherwise."""
        where = "" if states is None else f"WHERE state IN ({', '.join('?' * len(states))})"
        return self._select(f"{where} ORDER BY {order} LIMIT ?", (*(states or ()), limit))

    def of_origin(self, origin: str) -> RequestRow | None:
        """Return the newest request from this origin."""
        found = self._select("WHERE origin = ? ORDER BY n DESC LIMIT 1", (origin,))
        return found[0] if found else None

    def newest(self, limit: int) -> Rows:
        """Return the newest requests, newest first."""
        return self.list(limit=limit, order="n DESC")

    def waiting(self) -> int:
        """Return how many requests wait (queued or deferred)."""
        with self._store.reading() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM requests WHERE state IN ('queued', 'deferred')"
            ).fetchone()
        return int(count)

    def _select(self, clause: str, values: tuple[object, ...]) -> Rows:
        with self._store.reading() as db:
            return [_row(found) for found in db.execute(f"SELECT {_COLUMNS} FROM requests {clause}", values)]


_RELEASED: dict[str, Any] = {"session": None, "pid": None, "lease_until": None}
_SETTABLE = {"run", "result", "attempts", "session", "pid", "boot", "lease_until", "not_before"}


def _number(request: str) -> int:
    text = request.removeprefix("r-")
    if not text.isdigit() or len(text) > 15:
        raise UnknownRecord(f"request {request!r}: ids look like r-12; `mimicry requests` lists them")
    return int(text)


def _row(found: sqlite3.Row | tuple[Any, ...]) -> RequestRow:
    values = dict(zip(_COLUMNS.replace(" ", "").split(","), found, strict=True))
    number, args, result = values.pop("n"), json.loads(values.pop("args")), values.pop("result")
    needs = tuple(json.loads(values.pop("needs")))
    return RequestRow(
        id=f"r-{number}", args=args, needs=needs, result=result and json.loads(result), **values
    )
