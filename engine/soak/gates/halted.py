"""Does a halt stop everything within a second, at any moment, and do the devices really stand still then?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from engine.soak import kinds
from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records

LIMIT_S = 1.0
BUSY = 0.25
"""CPU seconds per second that workers may still use in the half second after `reached`: what heartbeats cost."""


def halts(records: Records) -> Outcome:
    """The 99th percentile from the command to the last idle device is at most one second; nothing works on after it."""
    events = [event.data for event in records.of(kinds.HALT) if not event.data.get("died")]
    if not events:
        return short("no halt was fired")
    seconds = [event["seconds"] for event in events if event["seconds"] is not None]
    findings = [
        f"at {event['t']:.0f} s, during {event['during']}: not reached"
        for event in events
        if event["seconds"] is None
    ]
    findings += [
        f"at {event['t']:.0f} s, during {event['during']}: {event['busy']:.2f} CPU seconds per second after it was reached"
        for event in events if event.get("busy", 0.0) > BUSY
    ]  # fmt: skip
    p99 = percentile(seconds, 0.99) if seconds else math.inf
    if p99 > LIMIT_S:
        slow = sorted(
            (event for event in events if event["seconds"] is not None), key=lambda event: -event["seconds"]
        )
        findings += [
            f"at {one['t']:.0f} s, during {one['during']}: {one['seconds']:.2f} s"
            for one in slow[:5]
            if one["seconds"] > LIMIT_S
        ]
    during = Counter(event["during"] for event in events)
    working = sum(count for what, count in during.items() if what not in ("idle", "nothing"))
    numbers = {
        "halts": len(events), "during work": working, "p50": percentile(seconds, 0.5) if seconds else None, "p99": p99 if seconds else None,
        "worst": max(seconds, default=None), "during": dict(during),
    }  # fmt: skip
    if findings:
        return failed(f"p99 {p99:.2f} s of {len(events)} halts, {LIMIT_S:g} s allowed", findings, **numbers)
    if not working:
        return short(f"{len(events)} halts, none of them while anything ran", **numbers)
    return passed(
        f"{len(events)} halts ({working} during work): p50 {numbers['p50']:.3f} s, p99 {p99:.3f} s, worst {max(seconds):.3f} s",
        **numbers,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
