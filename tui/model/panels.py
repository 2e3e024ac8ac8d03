"""The panels of the Overview: a view and a size in, a title and lines out."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tui.model.fleet import fleet_lines
from tui.model.panel import Panel, empty
from tui.model.spark import bar, chart, spark
from tui.model.text import BLANK, Item, Line, Span, length, line, span, spread, table
from tui.model.words import (
    ACTIONS,
    LIGHTS,
    REQUESTS,
    UNKNOWN,
    VERDICTS,
    Sign,
    bits,
    clock,
    duration,
    megabytes,
    number,
    percent,
    slope,
)

if TYPE_CHECKING:
    from tui.model.view import View
    from tui.wire import Alert, Decision, Evidence, Request, Series, Snapshot


SHARE_ROOM = 34
"""Cells that the excluded share and the power keep beside a long pool line."""


def evidence(view: View, cells: int, rows: int) -> Panel:
    """Show the verdict, best evidence against what is required, the null twin, coverage and the pool."""
    if view.snapshot is None:
        return Panel("Evidence", empty("evidence", cells, view))
    found = view.snapshot.evidence
    sign = VERDICTS.get(found.verdict, UNKNOWN)
    said = found.line
    for name in (found.verdict, sign.word):  # the sign has said it
        said = said.removeprefix(name).lstrip(": ") if said.startswith(name) else said
    first = line(span(f"{sign.glyph} {sign.word}", f"{sign.role}-strong"), "  ", said)
    lines = [first, _strength(found, cells), *_coverage(found, cells, rows)]
    return Panel("Evidence", lines)


def _strength(found: Evidence, cells: int) -> Line:
    share = (found.best_bits or 0.0) / found.required_bits if found.required_bits > 0 else 0.0
    reached = found.best_bits is not None and found.best_bits >= found.required_bits
    best = "none yet" if found.best_bits is None else bits(found.best_bits)
    gauge = line(span("["), span(bar(share, 10), "ok" if reached else "bar"), span("]"))
    items = [
        Item(0, line(span("best ", "dim"), span(best, "head"), f" of {found.required_bits:.2f} bits")),
        Item(4, gauge),
        Item(
            1,
            line(span("null twin ", "dim"), bits(found.null_bits)),
            line(span("null ", "dim"), bits(found.null_bits)),
        ),
        Item(2, line(found.best or "")),
    ]
    return spread(items, cells)


def _coverage(found: Evidence, cells: int, rows: int) -> list[Line]:
    share = "nothing yet" if found.excluded_share is None else percent(found.excluded_share)
    items = [
        Item(
            1,
            line(span("excluded ", "dim"), f"{share} of the asked space"),
            line(span("excluded ", "dim"), share),
        ),
        Item(2, line(span("power ", "dim"), percent(found.power))),
        Item(3, line(span("draws ", "dim"), f"{found.draws:,}")),
    ]
    pool = line(span("" if "pool" in found.pool else "pool ", "dim"), found.pool)
    if rows >= 4:
        return [spread(items, cells, gap=" · "), pool]
    # The pool may be a long sentence: it is the share and the power before it are not.
    left = spread(items, max(SHARE_ROOM, cells - length(pool) - 3), gap=" · ")
    return [(*left, Span(" · "), *pool)]


def fleet(view: View, cells: int, rows: int) -> Panel:
    """Show one line per machine, one glyph per device."""
    if view.past:
        live = "" if view.recording else ": see them live (Esc)"
        return Panel("Fleet", [line(span(f"devices are not in the journal{live}", "dim"))])
    if view.snapshot is None or not view.snapshot.fleet:
        return Panel("Fleet", empty("fleet", cells, view))
    hosts, unit = view.snapshot.fleet, view.snapshot.throughput.unit
    untitled = len(hosts) >= rows and any(host.rate is not None for host in hosts)
    return Panel(f"Fleet  {unit}" if untitled else "Fleet", fleet_lines(hosts, cells, rows, unit))


def requests(view: View, cells: int, rows: int) -> Panel:
    """Show the queue, each row with the reason it waits, runs or ended; reasons below where they do not fit and there is room."""
    shot = view.snapshot
    held = shot is not None and shot.mode in ("halted", "halting")
    count = f" {shot.requests_waiting} {'HELD' if held else 'waiting'}" if shot else ""
    if shot is None or not shot.requests:
        return Panel(f"Requests{count}", empty("requests", cells, view))
    wide, below = cells >= 60, len(shot.requests) * 2 <= rows
    caps = (
        1,
        5 if cells >= 44 else 0,
        8 if wide else 0,
        16 if wide else 14,
        10 if wide else 0,
        3 if wide else 0,
        9,
    )
    lines = table([_request_row(each) for each in shot.requests], caps)
    if below and any(length(each) > cells for each in lines):
        lines = table([_request_row(each)[:-1] for each in shot.requests], caps)
        reasons = [line(span(f"  {each.why}", "dim")) for each in shot.requests]
        lines = [each for pair in zip(lines, reasons, strict=True) for each in pair]
    return Panel(f"Requests{count}", lines)


def _request_row(each: Request) -> list[Span]:
    sign = REQUESTS.get(each.state, UNKNOWN)
    return [
        span(sign.glyph, sign.role),
        span(clock(each.at), "dim"),
        span(each.id),
        span(each.kind),
        span(each.origin, "dim"),
        span(f"p{each.priority}", "dim"),
        span(sign.word, sign.role),
        span(each.why),
    ]


def decisions(view: View, cells: int, rows: int) -> Panel:
    """Show what the code decided, by which source, and apart from it what was advised; reasons where they fit."""
    if view.snapshot is None or not view.snapshot.decisions:
        return Panel("Decisions", empty("decisions", cells, view))
    shown = view.snapshot.decisions
    wide, below = cells >= 60, len(shown) * 2 <= rows
    full = cells >= 110 or (wide and below)
    caps = (1, 8 if wide else 5, 3, 8, 10 if wide else 4, 29 if full else 12)
    lines = table([_decision_row(each, wide, full, inline=wide and not below) for each in shown], caps)
    if below:
        reasons = [line(span(f"  {each.reason}", "dim")) for each in shown]
        lines = [each for pair in zip(lines, reasons, strict=True) for each in pair]
    return Panel("Decisions", lines)


def _decision_row(each: Decision, wide: bool, full: bool, *, inline: bool) -> list[Span]:
    sign = ACTIONS.get(each.action, UNKNOWN)
    same = each.advice == each.action
    advice = "=" if same else each.advice if full else each.advice.partition("(")[0]
    return [
        span(sign.glyph, sign.role),
        span(clock(each.at, seconds=wide), "dim"),
        span(each.step),
        span(sign.word, sign.role),
        span(each.source),
        span(f"advice {advice}", "dim" if advice.startswith("none") else ""),
        span(each.reason if inline else "", "dim"),
    ]


def engine(view: View, cells: int, rows: int) -> Panel:
    """Show the daemon's own health: memory and handles with trend and slope, journal size."""
    if view.snapshot is None:
        return Panel("Engine", empty("engine", cells, view))
    shot, self = view.snapshot, view.snapshot.engine
    memory, name = (self.pss_mb, "pss") if self.pss_mb is not None else (self.rss_mb, "rss")
    wal = f"  wal {megabytes(self.wal_mb)}"
    lines = [
        _trend(name, megabytes(memory), self.memory, slope(self.memory_slope, "MB/h", 0.05), cells),
        _trend(
            "handles",
            str(self.handles),
            self.handle_series,
            slope(self.handle_slope, "/h", 0.05) + wal,
            cells,
        ),
        line(
            f"threads {self.threads}  tasks {self.tasks}  lag {self.loop_lag_ms:.0f}ms  cpu {percent(self.cpu)}"
        ),
        *([] if view.past else [line(f"up {duration(self.uptime)}  pid {self.pid}  viewers {shot.readers}")]),
        line(span("journal ", "dim"), f"seq {shot.seq}  head {shot.head[:16]}"),
        *(line(span("▲ degraded ", "warn"), each) for each in shot.degraded),
    ]
    return Panel("Engine", lines)


