"""Was the space that a verdict excludes really searched: no chunk missing, each canary found, each planted truth found?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records

SEEDS = re.compile(r"\|-?\d+:-?\d+\|(\d+)(?::(\d+))?\|\d+:\d+\|")
"""The seeds of a sweep as its name tells them: range of draws, seeds, starts."""
EXHAUSTED, OF_A_RUN = "exhausted", "run-"


def coverage(records: Records) -> Outcome:
    """Where a search says that it is exhausted, the seeds of its chunks make up the whole interval, each chunk once."""
    done: dict[str, dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for event in records.room_of("chunk.done"):
        done[event.data["sweep"]][int(event.data["index"])] = event.data.get("meta", {})
    chunks, exhausted = sum(map(len, done.values())), _exhausted(records)
    findings = [hole for sweep in sorted(exhausted) for hole in _holes(sweep, done.get(sweep, {}))]
    numbers: dict[str, Any] = {"sweeps": len(done), "chunks": chunks, "exhausted": len(exhausted)}
    if not chunks:
        return failed("no chunk was searched", **numbers)
    if findings:
        return failed("the coverage has holes", findings, **numbers)
    if not exhausted:
        return short(f"{chunks} chunks, but no search went to its end: nothing was excluded", **numbers)
    return passed(
        f"{len(exhausted)} sweeps searched to their end without a hole; {chunks} chunks in all", **numbers
    )


def _holes(sweep: str, chunks: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    missing = sorted(set(range(max(chunks, default=-1) + 1)) - set(chunks))
    if missing:
        yield f"{sweep}: chunk {missing[0]} was never done"
    named, sizes = SEEDS.search(sweep), [meta.get("seeds") for meta in chunks.values()]
    if named is None or any(size is None for size in sizes):
        return  # algebra decides all states at once; there are no seeds to count
    low, high = int(named[1]), int(named[2] or named[1])
    searched = sum(int(size) for size in sizes if size is not None)
    if searched != high - low + 1:
        yield f"{sweep}: {searched} of {high - low + 1} seeds were searched"


def _exhausted(records: Records) -> set[str]:
    """Return the sweeps behind the verdicts `exhausted`: those of an identification that were billed since the verdict before."""
    found: set[str] = set()
    pending: set[str] = set()
    for event in records.room:
        if event.kind == "bill.charged":
            if "family" in event.data["detail"] and not event.data["key"].startswith(OF_A_RUN):
                pending.add(event.data["key"])
        elif event.kind == "verdict":
            if event.data.get("stopped_by") == EXHAUSTED:
                found |= pending
            pending = set()
    return found


def canaries(records: Records) -> Outcome:
    """Every chunk found the seed that was hidden in it and the truths that were planted beside it."""
    chunks = [event.data for event in records.room_of("chunk.done")]
    asked = [chunk for chunk in chunks if chunk.get("meta", {}).get("canary")]
    missed = [
        f"{chunk['sweep']} #{chunk['index']}: canary missed"
        for chunk in asked
        if not chunk["meta"]["canary"][-1]
    ]
    planted: Counter[str] = Counter()
    for chunk in asked:
        meta = chunk["meta"]
        planted["planted"] += int(meta.get("planted") or 0)
        planted["found"] += int(meta.get("found") or 0)
        if meta.get("seeds") is not None and meta.get("found") != meta.get("planted"):
            missed.append(
                f"{chunk['sweep']} #{chunk['index']}: {meta['found']} of {meta['planted']} planted truths found"
            )
    numbers: dict[str, Any] = {"canaries": len(asked), "without": len(chunks) - len(asked), **planted}
    if missed or (chunks and not asked):
        return failed("canaries were missed" if asked else "no chunk carried a canary", missed, **numbers)
    if not chunks:
        return failed("no chunk was searched", **numbers)
    told = f"{planted['found']} of {planted['planted']} planted truths"
    return passed(f"{len(asked)} of {len(chunks)} canaries and {told} found", **numbers)
