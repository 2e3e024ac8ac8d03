"""Does anything grow? A slope with its interval per probe, after warm-up, within one life of the daemon, against a stated limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.soak import kinds
from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.plan import WARM_UP_S
from engine.soak.records import Records
from engine.soak.trend import Trend, trend

LEAST_S = 3600.0
"""Shorter steady time cannot show that something is flat; a leak that is certain fails from a third of it on."""
WAL_MB = 64.0
DISK_MB = 1024.0


@dataclass(frozen=True)
class Limit:
    """What a probe may do per hour: the upper bound of its slope's interval must not pass `most`."""

    probe: str
    most: float
    unit: str
    of: Literal["median", "floor"] = "median"
    life: str = "engine.pid"
    """The probe that tells one life from the next."""


MEMORY = (Limit("engine.pss_mb", 1.0, "MB"),)
ANON = (Limit("engine.anon_mb", 1.0, "MB"),)
"""Beside PSS: pages of libraries are shared out among whoever maps them, so PSS moves when a worker comes or goes; a leak is anonymous."""
COUNTS = tuple(Limit(f"engine.{name}", 1.0, "", "floor") for name in ("handles", "threads", "tasks"))
CHILDREN = tuple(
    Limit(f"{role}.pss_mb", 10.0, "MB", life=f"{role}.pid") for role in ("worker", "scheduler", "llm")
)
TRAINERS = (Limit("trainer.pss_mb", 10.0, "MB", life="engine.pid"),)


def memory(records: Records) -> Outcome:
    """The engine's own memory (PSS, and the anonymous part of it) grows by no more than 1 MB an hour."""
    return judge(records, (*MEMORY, *ANON))


def handles(records: Records) -> Outcome:
    """The floor of open handles, threads and tasks does not rise."""
    return judge(records, COUNTS)


def children(records: Records) -> Outcome:
    """Workers, trainers, scheduler and model server grow by no more than 10 MB an hour each."""
    return judge(records, (*CHILDREN, *TRAINERS), optional=True)


def judge(
    records: Records, limits: Sequence[Limit], *, least: float = LEAST_S, optional: bool = False
) -> Outcome:
    """Hold each probe to its limit; one that leaks fails, one that is not shown to be flat fails too, where the time was enough."""
    texts: list[str] = []
    findings: list[str] = []
    numbers: dict[str, Any] = {}
    waiting = False
    for limit in limits:
        times, values = steady(records, limit)
        span = times[-1] - times[0] if times else 0.0
        found = trend(times, values, of=limit.of)
        if found is None or (span < least and not _certain(found, limit, span, least)):
            if found is None and not values and (optional or limit in ANON):
                continue  # this machine, room or recording never had one
            waiting = True
            texts.append(f"{limit.probe}: {span / 60:.0f} min in one life, {least / 60:.0f} are needed")
            continue
        numbers[limit.probe] = {
            "per_hour": found.per_hour,
            "lo": found.lo,
            "hi": found.hi,
            "hours": found.hours,
            "inflation": found.inflation,
        }
        text = f"{limit.probe} {found.per_hour:+.3g} [{found.lo:+.3g}, {found.hi:+.3g}]{f' {limit.unit}' if limit.unit else ''}/h"
        texts.append(text)
        if found.hi > limit.most:
            how = "grows" if found.lo > 0 else "is not shown to be flat"
            findings.append(f"{limit.probe} {how}: {text}, at most {limit.most:g}/h are allowed")
    if findings:
        return failed("; ".join(findings), findings, **numbers)
    if waiting or not numbers:
        return short("; ".join(texts) or "no readings", **numbers)
    return passed("; ".join(texts), **numbers)


def _certain(found: Trend, limit: Limit, span: float, least: float) -> bool:
    """Say whether a short look is enough to see a leak: even the lower bound lies beyond the limit."""
    return span >= least / 3 and found.lo > limit.most


def steady(records: Records, limit: Limit) -> tuple[list[float], list[float]]:
    """Return times and values of the longest life after its warm-up."""
    best: tuple[list[float], list[float]] = ([], [])
    life: float | None = None
    times: list[float] = []
    values: list[float] = []
    rest = min(WARM_UP_S, records.plan.warm_up)
    begun = 0.0
    for event in records.of(kinds.READING):
        read, at = event.data["values"], float(event.data["t"])
        if limit.life in read and read[limit.life] != life:
            if times and times[-1] - times[0] > _span(best):
                best = (times, values)
            life, times, values, begun = read[limit.life], [], [], at
        if event.data["steady"] and at - begun >= rest and limit.probe in read:
            times.append(at)
            values.append(float(read[limit.probe]))
    if times and times[-1] - times[0] > _span(best):
        best = (times, values)
    return best


def _span(series: tuple[list[float], list[float]]) -> float:
    return series[0][-1] - series[0][0] if series[0] else -1.0


def disk(records: Records) -> Outcome:
    """The write-ahead log stays small, the disk does not run full, and the journal's growth is known."""
    readings = [(float(event.data["t"]), event.data["values"]) for event in records.of(kinds.READING)]
    sizes = [(at, values["journal.mb"]) for at, values in readings if "journal.mb" in values]
    if len(sizes) < 2:
        return short("fewer than two readings of the journal")
    wal = max(values.get("journal.wal_mb", 0.0) for _, values in readings)
    free = min(values["disk.free_mb"] for _, values in readings if "disk.free_mb" in values)
    hours = (sizes[-1][0] - sizes[0][0]) / 3600.0
    rate = (sizes[-1][1] - sizes[0][1]) / hours if hours > 0 else 0.0
    numbers = {"wal_mb": wal, "free_mb": free, "journal_mb_per_hour": rate}
    findings = [f"the write-ahead log reached {wal:.0f} MB, {WAL_MB:g} are allowed"] if wal > WAL_MB else []
    if free < DISK_MB and not records.of(kinds.FAULT):
        findings.append(f"only {free:.0f} MB of disk were left")
    if findings:
        return failed("; ".join(findings), findings, **numbers)
    return passed(
        f"WAL at most {wal:.1f} MB; the journal grows by {rate:.1f} MB/h; {free / 1024:.1f} GB of disk left",
        **numbers,
    )
