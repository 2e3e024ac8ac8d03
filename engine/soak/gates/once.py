"""Each draw, each request, each decision exactly once: nothing lost, nothing doubled, whatever died in between."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from engine.soak import kinds
from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records
from state.chain import canonical

TERMINAL = ("request.done", "request.failed", "request.rejected", "request.cancelled")
INVITED = ("done",)


def draws(records: Records) -> Outcome:
    """Every draw that was fed is stored once, with its value, and was taken by the live loop once."""
    if not records.of(kinds.AFTER):
        return short("the soak has not ended")
    stored = records.of(kinds.AFTER)[-1].data["draws"]
    findings = [*_values(records, stored), *_taken(records, len(stored)), *_doubled(records)]
    numbers: dict[str, Any] = {"stored": len(stored), "judged": len(records.room_of("draw.judged"))}
    if not stored:
        return failed("no draw was stored", **numbers)
    if findings:
        return failed(f"{len(findings)} draws are not there exactly once", findings, **numbers)
    return passed(
        f"{len(stored)} draws, each stored and taken once, {numbers['judged']} of them against a pool committed before",
        **numbers,
    )


def _values(records: Records, stored: list[int | None]) -> Iterator[str]:
    """Compare with what was fed: by place where draws came as a file, as a bag where they came as requests."""
    fed: dict[int, int] = {}
    for event in records.of(kinds.FED):
        fed.update(enumerate(event.data["values"], event.data["first"]))
    laid = [event for event in records.of(kinds.FED) if event.data.get("door") == "store"]
    if not laid:
        if len(stored) != max(fed) + 1:
            yield f"{max(fed) + 1} draws were fed, {len(stored)} are stored"
        for place, value in fed.items():
            if place < len(stored) and stored[place] != value:
                yield f"draw {place}: {value} was fed, {stored[place]} is stored"
        return
    done = {
        event.data["request"]: event.data.get("result") or {} for event in records.room_of("request.done")
    }
    asked = Counter(
        records.asked[key]["request"]["value"] for key, request in records.requests_by_key.items()
        if records.asked[key]["type"] == "inject_draw" and request in done
    )  # fmt: skip
    asked.update(value for event in laid for value in event.data["values"])
    kept = Counter(stored)
    for extra in (kept - asked).elements():
        yield f"value {extra} is stored more often than it was asked for"
    for lost in (asked - kept).elements():
        yield f"value {lost} was accepted and is not stored"


def _taken(records: Records, count: int) -> Iterator[str]:
    times: Counter[int] = Counter(event.data["for_draw"] for event in records.room_of("draw.judged"))
    for event in records.room_of("draws.unforecast"):
        times.update(range(event.data["first"], event.data["last"] + 1))
    for place in range(count):
        if times[place] != 1:
            yield f"draw {place}: taken {times[place]} times"


def _doubled(records: Records) -> Iterator[str]:
    """A second arrival of the same place would be a second delivery that counted."""
    end = -1
    for event in records.room_of("draws.arrived"):
        if event.data["first"] <= end:
            yield f"draws {event.data['first']} to {event.data['last']}: arrived again"
        end = max(end, event.data["last"])


def requests(records: Records) -> Outcome:
    """Every request asked for became one row with one end; files are archived once, with their result; ends are as asked."""
    if not records.of(kinds.AFTER) or records.interrupted:
        return short("the soak has not ended, or was interrupted")
    asked, by_key = records.asked, records.requests_by_key
    ends: dict[str, list[str]] = defaultdict(list)
    for event in records.room_of(*TERMINAL):
        ends[event.data["request"]].append(event.kind.removeprefix("request."))
    findings = [f"{key}: asked for, never on the queue" for key in asked if key not in by_key]
    findings += [
        f"{key}: {times} rows for one request"
        for key, times in records.rows_by_key.items()
        if times != 1 and key in asked
    ]
    for request, kind in records.kinds_of_requests.items():
        if len(ends[request]) != 1:
            findings.append(
                f"{request} ({kind}): {len(ends[request])} ends: {', '.join(ends[request]) or 'still open'}"
            )
    findings += [*_unlike(records, ends), *_archive(records), *_order(records)]
    states = Counter(state for each in ends.values() for state in each)
    if not records.kinds_of_requests:
        return failed("no request was ever on the queue")
    numbers: dict[str, Any] = {"asked": len(asked), "on the queue": len(records.kinds_of_requests), **states}
    if findings:
        return failed(f"{len(findings)} requests did not end once and as they must", findings, **numbers)
    told = ", ".join(f"{count} {state}" for state, count in states.items())
    return passed(
        f"{len(asked)} asked for, {len(records.kinds_of_requests)} on the queue, one end each: {told}",
        **numbers,
    )


def _unlike(records: Records, ends: dict[str, list[str]]) -> Iterator[str]:
    """A broken request must be rejected, every other one done."""
    whys = {event.data["request"]: event.data.get("why", "") for event in records.room_of(*TERMINAL)}
    for key, request in records.requests_by_key.items():
        broken = records.kinds_of_requests.get(request) == "invalid"
        good = ("rejected",) if broken else INVITED
        for state in ends[request]:
            if state not in good:
                yield f"{key} ({request}, {records.asked[key]['type']}): {state}: {whys[request][:120]}"


def _archive(records: Records) -> Iterator[str]:
    after = records.of(kinds.AFTER)[-1].data
    archived = Counter(after["archived"])
    for key, asked in records.asked.items():
        request = records.requests_by_key.get(key)
        if asked["door"] != "inbox" or request is None:
            continue
        for name in (f"{request}-{key}.json", f"{request}-{key}.result.json"):
            if archived[name] != 1:
                yield f"{key}: {archived[name]} archived files {name}"
    for place in ("inbox", "claimed"):
        if after[place]:
            yield f"{len(after[place])} files left in {place}: {', '.join(after[place][:3])}"


def _order(records: Records) -> Iterator[str]:
    """Requests of one priority are first taken in the order in which they came."""
    before = 0
    seen: set[str] = set()
    for event in records.room_of("request.claimed"):
        request = event.data["request"]
        if request in seen:
            continue
        seen.add(request)
        number = int(request.removeprefix("r-"))
        if number < before:
            yield f"{request} was taken after r-{before}, which came later"
        before = max(before, number)


def decisions(records: Records) -> Outcome:
    """Each decision stands once: numbers without a hole, and no two on the same evidence of the same step of a run."""
    events = records.room_of("decision")
    order = [int(str(event.data["decision"]).removeprefix("d-")) for event in events]
    findings = [
        f"d-{number}: missing or out of order" for place, number in enumerate(order, 1) if number != place
    ]
    same = Counter(
        (event.data["run"], event.data["step"], canonical(event.data["evidence"]), event.data["action"])
        for event in events
        if event.data["source"] == "rule" and event.data["run"]
    )
    findings += [
        f"{run} step {step}: {times} decisions {action} on the same evidence"
        for (run, step, _, action), times in same.items()
        if times > 1
    ]
    made = sum(event.data["source"] == "rule" for event in events)
    if not events:
        return failed("no decision was taken")
    if findings:
        return failed(f"{len(findings)} decisions do not stand once", findings, decisions=len(events))
    return passed(f"{len(events)} decisions, each once; {made} by rule", decisions=len(events), rule=made)
