"""Did the daemon live, did the advisor come back, did everything hold after each fault?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.soak import kinds
from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records


def alive(records: Records) -> Outcome:
    """The daemon died only where this soak killed it, came back each time, and ended at its checkpoint."""
    events = [event.data for event in records.of(kinds.DAEMON)]
    died = [one for one in events if one["what"] == "died"]
    ready = [one for one in events if one["what"] == "ready"]
    stopped = [one for one in events if one["what"] == "stopped"]
    findings = [
        f"at {one['t']:.0f} s: the daemon ended by itself with code {one['code']}: {one.get('log', '')}"
        for one in died
        if not one["expected"]
    ]
    findings += [
        f"at {one['t']:.0f} s: it did not end at its checkpoint and was killed"
        for one in stopped
        if one.get("forced")
    ]
    findings += [
        f"at {one.data['t']:.0f} s: {one.data['text']}"
        for one in records.of(kinds.FINDING)
        if not (one.data.get("mine") or one.data.get("fault"))
    ]
    slowest = max((one["seconds"] for one in ready), default=0.0)
    numbers: dict[str, Any] = {"deaths": len(died), "starts": len(ready), "slowest start": slowest}
    if not ready:
        return failed("the daemon was never ready", findings, **numbers)
    if findings:
        return failed("the daemon did not behave", findings, **numbers)
    return passed(
        f"{len(ready)} starts, the slowest {slowest:.1f} s; {len(died)} deaths, all of them ours", **numbers
    )


def advisor(records: Records) -> Outcome:
    """The advisor's server, where one is configured, came back whenever it was gone, and was there at the end."""
    states = [event.data["state"] for event in records.room_of("llm.server")]
    if not states:
        return short("no advisor is configured")
    calls = [event.data for event in records.room_of("llm.call")]
    by = Counter(str(call.get("source")) for call in calls)
    ready = states.count("ready")
    last = next(
        (state for state in reversed(states) if state in ("ready", "failed", "down", "crashed", "ended")), ""
    )
    numbers: dict[str, Any] = {
        "starts": ready,
        "states": dict(Counter(states)),
        "calls": len(calls),
        "by": dict(by),
    }
    if not ready:
        return failed("the advisor's server was never ready", **numbers)
    if last not in ("ready", ""):
        return failed(f"the advisor's server was {last} at the end", **numbers)
    return passed(
        f"{ready} starts, {len(calls)} calls: {', '.join(f'{count} {name}' for name, count in by.items()) or 'none'}",
        **numbers,
    )


def faults(records: Records) -> Outcome:
    """Every fault of the plan was fired, the room recovered from it, and from those fired by hand, in time, and what must hold after it held."""
    recovered = {event.data["n"]: event.data for event in records.of(kinds.RECOVERED)}
    fired = {event.data["n"]: event.data["name"] for event in records.of(kinds.FAULT)}
    expected = fired | {number: asked.name for number, asked in enumerate(records.plan.faults)}
    if not expected:
        return short("no fault was planned")
    findings, skipped, seconds = [], [], {}
    for number, name in sorted(expected.items()):
        told = recovered.get(number)
        if told is None:
            findings.append(f"{name}: never fired, or the soak ended in the middle of it")
        elif told["skipped"]:
            skipped.append(f"{name}: {told['skipped']}")
        elif not told["holds"]:
            findings += [f"{name}: {finding}" for finding in told["findings"] or ["did not hold"]]
        else:
            seconds[f"{name} {number}"] = told["seconds"]
    numbers: dict[str, Any] = {"recovered in s": seconds, "skipped": skipped}
    if findings:
        return failed(f"{len(findings)} findings after faults", findings, **numbers)
    if not seconds:
        return short("no fault could be shown here: " + "; ".join(skipped), **numbers)
    told_skipped = f"; not shown here: {'; '.join(skipped)}" if skipped else ""
    return passed(
        f"{len(seconds)} faults, the slowest recovery {max(seconds.values()):.1f} s{told_skipped}", **numbers
    )
