"""Was the space that a verdict excludes really searched: no chunk missing, each canary found, each planted twin found?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records


def coverage(records: Records) -> Outcome:
    """Where a search says that it is exhausted, its chunks lie side by side from the first to the last."""
    done: dict[str, set[int]] = defaultdict(set)
    for event in records.room_of("chunk.done"):
        done[event.data["sweep"]].add(int(event.data["index"]))
    findings = [*_holes(records, done), *_uncounted(records, done)]
    rows = records.room_of("coverage.added")
    chunks = sum(map(len, done.values()))
    numbers: dict[str, Any] = {"sweeps": len(done), "chunks": chunks, "rectangles": len(rows)}
    if not chunks:
        return failed("no chunk was searched", **numbers)
    if findings:
        return failed("the coverage has holes", findings, **numbers)
    if not rows:
        return short(f"{chunks} chunks, but no search went to its end: nothing was excluded", **numbers)
    return passed(
        f"{chunks} chunks of {len(done)} sweeps; {len(rows)} rectangles searched to their end, without a hole",
        **numbers,
    )


def _holes(records: Records, done: dict[str, set[int]]) -> Iterator[str]:
    """The sweeps that were searched in a run whose verdict is `exhausted` must be whole."""
    for sweep in _exhausted(records):
        indexes = done.get(sweep, set())
        missing = sorted(set(range(max(indexes, default=-1) + 1)) - indexes)
        if missing:
            yield f"sweep {sweep}: chunk {missing[0]} of {max(indexes) + 1} was never done"


def _exhausted(records: Records) -> set[str]:
    found: set[str] = set()
    pending: set[str] = set()
    for event in records.room:
        if event.kind == "chunk.done":
            pending.add(event.data["sweep"])
        elif event.kind == "verdict":
            if event.data.get("stopped_by") == "exhausted":
                found |= pending
            pending = set()
    return found


def _uncounted(records: Records, done: dict[str, set[int]]) -> Iterator[str]:
    """A rectangle may not claim more chunks than the run's sweeps have results."""
    total = sum(map(len, done.values()))
    for event in records.room_of("coverage.added"):
        if int(event.data["chunks"]) > total:
            yield f"{event.data['run']}: a rectangle rests on {event.data['chunks']} chunks, {total} are on record"


def canaries(records: Records) -> Outcome:
    """Every chunk found the seed that was hidden in it, every rectangle the truths that were planted beside it."""
    chunks = [event.data for event in records.room_of("chunk.done")]
    asked = [chunk for chunk in chunks if chunk.get("meta", {}).get("canary")]
    missed = [
        f"{chunk['sweep']} #{chunk['index']}: canary missed"
        for chunk in asked
        if not chunk["meta"]["canary"][-1]
    ]
    blind = len(chunks) - len(asked)
    planted: Counter[str] = Counter()
    for event in records.room_of("coverage.added"):
        planted["planted"] += int(event.data["planted"])
        planted["found"] += int(event.data["found"])
    if planted["found"] < planted["planted"]:
        missed.append(
            f"{planted['planted'] - planted['found']} of {planted['planted']} planted truths were not found"
        )
    numbers: dict[str, Any] = {"canaries": len(asked), "without": blind, **planted}
    if missed or (chunks and not asked):
        return failed("canaries were missed" if asked else "no chunk carried a canary", missed, **numbers)
    if not chunks:
        return failed("no chunk was searched", **numbers)
    return passed(
        f"{len(asked)} of {len(asked)} canaries and {planted['found']} of {planted['planted']} planted truths found",
        **numbers,
    )
