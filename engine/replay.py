"""The room as it was: requests, decisions, runs, halt, verdict and pool as the journal held them at one event.

A look back costs the same in a journal of years: only the newest records before the event are folded, and the whole story of
what they name; requests that were open for longer are found through the table.

Live and replay go through the same `status.assemble` and read the same records, so that a panel can lack nothing that is
in the journal. Readings come from the samples of that time. What only the running process knew (devices) is not invented.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.alerts.book import Book
from engine.errors import UsageError
from engine.feedback.intake import ARRIVED
from engine.protocol import Request, Snapshot
from engine.status import ROWS, VERDICT, Facts, Live, assemble, autonomy
from engine.vitals.probes import Reading
from engine.vitals.sampler import GRID_COUNT, GRID_SECONDS
from state.halts import HaltRow
from state.requests import PRIORITY_EVENT
from state.runs import RunRow

if TYPE_CHECKING:
    from state.chain import Event
    from state.decisions import DecisionRow
    from state.journal import Journal

KINDS = ("request.", "decision", "halt.", VERDICT, "run.", "pool.committed", "alert.")
"""Events that change what a viewer sees; a step goes from one to the next."""
FOLDED = 400
"""Records of requests and of runs each that a room is folded from."""
STILL_OPEN = 200
"""Requests at most that had been open for longer than those."""
FOLDS: tuple[tuple[str, int], ...] = (
    ("request.", FOLDED),
    ("run.", FOLDED),
    ("halt.", 8),
    (VERDICT, 1),
    ("pool.committed", 1),
)
OPEN = ("running", "claimed", "queued", "deferred")
RECENT = 30.0
"""Seconds within which a reading counts as that of the moment."""


@dataclass
class Room:
    """What the events up to `seq` made."""

    seq: int = 0
    head: str = ""
    at: str = ""
    requests: dict[str, Request] = field(default_factory=dict)
    runs: dict[str, RunRow] = field(default_factory=dict)
    halt: HaltRow | None = None
    verdict: Mapping[str, Any] | None = None
    pool: Mapping[str, Any] | None = None

    def take(self, event: Event) -> None:
        """Apply one event."""
        kind, _, what = event.kind.partition(".")
        if kind == "request":
            self._request(event, what)
        elif kind == "run":
            self._run(event, what)
        elif kind == "halt":
            self._halt(event, what)
        elif event.kind == VERDICT:
            self.verdict = event.data
        elif event.kind == "pool.committed":
            self.pool = event.data.get("pool")

    def _request(self, event: Event, state: str) -> None:
        data, known = event.data, self.requests.get(event.data["request"])
        if known is None:
            record = {name: data[name] for name in ("kind", "origin", "priority", "why") if name in data}
            self.requests[data["request"]] = Request(id=data["request"], at=event.at, state=state, **record)  # type: ignore[arg-type]
        elif event.kind == PRIORITY_EVENT:
            self.requests[known.id] = known.model_copy(update={"priority": data["priority"]})
        else:
            changes = {"state": state, "why": data.get("why", known.why)}
            self.requests[known.id] = known.model_copy(update=changes)

    def _run(self, event: Event, what: str) -> None:
        data, known = event.data, self.runs.get(event.data["run"])
        if known is None:
            self.runs[data["run"]] = RunRow(
                data["run"], data["kind"], "running", "started", data["spec"], {}, None, data["request"], data["cause"], event.at, None, event.seq
            )  # fmt: skip
        elif what == "step":
            step = {"status": data["status"], "at": event.at, **data["detail"]}
            self.runs[known.id] = replace(known, steps={**known.steps, data["step"]: step}, seq=event.seq)
        else:
            finished = None if what == "running" else event.at
            self.runs[known.id] = replace(
                known, state=what, why=data["why"], finished=finished, seq=event.seq
            )

    def _halt(self, event: Event, what: str) -> None:
        data = event.data
        if what == "asked":
            self.halt = HaltRow(data["kind"], data["by"], data["reason"], event.at, None, event.seq)
        elif what == "reached" and self.halt is not None:
            self.halt = replace(self.halt, reached=event.at, seq=event.seq)
        elif what == "cleared":
            self.halt = None


class Past:
    """Rooms by event number."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def room(self, upto: int) -> Room:
        """Return the room after the last event at or before `upto`."""
        last = self._journal.newest(KINDS, 1, upto=upto)
        if not last:
            return Room()
        room = Room(seq=last[0].seq, head=last[0].hash, at=last[0].at)
        found = {
            event.seq: event
            for kind, most in FOLDS
            for event in self._journal.newest((kind,), most, upto=upto)
        }
        asked = [str(event.data["request"]) for event in found.values() if event.kind.startswith("request.")]
        for subject in (*self._begun_before(found.values()), *self._open_for_longer(upto, asked)):
            found |= {event.seq: event for event in self._story(subject, upto)}
        for _, event in sorted(found.items()):
            room.take(event)
        if room.pool is None:  # none yet, or its record is in an archive: the table has it
            room.pool = self._journal.predictions.pool_at(upto)
        return room

    def time(self, upto: int) -> str:
        """Return when the room last changed at or before `upto`; empty where it had not begun."""
        last = self._journal.newest(KINDS, 1, upto=upto)
        return last[0].at if last else ""

    def _begun_before(self, found: Iterable[Event]) -> list[str]:
        """Return the requests and runs of which these events are not the whole story."""
        known: dict[str, bool] = {}
        for event in sorted(found, key=lambda each: each.seq):
            what = event.kind.partition(".")[0]
            if what in ("request", "run"):
                whole = "from" not in event.data and event.kind != "run.step"
                known.setdefault(event.data[what], whole)
        return [name for name, whole in known.items() if not whole]

    def _open_for_longer(self, upto: int, asked: Iterable[str]) -> list[str]:
        """Return requests that had not ended at `upto`, of those that were there: their last move came later, or has not come yet."""
        last = max((int(name.removeprefix("r-")) for name in asked), default=0)
        query = (
            "SELECT n FROM requests WHERE n <= ? AND (seq > ? OR state IN ('queued', 'claimed', 'running', 'deferred')) "
            "ORDER BY n DESC LIMIT ?"
        )
        with self._journal.reading() as db:
            return [f"r-{n}" for (n,) in db.execute(query, (last, upto, STILL_OPEN))]

    def _story(self, subject: str, upto: int) -> list[Event]:
        role = "run" if subject.startswith("run") else "request"
        story = self._journal.story(subject, role=role)
        return [event for event in story if event.seq <= upto and event.kind.startswith(f"{role}.")]

    def seek(self, start: int | None, step: int, at: str | None) -> int:
        """Return the number of the event that is one step from `start` (None: the end), or the last one at a time."""
        if at is not None:
            return self._until(at)
        end = self._journal.seq
        here = end if start is None else max(0, min(start, end))
        found = (
            list(self._journal.events(after=here, kinds=KINDS, limit=1))
            if step > 0
            else self._journal.newest(KINDS, 1, upto=here - 1)
        )
        return found[0].seq if found else here

    def _until(self, at: str) -> int:
        try:
            if not at:
                raise ValueError
            when = moment(at)
        except ValueError:
            raise UsageError(f"past: {at!r} is not a time; write 2026-11-26T14:02 (UTC)") from None
        low, high = 0, self._journal.seq
        while low < high:
            middle = (low + high + 1) // 2
            event = next(iter(self._journal.events(after=middle - 1, limit=1)), None)
            if event is not None and datetime.fromisoformat(event.at) <= when:
                low = middle
            else:
                high = middle - 1
        return low

    # ── as viewers see it ───────────────────────────────────────────────────

    def decisions(self, upto: int, most: int) -> list[DecisionRow]:
        """Return the decisions that stood then, newest first: they are never changed."""
        return self._journal.decisions.upto(upto, limit=most)

    def snapshot(self, upto: int, *, host: str, test_mode: bool) -> Snapshot:
        """Return the snapshot of that moment."""
        room = self.room(upto)
        when = moment(room.at)
        facts = Facts(
            seq=upto, head=room.head, halt=room.halt, verdict=room.verdict, pool=room.pool,
            run=next(reversed(room.runs.values()), None), requests=self.requests(room, ROWS),
            requests_waiting=sum(each.state in ("queued", "deferred") for each in room.requests.values()),
            decisions=self.decisions(upto, ROWS), alerts=Book(self._journal, upto=upto).standing(when)[:ROWS],
            autonomy=autonomy(self._journal.decisions.briefs(limit=1000, upto=upto), when),
        )  # fmt: skip
        shot = assemble(
            facts,
            self._live(room, when, test_mode),
            now=time.monotonic(),
            at=room.at or "1970-01-01T00:00:00Z",
            host=host,
        )
        return shot.model_copy(update={"fleet": []})

    def requests(self, room: Room, most: int) -> list[Request]:
        """Return requests as the queue shows them: open ones first, then the newest."""
        newest = list(reversed(room.requests.values()))
        still = [each for each in newest if each.state in OPEN]
        return [*sorted(still, key=lambda each: (each.state not in ("running", "claimed"), -each.priority)),
                *(each for each in newest if each.state not in OPEN)][:most]  # fmt: skip

    def _live(self, room: Room, when: datetime, test_mode: bool) -> Live:
        at = when.timestamp()
        came = self._journal.newest((ARRIVED,), 1, upto=room.seq)
        return Live(
            draws=came[0].data["last"] + 1 if came else 0,
            started=time.monotonic(),
            working=any(each.state == "running" for each in room.requests.values()),
            test_mode=test_mode,
            planned_workers=0,
            reading=self._reading(at),
            memory=self._grid("engine.pss_mb", at),
            handles=self._grid("engine.handles", at),
            throughput=self._grid("compute.rate", at),
        )

    def _grid(self, name: str, at: float) -> list[float | None]:
        return self._journal.samples.grid(name, seconds=GRID_SECONDS, count=GRID_COUNT, now=at)

    def _reading(self, at: float) -> Reading | None:
        values: dict[str, Any] = {"at": at, "pss_mb": None, "cpu": None}
        for name in (each for each in Reading.__dataclass_fields__ if each != "at"):
            near = [
                each.value
                for each in self._journal.samples.series(f"engine.{name}", since=at - RECENT, until=at)
            ]
            if near:
                values[name] = int(near[-1]) if Reading.__dataclass_fields__[name].type == "int" else near[-1]
        return Reading(**values) if set(values) == set(Reading.__dataclass_fields__) else None


def moment(at: str) -> datetime:
    """Return an ISO time, UTC where it names no zone; the beginning of 1970 for none."""
    if not at:
        return datetime.fromtimestamp(0, UTC)
    when = datetime.fromisoformat(at)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
