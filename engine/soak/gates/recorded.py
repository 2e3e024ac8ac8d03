"""Is the record itself sound: both hash chains, the anchors between them, the mirror's lines, readings without a hole?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from engine.soak import kinds
from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records
from state.chain import GENESIS, Event, mismatch

HOLE = 3.0
"""Cadences that may pass between two readings."""
HOLE_S = 15.0
LEAST_SHARE = 0.8


def chain(records: Records) -> Outcome:
    """Every record of both journals follows from the one before, and the room's heads are those noted while it ran."""
    findings = [
        f"{name}: {fault}"
        for name, events in (("soak", records.soak), ("room", records.room))
        if (fault := broken(events))
    ]
    hashes = {event.seq: event.hash for event in records.room}
    anchors = records.of(kinds.ANCHOR)
    for anchor in anchors:
        seq, head = anchor.data["seq"], anchor.data["head"]
        if hashes.get(seq) != head:
            findings.append(f"room: event {seq} is not the one noted at {anchor.data['t']:.0f} s")
    numbers = {"soak": len(records.soak), "room": len(records.room), "anchors": len(anchors)}
    if findings:
        return failed("a record was changed or is missing", findings, **numbers)
    if not anchors:
        return short("no anchor was set", **numbers)
    return passed(
        f"{len(records.soak)} + {len(records.room)} records, {len(anchors)} anchors, whole", **numbers
    )


def broken(events: Sequence[Event]) -> str:
    """Return what is wrong with a chain, empty if it is whole."""
    before = GENESIS
    for place, event in enumerate(events, 1):
        fault = mismatch(event, before, place)
        if fault is not None:
            return f"event {event.seq}: {fault}"
        before = event.hash
    return ""


def mirror(records: Records) -> Outcome:
    """The file that people tail holds every decision and halt once, in order, across all crashes."""
    found = records.of(kinds.MIRROR)
    if not found:
        return short("the soak has not ended")
    wanted = [event.seq for event in records.room_of("decision", "halt.")]
    seqs = found[-1].data["seqs"]
    have = Counter(seqs)
    findings = [
        f"line of event {seq} is {'missing' if have[seq] == 0 else f'there {have[seq]} times'}"
        for seq in wanted
        if have[seq] != 1
    ]
    findings += [f"line {seq}: no event of the journal" for seq in have if seq not in set(wanted)]
    if not findings and seqs != wanted:
        findings.append("lines are out of order")
    if findings:
        return failed("the mirror and the journal differ", findings, lines=len(seqs), events=len(wanted))
    if not wanted:
        return short("nothing was to be mirrored")
    return passed(f"{len(seqs)} lines for {len(wanted)} events", lines=len(seqs))


def readings(records: Records) -> Outcome:
    """Readings were taken at the cadence, without a hole, and the daemon was there to be read."""
    events = records.of(kinds.READING)
    cadence = records.plan.cadence
    if len(events) < 2:
        return failed(f"{len(events)} readings: nothing was measured")
    resumed = {event.seq for event in records.of(kinds.CONTINUED)}
    findings = []
    for one, other in pairwise(events):
        gap = other.data["t"] - one.data["t"]
        if gap > max(HOLE * cadence, HOLE_S) and not any(one.seq < seq < other.seq for seq in resumed):
            findings.append(f"no reading for {gap:.0f} s after {one.data['t']:.0f} s")
    span = events[-1].data["t"] - events[0].data["t"]
    there = sum("engine.handles" in event.data["values"] for event in events) / len(events)
    if len(events) < LEAST_SHARE * span / cadence:
        findings.append(f"{len(events)} readings in {span:.0f} s, one each {cadence:g} s was planned")
    if there < LEAST_SHARE:
        findings.append(f"the daemon was there in {there:.0%} of them")
    if findings:
        return failed("readings are missing", findings, readings=len(events))
    return passed(
        f"{len(events)} readings in {span:.0f} s, one each {cadence:g} s; {there:.1%} with a daemon",
        readings=len(events),
        there=there,
    )
