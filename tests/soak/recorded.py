"""Recorded soaks, small and real, and the tools to spoil one in one place: gates judge what is on record, so a sabotage is an edit of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.soak.records import Records
from state.chain import GENESIS, Event, event_hash

FOLDER = Path(__file__).parent / "recorded"
Edit = Callable[[list[Event]], Iterable[Event]]


def load(name: str) -> Records:
    """Return a recorded soak by name."""
    both = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return Records(*(tuple(Event(**event) for event in both[whose]) for whose in ("soak", "room")))


def save(name: str, records: Records) -> None:
    """Keep a soak for the tests; gzip without a time, so that the same soak is the same file."""
    both = {whose: [asdict(event) for event in getattr(records, whose)] for whose in ("soak", "room")}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json.gz").write_bytes(
        gzip.compress(json.dumps(both, separators=(",", ":")).encode(), 9, mtime=0)
    )


def spoilt(records: Records, whose: str, edit: Edit, *, rechain: bool = True) -> Records:
    """Return the records with one journal edited; chained anew, for the sabotage is in what was done and not in its record."""
    room, soak = list(records.room), list(records.soak)
    edited = list(edit(soak if whose == "soak" else room))
    edited = chained(edited) if rechain else edited
    if whose == "soak":
        return Records(tuple(edited), tuple(room))
    return Records(tuple(_anchored(soak, edited)) if rechain else tuple(soak), tuple(edited))


def chained(events: Iterable[Event]) -> list[Event]:
    """Return the events under new numbers and hashes."""
    before, out = GENESIS, []
    for seq, event in enumerate(events, 1):
        own = event_hash(before, seq, event.at, event.boot, event.mono, event.kind, event.data)
        out.append(replace(event, seq=seq, prev=before, hash=own))
        before = own
    return out


def _anchored(soak: list[Event], room: list[Event]) -> list[Event]:
    """Return the soak's events with anchors and mirror lines that fit the edited room."""
    last = room[-1]
    wanted = [event.seq for event in room if event.kind == "decision" or event.kind.startswith("halt.")]

    def fit(event: Event) -> Event:
        if event.kind == "soak.anchor":
            return replace(event, data=event.data | {"seq": last.seq, "head": last.hash})
        return replace(event, data=event.data | {"seqs": wanted}) if event.kind == "soak.mirror" else event

    return chained(fit(event) for event in soak)


def changed(kind: str, change: Callable[[dict[str, Any]], dict[str, Any] | None], *, which: int = -1) -> Edit:
    """Return an edit of one event of a kind: its new data, or None to drop it."""

    def edit(events: list[Event]) -> Iterable[Event]:
        places = [place for place, event in enumerate(events) if event.kind == kind]
        assert places, f"this soak has no {kind}"
        for place, event in enumerate(events):
            if place != places[which]:
                yield event
            elif (data := change(json.loads(json.dumps(event.data)))) is not None:
                yield replace(event, data=data)

    return edit


def doubled(kind: str, *, which: int = -1, change: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> Edit:
    """Return an edit that repeats one event of a kind right after it."""

    def edit(events: list[Event]) -> Iterable[Event]:
        places = [place for place, event in enumerate(events) if event.kind == kind]
        assert places, f"this soak has no {kind}"
        for place, event in enumerate(events):
            yield event
            if place == places[which]:
                yield replace(event, data=change(json.loads(json.dumps(event.data))))

    return edit
