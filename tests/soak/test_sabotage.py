"""Each sabotage spoils a real, recorded soak in one place; the gate that it is meant for must fail, for that reason, and no other gate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded import Edit, chained, changed, doubled, load, spoilt

from engine.soak import kinds
from engine.soak.gate import Outcome
from engine.soak.gates.table import GATES, judge
from engine.soak.records import Records
from state.chain import Event

HOURS = 2.0


@cache
def queue() -> Records:
    """Return soak B, compressed: one burst with a crash, an advisor, five halts."""
    return load("queue")


@cache
def loop() -> Records:
    """Return soak C, compressed: two generators and chance."""
    return load("loop")


@cache
def endurance() -> Records:
    """Return soak B's records with the readings of two hours: flat, with the noise that a real daemon's memory has."""
    return with_readings(lambda name, t: 0.0)


def with_readings(
    grows: Callable[[str, float], float], *, drop: Callable[[float], bool] = lambda t: False
) -> Records:
    """Return records whose readings lie 10 s apart for two hours; `grows(probe, second)` is added to the flat ones."""
    rng = np.random.default_rng(4)
    wander, events = 0.0, []
    model = next(
        event
        for event in queue().soak
        if event.kind == kinds.READING and "engine.pss_mb" in event.data["values"]
    )
    for t in np.arange(0.0, HOURS * 3600, 10.0).tolist():
        wander = 0.9 * wander + float(rng.normal(0, 0.1))
        values = {
            "engine.pid": 7.0, "engine.pss_mb": 150.0 + wander, "engine.handles": 30.0 + float(rng.integers(0, 3) * (rng.random() < 0.3)),
            "engine.threads": 14.0, "engine.tasks": 30.0 + float(rng.integers(0, 4)), "worker.pid": 8.0,
            "worker.pss_mb": 98.0 + float(rng.normal(0, 0.5)), "journal.mb": 1.0, "journal.wal_mb": 3.9, "disk.free_mb": 50_000.0,
            "children": 3.0, "strays": 0.0, "lock.overdue_s": 0.0,
        }  # fmt: skip
        values = {name: value + grows(name, float(t)) for name, value in values.items()}
        if not drop(float(t)):
            events.append(replace(model, data={"t": float(t), "steady": t >= 1200.0, "values": values}))

    def edit(soak: list[Event]) -> Iterator[Event]:
        placed = False
        for event in soak:
            if event.kind == kinds.BEGUN:
                plan = event.data["plan"] | {"hours": HOURS, "compress": 1.0}
                yield replace(event, data=event.data | {"plan": plan})
            elif event.kind != kinds.READING:
                yield event
            elif not placed:
                placed = True
                yield from events

    return spoilt(queue(), "soak", edit)


@dataclass(frozen=True)
class Sabotage:
    """One spoilt soak: which gate must fail, what its findings must say, and the edit."""

    gate: str
    says: str
    of: Callable[[], Records]
    whose: str = "room"
    edit: Edit | None = None
    rechain: bool = True

    def records(self) -> Records:
        """Return the spoilt records."""
        return (
            self.of() if self.edit is None else spoilt(self.of(), self.whose, self.edit, rechain=self.rechain)
        )


def hour(per_hour: float) -> Callable[[str, float], float]:
    return lambda name, t: per_hour * t / 3600


def only(probe: str, grows: Callable[[str, float], float]) -> Callable[[], Records]:
    return lambda: with_readings(lambda name, t: grows(name, t) if name == probe else 0.0)


def without(kind: str, which: Callable[[dict[str, Any]], bool]) -> Edit:
    """Return an edit that drops every event of a kind of which `which` is true."""

    def edit(events: list[Event]) -> Iterable[Event]:
        assert any(event.kind == kind and which(event.data) for event in events)
        return (event for event in events if event.kind != kind or not which(event.data))

    return edit


def slow(events: list[Event]) -> Iterable[Event]:
    """Make one halt slow."""
    return changed(kinds.HALT, lambda data: data | {"seconds": 1.8})(events)


def same_fingerprint(events: list[Event]) -> Iterable[Event]:
    """Give the second episode the first one's fingerprint."""
    marks = [
        event.data["fingerprint"]
        for event in events
        if event.kind == "selfplay.episode" and event.data["fingerprint"]
    ]
    for event in events:
        again = event.kind == "selfplay.episode" and event.data["fingerprint"] == marks[1]
        yield replace(event, data=event.data | {"fingerprint": marks[0]}) if again else event


def false_claim(events: list[Event]) -> Iterable[Event]:
    """Let the room claim a seed that nobody planted."""
    for event in events:
        if event.kind == "evidence.improved":
            best = event.data["best"] | {"origin": {"kind": "seed", "value": "0x2a"}}
            yield replace(event, data=event.data | {"best": best})
        else:
            yield event


