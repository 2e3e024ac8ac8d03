"""The engine's readings over time: how each series is called and measured, and where it goes, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tui.model.spark import spark
from tui.model.text import Line, cell, span
from tui.model.words import number, signed, spread_of

MEASURE = 10
"""Cells of a reading with its unit, in the list of the smallest terminals."""


RATE = "h/s"
"""The unit that is written with a prefix: its readings reach from hundreds to thousands of millions."""
PREFIXES = (("G", 1e9), ("M", 1e6), ("k", 1e3))


class Series(NamedTuple):
    """How a known series is called and measured; `zero` = its axis begins there, `counts` = it only ever rises."""

    title: str
    unit: str
    zero: bool = False
    counts: bool = False


KNOWN: Mapping[str, Series] = {
    "engine.pss_mb": Series("Memory pss", "MB"),
    "engine.handles": Series("Handles", ""),
    "engine.loop_lag_ms": Series("Loop lag", "ms", zero=True),
    "engine.cpu": Series("CPU of one core", "%", zero=True),
    "compute.rate": Series("Throughput", RATE, zero=True),
    "engine.rss_mb": Series("Memory rss", "MB"),
    "engine.threads": Series("Threads", ""),
    "engine.tasks": Series("Tasks", ""),
    "engine.wal_mb": Series("Journal WAL", "MB", zero=True),
    "engine.children": Series("Child processes", "", zero=True),
    "engine.sockets": Series("Sockets", "", zero=True),
    "engine.files": Series("Files", "", zero=True),
    "engine.pipes": Series("Pipes", "", zero=True),
    "engine.disk_free_mb": Series("Disk free", "MB", zero=True),
    "engine.blocks": Series("Memory blocks", ""),
    "engine.gc": Series("Garbage runs", "", counts=True),
}


TITLES: Mapping[str, tuple[str, str]] = {name: (known.title, known.unit) for name, known in KNOWN.items()}


def known_as(name: str, got: Mapping[str, Any]) -> tuple[Series, Mapping[str, Any]]:
    """Return how a series is called, and its readings in that unit; one that is not known by its name in the engine."""
    known = KNOWN.get(name, Series(name, ""))
    greatest = max((abs(value) for value in got["values"] if value is not None), default=0.0)
    prefix, by = next(((each, by) for each, by in PREFIXES if greatest >= by), ("", 1.0))
    if known.unit != RATE or not prefix:
        return known, got
    values = [None if value is None else value / by for value in got["values"]]
    slope = {part: None if got[part] is None else got[part] / by for part in ("per_hour", "lo", "hi")}
    return known._replace(unit=f"{prefix}{RATE}"), {**got, **slope, "values": values}


def weighed(series: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the series of which growth says something: not those that count since the start."""
    return {name: got for name, got in series.items() if name not in KNOWN or not KNOWN[name].counts}


def titled(known: Series, got: Mapping[str, Any], cells: int) -> str:
    """Return what stands over a plot: the newest reading, its reach and its slope, as much as there is room for."""
    values = [value for value in got["values"] if value is not None]
    if not values:
        return f"{known.title} {known.unit}  no reading in this window"
    unit = f" {known.unit}" if known.unit else ""
    slope = _slope(got, known.unit)
    room = cells - 4
    long = f"{known.title} {number(values[-1])}{unit}  min {number(min(values))} max {number(max(values))}  {slope}"
    middle = f"{known.title} {number(values[-1])}{unit}  {slope}"
    return next(
        (text for text in (long, middle) if len(text) <= room),
        f"{known.title} {number(values[-1])}{unit}  {_brief(got)}",
    )


def trend(name: str, got: Mapping[str, Any] | None, cells: int) -> Line:
    """Return a series in one row: the newest reading, a spark, and its slope."""
    if got is None:
        return (cell(KNOWN.get(name, Series(name, "")).title, 15, "dim"),)
    known, got = known_as(name, got)
    values = [value for value in got["values"] if value is not None]
    value = number(values[-1]) if values else "–"
    head = [cell(known.title, 15, "dim"), span(" "), cell(value, 6, "head", right=True)]
    head += [span(" "), cell(known.unit, MEASURE - 7)]
    room = cells - 17 - MEASURE
    whole = f" {_slope(got, known.unit)}"
    tail = whole if len(whole) <= room else f" {_brief(got)}"
    return (*head, span(" "), span(spark(got["values"], max(0, room - len(tail))), "bar"), span(tail))


def _brief(got: Mapping[str, Any]) -> str:
    """Return the slope in a few letters."""
    if got["per_hour"] is None:
        return "slope ?"
    return "flat" if got["flat"] else f"{signed(got['per_hour'])}/h"


def _slope(got: Mapping[str, Any], unit: str) -> str:
    """Return the slope with its interval; flat = no change at all is compatible with the readings."""
    if got["per_hour"] is None:
        return "slope ?"
    sure = spread_of(got["per_hour"], got["lo"], got["hi"])
    text = f"{signed(got['per_hour'], 3)} {sure}{f' {unit}' if unit else ''}/h"
    return f"flat ({text})" if got["flat"] else text
