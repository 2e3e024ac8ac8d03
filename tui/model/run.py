"""The panel of the pipeline: the six steps as a strip, the one that matters now with its progress, best and null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.model.panel import Panel, empty
from tui.model.spark import bar
from tui.model.text import BLANK, Item, Line, Span, gapped, line, span, spread, table
from tui.model.words import STEPS, UNKNOWN, duration, number, percent

if TYPE_CHECKING:
    from tui.model.view import View
    from tui.wire import Step


def pipeline(view: View, cells: int, rows: int) -> Panel:
    """Show the six steps as a strip, and the current one with progress, best and null."""
    run = view.snapshot.pipeline if view.snapshot else None
    if run is None or not run.steps:
        return Panel("Pipeline", empty("pipeline", cells, view))
    title = f"Pipeline run {run.run}" if run.run else "Pipeline"
    step = current(run.steps)
    lines = [_strip(run.steps, cells), *_now(step, cells), *_best(step, cells)]
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


def _best(step: Step, cells: int) -> list[Line]:
    """Return best and null of a step, none where it measures neither and notes nothing."""
    measured = step.best is not None or step.null is not None
    items = [
        Item(0, line(span("best ", "dim"), span(number(step.best), "head")) if measured else BLANK),
        Item(1, line(span("null ", "dim"), number(step.null)) if measured else BLANK),
        Item(2, line(span(step.note if step.total else "", "dim"))),
    ]
    return [spread(items, cells)] if any(item.forms for item in items) else []


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
