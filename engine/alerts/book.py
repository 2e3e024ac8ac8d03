"""Every alert with its state, folded from the journal: what stands, who has seen it, what is muted until when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from engine.errors import UsageError
from engine.protocol import Alert, Light

if TYPE_CHECKING:
    from state.chain import Event
    from state.journal import Journal

RAISED, CLEARED, ACKED, MUTED = "alert.raised", "alert.cleared", "alert.acked", "alert.muted"
NOTES = ("clock.step", "chunk.differs", "trigger.fired", "loop.stalled")
"""Events that are alerts without an end: they stand for an hour."""
KINDS = ("alert.", *NOTES)
KEPT = 500
FOLDED = 1500
"""Newest records that a book is made of: an alert that has stood for longer than those is raised again by its rule."""
NOTE_STANDS = timedelta(hours=1)
State = Literal["firing", "acked", "muted", "cleared"]


@dataclass(frozen=True)
class Entry:
    """One alert; `key` names rule and subject, None for a note, which nothing clears but time."""

    id: str
    seq: int
    at: str
    level: str
    text: str
    key: str | None = None
    value: float | None = None
    limit: float | None = None
    cleared: str | None = None
    acked: str | None = None
    why: str = ""

    @property
    def rule(self) -> str:
        """Return the rule's name."""
        return (self.key or "note:").partition(":")[0]

    @property
    def subject(self) -> str | None:
        """Return what the rule looks at."""
        return self.key.partition(":")[2].rstrip("?") if self.key else None


class Book:
    """The alerts of one journal, as of event `upto` or as they stand now."""

    def __init__(self, journal: Journal, *, upto: int | None = None) -> None:
        self._journal, self._upto = journal, upto
        self._entries: dict[str, Entry] = {}
        self._open: dict[str, str] = {}
        """Key of a standing alert to its id."""
        self._muted: dict[str, datetime] = {}
        self._seen = 0

    # ── reading ─────────────────────────────────────────────────────────────

    def entries(self) -> list[Entry]:
        """Return every alert that is kept, newest first."""
        self._catch_up()
        return list(reversed(self._entries.values()))

    def firing(self) -> set[str]:
        """Return the keys that stand."""
        self._catch_up()
        return set(self._open)

    def state(self, entry: Entry, now: datetime) -> State:
        """Return how an alert stands at a time."""
        if entry.cleared is not None or (entry.key is None and now - _when(entry.at) > NOTE_STANDS):
            return "cleared"
        if entry.key is not None and self._muted.get(entry.key, now) > now:
            return "muted"
        return "acked" if entry.acked else "firing"

    def standing(self, now: datetime) -> list[Alert]:
        """Return what viewers shall be told, what nobody has seen first, then newest first."""
        shown = [(self.state(entry, now), entry) for entry in self.entries()]
        kept = [(state, entry) for state, entry in shown if state in ("firing", "acked")]
        kept.sort(key=lambda pair: pair[0] == "acked")
        return [
            Alert(
                id=entry.id, at=entry.at, level=_light(entry.level), text=entry.text, acked=state == "acked"
            )
            for state, entry in kept
        ]

    def muted_until(self, entry: Entry, now: datetime) -> str | None:
        """Return the time until which an alert is muted."""
        until = self._muted.get(entry.key or "")
        return (
            until.isoformat(timespec="seconds").replace("+00:00", "Z")
            if until is not None and until > now
            else None
        )

    # ── writing ─────────────────────────────────────────────────────────────

    def change(
        self, raised: bool, key: str, level: str, text: str, value: float | None, limit: float
    ) -> None:
        """Record that an alert was raised or cleared."""
        if raised:
            self._journal.append(
                RAISED, {"key": key, "level": level, "text": text, "value": value, "limit": limit}
            )
        else:
            self._journal.append(CLEARED, {"key": key, "text": text, "value": value, "limit": limit})

    def ack(self, number: object, by: str, reason: str) -> Entry:
        """Record that somebody has seen an alert."""
        entry = self._standing_one(number)
        self._journal.append(ACKED, {"alert": entry.id, "by": by, "reason": reason})
        return self._entry(entry.id)

    def mute(self, number: object, minutes: object, by: str, reason: str, now: datetime) -> datetime:
        """Record that a rule and subject shall be quiet for some minutes; 0 ends it."""
        if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= 7 * 1440:
            raise UsageError(f"mute: {minutes!r} minutes: a number from 0 (ends it) to {7 * 1440}")
        entry = self._entry(number)
        if entry.key is None:
            raise UsageError(f"mute: {entry.id} is a note, not a rule; `mimicry ack {entry.id}` puts it away")
        until = now + timedelta(minutes=minutes)
        self._journal.append(
            MUTED, {"key": entry.key, "until": until.isoformat(), "by": by, "reason": reason}
        )
        return until

    def _standing_one(self, number: object) -> Entry:
        entry = self._entry(number)
        if entry.cleared is not None:
            raise UsageError(f"ack: {entry.id} was cleared at {entry.cleared}")
        return entry

    def _entry(self, number: object) -> Entry:
        self._catch_up()
        entry = self._entries.get(str(number))
        if entry is None:
            raise UsageError(f"no alert {number!r} among the newest {KEPT}; `mimicry alerts` lists them")
        return entry

    # ── the fold ────────────────────────────────────────────────────────────

    def _catch_up(self) -> None:
        end = self._journal.seq if self._upto is None else self._upto
        if end <= self._seen:
            return
        if self._seen:
            found = list(self._journal.events(after=self._seen, kinds=KINDS, limit=FOLDED + 1))
            found = [event for event in found if event.seq <= end]
        else:
            found = self._journal.newest(KINDS, FOLDED, upto=end)[::-1]
        for event in found[:FOLDED]:
            self._take(event)
        if len(found) > FOLDED:  # more came at once than a page: the rest follows with the next look
            self._seen = found[FOLDED - 1].seq
            return
        self._seen = end

    def _take(self, event: Event) -> None:
        data = event.data
        if event.kind == CLEARED:
            self._set(self._open.pop(data["key"], ""), cleared=event.at)
        elif event.kind == ACKED:
            self._set(data["alert"], acked=data["by"], why=data["reason"])
        elif event.kind == MUTED:
            self._muted[data["key"]] = _when(data["until"])
        else:
            self._add(event)

    def _add(self, event: Event) -> None:
        data = event.data
        text = str(data.get("text") or data.get("reason") or event.kind)
        entry = Entry(
            f"a-{event.seq}",
            event.seq,
            event.at,
            str(data.get("level", "warn")),
            text,
            data.get("key"),
            data.get("value"),
            data.get("limit"),
        )
        self._entries[entry.id] = entry
        if entry.key is not None:
            self._open[entry.key] = entry.id
        while len(self._entries) > KEPT:
            del self._entries[next(iter(self._entries))]

    def _set(self, number: str, **changes: Any) -> None:
        if number in self._entries:
            self._entries[number] = replace(self._entries[number], **changes)


def _light(level: str) -> Light:
    """Return the level of an alert; `warn` for a word that is none."""
    return next((light for light in get_args(Light) if light == level), "warn")


def _when(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