def alone(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"expected": "", "log": "Segmentation fault"}


def left(**values: Any) -> Edit:
    return changed(kinds.AFTER, lambda data: data | values)


def _lost_value(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"draws": data["draws"][:-1]}


def _planned(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"plan": data["plan"] | {"faults": [{"name": "kill_worker", "at": 0.5, "options": {}}]}}


def _repeat_decision(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"decision": f"d-{int(data['decision'][2:]) + 1}"}


SABOTAGES: dict[str, Sabotage] = {
    "work skipped": Sabotage("executed", "never finished in", queue, edit=without("step.finished", lambda data: data["step"] == "5")),
    "episodes claimed and not played": Sabotage(
        "executed", "episodes on record", queue, edit=without("selfplay.episode", lambda data: True)
    ),
    "episode repeated": Sabotage("different", "2 times", queue, edit=same_fingerprint),
    "chunk counted twice": Sabotage("different", "2 times", queue, edit=doubled("chunk.done")),
    "draw doubled": Sabotage("draws", "taken 2 times", queue, edit=doubled("draw.judged")),
    "draw arrived twice": Sabotage("draws", "arrived again", queue, edit=doubled("draws.arrived")),
    "draw lost from the store": Sabotage("draws", "is not stored", queue, "soak", changed(kinds.AFTER, _lost_value)),
    "request lost": Sabotage(
        "requests", "never on the queue", queue, "soak",
        doubled(kinds.ASKED, change=lambda data: data | {"key": "soak-99999", "door": "socket"}),
    ),
    "request ended twice": Sabotage("requests", "2 ends", queue, edit=doubled("request.done")),
    "request never ended": Sabotage(
        "requests", "still open", queue, edit=without("request.done", lambda data: "steps" in (data["result"] or {}))
    ),
    "decision doubled": Sabotage("decisions", "missing or out of order", queue, edit=doubled("decision")),
    "decision taken twice on the same evidence": Sabotage(
        "decisions", "decisions PROCEED on the same evidence", queue, edit=doubled("decision", which=-1, change=_repeat_decision)
    ),
    "coverage hole": Sabotage("coverage", "seeds were searched", loop, edit=without("chunk.done", lambda data: _exhausting(data))),
    "canary missed": Sabotage(
        "canaries", "canary missed", queue,
        edit=changed("chunk.done", lambda data: data | {"meta": data["meta"] | {"canary": [*data["meta"]["canary"][:-1], False]}}),
    ),
    "planted truth missed": Sabotage(
        "canaries", "planted truths found", queue,
        edit=changed("chunk.done", lambda data: data | {"meta": data["meta"] | {"found": data["meta"]["planted"] - 1}}),
    ),
    "chance claimed": Sabotage("truth", "nobody planted it", queue, edit=false_claim),
    "halt slow": Sabotage("halts", "1.80 s", queue, "soak", slow),
    "halt never reached": Sabotage("halts", "not reached", queue, "soak", changed(kinds.HALT, lambda data: data | {"seconds": None, "ok": False})),
    "devices busy after the halt": Sabotage("halts", "CPU seconds per second", queue, "soak", changed(kinds.HALT, lambda data: data | {"busy": 0.9})),
    "memory leaked": Sabotage("memory", "engine.pss_mb grows", only("engine.pss_mb", hour(3.0))),
    "handle leaked": Sabotage("handles", "engine.handles grows", only("engine.handles", lambda name, t: float(int(t / 900)))),
    "thread leaked": Sabotage("handles", "engine.threads grows", only("engine.threads", lambda name, t: float(int(t / 900)))),
    "worker leaks": Sabotage("children", "worker.pss_mb grows", only("worker.pss_mb", hour(15.0))),
    "journal's log grows": Sabotage("disk", "write-ahead log", only("journal.wal_mb", hour(60.0))),
    "lock left": Sabotage("locks", "lock is still held", queue, "soak", left(lock_held=True)),
    "claim left": Sabotage("locks", "past its lease", only("lock.overdue_s", hour(120.0))),
    "orphan left": Sabotage("orphans", "outlived the daemon", queue, "soak", left(orphans=[{"pid": 4242, "command": "python worker"}])),
    "stray process": Sabotage("orphans", "below no daemon", only("strays", lambda name, t: float(600 < t < 700))),
    "daemon died by itself": Sabotage("alive", "Segmentation fault", queue, "soak", changed(kinds.DAEMON, alone, which=2)),
    "fault never fired": Sabotage("faults", "never fired", queue, "soak", changed(kinds.BEGUN, _planned)),
    "record edited": Sabotage(
        "chain", "the record was changed", queue, edit=changed("decision", lambda data: data | {"reason": "all is well"}), rechain=False
    ),
    "room's journal written anew": Sabotage(
        "chain", "is not the one noted", queue, "soak", changed(kinds.ANCHOR, lambda data: data | {"head": "0" * 64}, which=0)
    ),
    "mirror line lost": Sabotage("mirror", "missing", queue, "soak", changed(kinds.MIRROR, lambda data: data | {"seqs": data["seqs"][:-1]})),
    "readings stopped": Sabotage("readings", "no reading for", lambda: with_readings(lambda name, t: 0.0, drop=lambda t: 3000 < t < 3200)),
    "test mode left on": Sabotage("test_mode", "would be in test mode", queue, "soak", left(test_mode_elsewhere=True)),
}  # fmt: skip


