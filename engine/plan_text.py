"""A plan as text for a person at an 80-column terminal; the same facts as `plan/1`, no others."""

from __future__ import annotations

from collections import Counter

from engine.report import WIDTH, duration, many, quantity, row
from engine.search.outline import Outline, PlannedCell

SHOWN = 8
FAMILIES_SHOWN = 14


def render(plan: Outline, *, every: bool = False) -> str:
    """Return totals, the first cells (or every one), the time per family, and what is not planned with the reason."""
    lines = [
        "",
        f"PLAN  {many(plan.totals.cells, 'cell')} of {many(plan.totals.families, 'family')}",
        "─" * WIDTH,
    ]
    lines += _totals(plan)
    cells = plan.cells if every else plan.cells[:SHOWN]
    for number, cell in enumerate(cells, start=1):
        lines += ["", *_cell(number, cell)]
    if len(cells) < len(plan.cells):
        lines += ["", f"      and {len(plan.cells) - len(cells)} more cells (--all, or --json -)"]
    lines += _families(plan, every) + _unplanned(plan)
    return "\n".join(lines)


def _totals(plan: Outline) -> list[str]:
    totals = plan.totals
    lines = row("draws", f"{plan.draws}; a claim needs an error rate of at most {plan.alpha:g}")
    lines += row(
        "range", "; ".join(f"{one.range[0]}..{one.range[1]} {one.reason}" for one in plan.range_candidates)
    )
    lines += row(
        "searches", f"{quantity(totals.hypotheses)} hypotheses, {duration(totals.core_seconds)} of one core"
    )
    if totals.excluded_before:
        lines += row(
            "",
            f"{quantity(totals.excluded_before)} more are excluded by earlier runs (mimicry coverage FILE)",
        )
    workers = f"{plan.workers} worker{'s' * (plan.workers != 1)}"
    if totals.within == totals.cells:
        return lines + row("takes", f"about {duration(totals.seconds)} with {workers}")
    return lines + row(
        "takes",
        f"about {duration(totals.seconds)} with {workers}; --time-limit {plan.time_limit:g} reaches the first {totals.within} cells",
    )


def _cell(number: int, cell: PlannedCell) -> list[str]:
    session = f" session {cell.session}" if cell.session else ""
    session += " backward" if cell.direction == "backward" else ""
    head = f"{number:>4}  {cell.family} {cell.mapping} {cell.range[0]}..{cell.range[1]}{session}"
    cost = f"{quantity(cell.hypotheses)} hypotheses {duration(cell.seconds):>5}"
    rule = f"noise {cell.noise:g}  keep {cell.threshold.matched} of {cell.threshold.of}, confirm on {cell.confirm or 'all'}"
    return [
        f"{head:<{WIDTH - len(cost) - 1}} {cost}" if len(head) + len(cost) < WIDTH else head[:WIDTH],
        f"      seeds {cell.seeds}",
        f"      starts {_span(cell.starts)}  gaps {_span(cell.gaps)}  {rule}  {_way(cell)}",
    ]


def _way(cell: PlannedCell) -> str:
    return cell.route if cell.together == 1 else f"one pass of {cell.together}"


def _span(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}:{ends[1]}"


def _families(plan: Outline, every: bool) -> list[str]:
    """Return per family, in the order in which the search reaches them: cells, how many the time limit reaches, seconds."""
    cells = Counter(cell.family for cell in plan.cells)
    reached = Counter(cell.family for cell in plan.cells if cell.done_after <= plan.time_limit)
    seconds = Counter[str]()
    for cell in plan.cells:
        seconds[cell.family] += cell.seconds  # type: ignore[assignment]
    shown = list(cells) if every else list(cells)[:FAMILIES_SHOWN]
    lines = ["", f"{'family':<34} {'cells':>7} {'in time':>8} {'core time':>10}"] if cells else []
    lines += [
        f"{name[:34]:<34} {cells[name]:>7} {reached[name]:>8} {duration(seconds[name]):>10}" for name in shown
    ]
    rest = len(cells) - len(shown)
    return lines + ([f"and {rest} more families (--all)"] if rest else [])


def _unplanned(plan: Outline) -> list[str]:
    reasons = Counter(one.reason for one in plan.unplanned)
    lines = [""] if reasons else []
    for reason, count in reasons.most_common(6):
        lines += row("unplanned", f"{many(count, 'cell')}: {reason}")
    return lines + (row("", f"and {len(reasons) - 6} more reasons (--json -)") if len(reasons) > 6 else [])
