"""The panels of the Overview: a view and a size in, a title and lines out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.model.fleet import fleet_lines
from tui.model.spark import bar, chart, spark
from tui.model.text import BLANK, Item, Line, Span, gapped, length, line, span, spread, table
from tui.model.words import (
    ACTIONS,
    LIGHTS,
    REQUESTS,
    STEPS,
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
    from tui.wire import Alert, Decision, Evidence, Request, Series, Snapshot, Step


SHARE_ROOM = 34
"""Cells that the excluded share and the power keep beside a long pool line."""


class Panel(NamedTuple):
    """One framed part of a screen."""

    title: str
    lines: Sequence[Line]


Painter = Callable[["View", int, int], Panel]

EMPTY: dict[str, tuple[str, str]] = {
    "evidence": (
        "mimicry pipeline",
        "verdict, best evidence against what is required, and the excluded share",
    ),
    "fleet": ("mimicry --no-ui", "one line per machine, one glyph per device"),
    "pipeline": ("mimicry pipeline", "steps 1, 2.5, 3, 4, 5, 6 with progress, and best against null"),
    "requests": ("mimicry pipeline", "work that waits, runs or has ended, and why"),
    "decisions": ("mimicry pipeline", "PROCEED, RETRY, ESCALATE; what code decided and advice, apart"),
    "engine": ("mimicry --no-ui", "memory and handles with their slopes"),
    "throughput": ("mimicry pipeline", "the rate over the last half hour"),
}


def empty(part: str, cells: int) -> list[Line]:
    """Say which command fills an empty panel and what will appear in it."""
    command, what = EMPTY[part]
    rows = [line(span(row, "dim")) for row in textwrap.wrap(f"here: {what}", max(10, cells))]
    return [line(span("empty until  ", "dim"), span(command, "key")), *rows]


def evidence(view: View, cells: int, rows: int) -> Panel:
    """Show the verdict, best evidence against what is required, the null twin, coverage and the pool."""
    if view.snapshot is None:
        return Panel("Evidence", empty("evidence", cells))
    found = view.snapshot.evidence
    sign = VERDICTS.get(found.verdict, UNKNOWN)
    said = found.line.removeprefix(f"{found.verdict}: ").removeprefix(f"{sign.word}: ")
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
        return Panel("Fleet", empty("fleet", cells))
    return Panel("Fleet", fleet_lines(view.snapshot.fleet, cells, rows, view.snapshot.throughput.unit))


def pipeline(view: View, cells: int, rows: int) -> Panel:
    """Show the six steps as a strip, and the current one with progress, best and null."""
    run = view.snapshot.pipeline if view.snapshot else None
    if run is None or not run.steps:
        return Panel("Pipeline", empty("pipeline", cells))
    title = f"Pipeline run {run.run}" if run.run else "Pipeline"
    step = current(run.steps)
    lines = [_strip(run.steps, cells), *_now(step, cells), _best(step, cells)]
    spare = rows - len(lines) - len(run.steps)
    if spare >= 0:
        lines += [
            *([BLANK] if spare else []),
            *table([_step_row(each) for each in run.steps], (1, 3, 12, 8, 11)),
        ]
    return Panel(title, lines)


def current(steps: Sequence[Step]) -> Step:
    """Return the step that matters now: running, else held, else failed, else the last one done, else the first."""
    for status in ("running", "held", "failed"):
        for step in steps:
            if step.status == status:
                return step
    done = [step for step in steps if step.status in ("done", "skipped")]
    return done[-1] if done else steps[0]


def _strip(steps: Sequence[Step], cells: int) -> Line:
    parts = [_mark(step) for step in steps]
    gap = "  " if sum(len(step.id) + 2 for step in steps) + 2 * (len(steps) - 1) <= cells else " "
    return gapped(parts, gap)


def _mark(step: Step) -> Line:
    sign = STEPS.get(step.status, UNKNOWN)
    return line(span(sign.glyph, sign.role), " ", span(step.id, "dim" if sign.role == "dim" else ""))


def _now(step: Step, cells: int) -> list[Line]:
    sign = STEPS.get(step.status, UNKNOWN)
    count = f"{step.done or 0:,}/{step.total:,}" if step.total else ""
    head = spread(
        [
            Item(0, line(span(f"{sign.glyph} {step.id} {step.name}", f"{sign.role}-strong"))),
            Item(1, line(span(sign.word, sign.role))),
            Item(2, line(count)),
        ],
        cells,
        gap=" ",
    )
    if not step.total:
        return [head, line(span(step.note, "dim"))]
    share = (step.done or 0) / step.total
    tail = f" {percent(share)}" + (f"  eta {duration(step.eta)}" if step.eta is not None else "")
    return [head, line("[", span(bar(share, max(4, min(40, cells - len(tail) - 2))), "bar"), "]" + tail)]


def _best(step: Step, cells: int) -> Line:
    items = [
        Item(0, line(span("best ", "dim"), span(number(step.best), "head"))),
        Item(1, line(span("null ", "dim"), number(step.null))),
        Item(2, line(span(step.note if step.total else "", "dim"))),
    ]
    return spread(items, cells)


def _step_row(step: Step) -> list[Span]:
    sign = STEPS.get(step.status, UNKNOWN)
    measured = f"best {number(step.best)} null {number(step.null)}" if step.best is not None else ""
    return [
        span(sign.glyph, sign.role),
        span(step.id),
        span(step.name),
        span(sign.word, sign.role),
        span(f"{step.done or 0:,}/{step.total:,}" if step.total else ""),
        span(measured, "dim"),
        span(step.note, "dim"),
    ]


def requests(view: View, cells: int, rows: int) -> Panel:
    """Show the queue, each row with the reason it waits, runs or ended."""
    shot = view.snapshot
    held = shot is not None and shot.mode in ("halted", "halting")
    count = f" {shot.requests_waiting} {'HELD' if held else 'waiting'}" if shot else ""
    if shot is None or not shot.requests:
        return Panel(f"Requests{count}", empty("requests", cells))
    wide = cells >= 60
    caps = (
        1,
        5 if cells >= 44 else 0,
        8 if wide else 0,
        16 if wide else 11,
        10 if wide else 0,
        3 if wide else 0,
        9,
    )
    return Panel(f"Requests{count}", table([_request_row(each) for each in shot.requests], caps))


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
        return Panel("Decisions", empty("decisions", cells))
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
        return Panel("Engine", empty("engine", cells))
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
        line(f"up {duration(self.uptime)}  pid {self.pid}  viewers {shot.readers}"),
        line(span("journal ", "dim"), f"seq {shot.seq}  head {shot.head[:16]}"),
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
        return Panel("Throughput", empty("throughput", cells))
    last = next((value for value in reversed(series.values) if value is not None), None)
    window = duration(series.seconds * len(series.values))
    return Panel(
        f"Throughput {number(last, 3)} {series.unit}  {window}",
        chart(series.values, series.seconds, cells, rows),
    )


def alerts(view: View, cells: int, rows: int) -> Panel:
    """List the alerts, newest first as the engine sends them."""
    shot = view.snapshot
    count = f" {len(shot.alerts)}" if shot else ""
    if shot is None or not shot.alerts:
        calm = line(span("● ", "ok"), "no alerts") if shot else BLANK
        return Panel(f"Alerts{count}", [calm, line(span("alerts appear here, newest first", "dim"))])
    return Panel(f"Alerts{count}", [alert_row(each) for each in shot.alerts])


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
