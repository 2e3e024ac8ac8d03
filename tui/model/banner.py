"""The rows that must not be overlooked: no engine, stale, frozen, an earlier moment, halted or halting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.model.halts import resume_cost
from tui.model.text import Line, Span, cut, span, wrap
from tui.model.view import View, mode_sign
from tui.model.words import clock, counted, duration, elapsed, stopwatch

if TYPE_CHECKING:
    from tui.wire import Halt, Snapshot


def banner(view: View, cells: int, most: int = 4) -> list[Line]:
    """Return what must not be overlooked: no engine, stale, frozen, halted or halting; at most `most` rows."""
    rows = [*_link_rows(view, cells), *_frozen_row(view), *_past_row(view), *_halt_rows(view)]
    return [
        cut((Span("▌", rows[i].role), Span(" "), *_strong_first(rows[i])), cells)
        for i in range(min(most, len(rows)))
    ]


def _strong_first(row: Span) -> Line:
    first, mark, rest = row.text.partition(" · ")
    return (Span(first, f"{row.role}-strong"), Span(mark + rest))


def _link_rows(view: View, cells: int) -> list[Span]:
    if view.trust == "live":
        return []
    if view.trust == "stale":
        return [
            span(
                f"? STALE {duration(view.silence)} · connected, but the engine sends nothing new",
                "stale",
            )
        ]
    link, old = view.link, view.snapshot is not None
    if link.state == "connecting":
        return [span(f"◌ CONNECTING {duration(view.silence)} · to the engine of {view.state}", "idle")]
    retry = f"retry in {duration(link.retry_in)}" if link.retry_in else "trying again"
    kept = f" · numbers below are {duration(view.age)} old" if old else ""
    return [
        span(f"? NO ENGINE {duration(view.silence)} · {retry} (attempt {link.attempt}){kept}", "fail"),
        *(span(f"  {row}", "fail") for row in wrap(link.detail, max(10, cells - 4))[:2]),
    ]


def _past_row(view: View) -> list[Span]:
    shot = view.snapshot
    if not view.past or shot is None:
        return []
    at = (f"{clock(shot.at, date=True)}", f"record {shot.seq}", "[ ] step")
    if view.recording:
        return [span(" · ".join((f"◀ RECORDING {view.recording}", *at, "nothing runs here")), "held")]
    now = mode_sign(view.newest)
    return [
        span(
            " · ".join((f"◀ REPLAY at {at[0]}", *at[1:], "Esc = live", f"engine now {now.glyph} {now.word}")),
            "held",
        )
    ]


def _frozen_row(view: View) -> list[Span]:
    if not view.frozen:
        return []
    now = mode_sign(view.newest)
    live = f"engine now {now.glyph} {now.word}" if view.trust == "live" else "engine not heard"
    return [span(f"‖ FROZEN · this view is {duration(view.age)} old · {live} · z = live", "held")]


def _halt_rows(view: View) -> list[Span]:
    shot = view.snapshot
    if shot is None or shot.halt is None:
        return []
    halt = shot.halt
    if halt.reached is None or shot.mode == "halting":
        return _pending(shot, halt)
    lasted = elapsed(halt.reached, shot.at)
    since = stopwatch(lasted) if lasted is not None else f"since {halt.reached}"
    return [
        span(f'‖ HALTED {since} · by {halt.by} · "{halt.reason}" · {halt.kind}', "held"),
        span(f"  {resume_cost(shot)} · {counted(shot.requests_waiting, 'request')} held", "held"),
    ]


def _pending(shot: Snapshot, halt: Halt) -> list[Span]:
    waited = elapsed(halt.asked, shot.at)
    since = stopwatch(waited) if waited is not None else f"since {halt.asked}"
    return [
        span(f'‖ HALTING {since} · {halt.kind} · by {halt.by} · "{halt.reason}"', "warn"),
        span("  no new work starts, what runs goes on until then · H now = stop at once", "warn"),
    ]