def _trend(name: str, value: str, series: Series, tail: str, cells: int) -> Line:
    head = f"{name} {value} "
    room = min(60, max(0, cells - len(head) - len(tail) - 1))
    return line(
        span(f"{name} ", "dim"),
        span(f"{value} ", "head"),
        span(spark(series.values, room), "bar"),
        f" {tail}",
    )


def throughput(view: View, cells: int, rows: int) -> Panel:
    """Chart the rate over the window, gaps as gaps."""
    series = view.window or (view.snapshot.throughput if view.snapshot else None)
    if series is None or all(value is None for value in series.values):
        return Panel("Throughput", empty("throughput", cells, view))
    # The newest cell is still being filled; what is older than the one before it is not the rate of now.
    last = next((value for value in reversed(series.values[-2:]) if value is not None), None)
    window = duration(series.seconds * len(series.values))
    return Panel(
        f"Throughput {number(last, 3)} {series.unit}  {window}",
        chart(series.values, series.seconds, cells, rows, end="then" if view.past else "now"),
    )


def alerts(view: View, cells: int, rows: int) -> Panel:
    """List the alerts, newest first as the engine sends them."""
    shot = view.snapshot
    count = f" {len(shot.alerts)}" if shot else ""
    if shot is None or not shot.alerts:
        calm = line(span("● ", "ok"), "no alerts") if shot else BLANK
        return Panel(f"Alerts{count}", [calm, line(span("alerts appear here, newest first", "dim"))])
    whole = [row for each in shot.alerts for row in _unfolded(each, cells)]
    return Panel(f"Alerts{count}", whole if len(whole) <= rows else [alert_row(each) for each in shot.alerts])


def _unfolded(each: Alert, cells: int) -> list[Line]:
    """Return one alert in as many rows as its text needs."""
    head = alert_row(each)[:-1]
    first, *more = textwrap.wrap(each.text, max(12, cells - 2), initial_indent=" " * (length(head) - 2)) or [
        ""
    ]
    return [(*head, span(first.strip())), *(line(span(f"  {row}")) for row in more)]


def alert_row(each: Alert) -> Line:
    """Return one alert as a row: when, how bad, what."""
    sign: Sign = LIGHTS.get(each.level, UNKNOWN)
    return line(
        span(f"{clock(each.at, seconds=True)} ", "dim"),
        span(f"{sign.glyph} {sign.word} ", sign.role),
        each.text,
    )


def degraded(shot: Snapshot | None) -> Span | None:
    """Return the list of what runs degraded, or None when nothing does."""
    if shot is None or not shot.degraded:
        return None
    return span(f"▲ degraded: {'; '.join(shot.degraded)}", "warn")