def _exhausting(data: dict[str, Any]) -> bool:
    return data["index"] == 0 and not data["sweep"].startswith("run-")


def outcome(records: Records, gate: str) -> Outcome:
    return next(one.outcome for one in judge(records).gates if one.name == gate)


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_sabotage_fails_its_gate_for_its_reason_and_no_other(name: str) -> None:
    """About 30 ms each."""
    one = SABOTAGES[name]
    said = {gate.name: gate.outcome for gate in judge(one.records()).gates}
    assert said[one.gate].state == "fail"
    told = "; ".join((said[one.gate].text, *said[one.gate].findings))
    assert one.says in told
    assert [gate for gate, other in said.items() if other.state == "fail"] == [one.gate]


def test_the_recorded_soaks_pass_and_say_what_they_could_not_judge() -> None:
    for records, short in (
        (queue(), {"coverage", "memory", "handles", "children", "faults"}),
        (endurance(), {"coverage", "faults"}),
    ):
        verdict = judge(records)
        assert verdict.failed == ()
        assert verdict.passed
        assert set(verdict.short) == short


def test_an_empty_soak_fails() -> None:
    """The predecessor's soaks executed nothing and passed."""
    begun = [
        event
        for event in queue().soak
        if event.kind in (kinds.BEGUN, kinds.DAEMON, kinds.AFTER, kinds.MIRROR, kinds.ENDED, kinds.READING)
    ]
    opened = [event for event in queue().room if event.kind == "journal.opened"]
    failed = set(judge(Records(tuple(chained(begun)), tuple(chained(opened)))).failed)
    assert {"executed", "requests", "decisions", "coverage", "canaries"} <= failed


def test_every_gate_has_a_sabotage() -> None:
    judged_elsewhere = {"advisor", "triggers"}
    assert {gate.name for gate in GATES} - {one.gate for one in SABOTAGES.values()} == judged_elsewhere


def test_triggers_that_fire_without_a_change_fail() -> None:
    """The predecessor's fired on 231 of 231 cycles."""
    storm = spoilt(
        loop(),
        "room",
        lambda events: [
            copy for event in events for copy in ([event] * (12 if event.kind == "trigger.fired" else 1))
        ],
    )
    assert outcome(storm, "triggers").state == "fail"


def test_a_change_that_no_trigger_notices_fails() -> None:
    deaf = spoilt(loop(), "room", lambda events: _deaf(events))
    said = outcome(deaf, "triggers")
    assert said.state == "fail"
    assert "was not noticed" in said.findings[0]


def test_a_stream_that_was_found_again_is_noticed_without_a_trigger() -> None:
    truth = loop().begun["truth"]
    since = truth[1]["first"]
    found = spoilt(loop(), "room", lambda events: [*_deaf(events), _epoch(events[-1], since)])
    said = outcome(found, "triggers")
    assert not any(f"draw {since} " in finding for finding in said.findings)


def _epoch(event: Event, since: int) -> Event:
    """Return the opening of an epoch as the event after another one."""
    return replace(
        event, kind="epoch.opened", data={"epoch": {"number": 9, "reason": "again", "since": since}}
    )


def _deaf(events: list[Event]) -> Iterator[Event]:
    """Drop every trigger and epoch, and let none have been silent or waiting."""
    for event in events:
        if event.kind == "learning.health" and event.data.get("trigger"):
            listening = event.data["trigger"] | {
                "silent_draws": 0,
                "open_request": None,
                "direction": "below",
            }
            yield replace(event, data=event.data | {"trigger": listening})
        elif event.kind not in ("trigger.fired", "epoch.opened"):
            yield event


def test_an_advisor_that_stays_away_fails() -> None:
    gone = spoilt(
        queue(),
        "room",
        lambda events: [
            event for event in events if event.kind != "llm.server" or event.data["state"] != "ready"
        ],
    )
    assert outcome(gone, "advisor").state == "fail"
