"""What draws could identify, as text for a person at an 80-column terminal; the same facts as `identifiable/1`, no others."""

from __future__ import annotations

import textwrap
from collections import Counter

from engine.report import WIDTH, row
from engine.search.identifiable import Identifiable, Need, Total

SHOWN = 12
FAMILIES_SHOWN = 4
INDENT = " " * 38
ROUTES = {
    "seed": "by seed",
    "state": "by state",
    "recurrence": "recurrence",
}


def render(made: Identifiable, *, every: bool = False) -> str:
    """Return how many families each route could identify, and what each group needs (every one, or the first of the first range)."""
    lines = ["", f"IDENTIFIABLE  with {made.draws} draws", "─" * WIDTH]
    lines += row(
        "claim",
        f"at an error rate of at most {made.alpha:g}, gap law {made.gap_law}, noise {made.noise:g}",
    )
    lines += row(
        "range", "; ".join(f"{one.range[0]}..{one.range[1]} {one.reason}" for one in made.range_candidates)
    )
    for why in made.hopeless:
        lines += row("hopeless", why)
    for total in made.totals:
        lines += _total(total, made) if total.families else []
    return "\n".join(lines + _needs(made, every) + _impossible(made))


def _total(total: Total, made: Identifiable) -> list[str]:
    text = f"{total.identifiable} of {total.families} families" + (
        f", {total.partly} more in part" if total.partly else ""
    )
    further = min(
        (need.draws for need in made.needs if need.route == total.route and need.draws and need.missing),
        default=None,
    )
    return row(ROUTES[total.route], text + (f"; the next need {further:,} draws" if further else ""))


def _needs(made: Identifiable, every: bool) -> list[str]:
    """Return a table for each range, fewest draws first."""
    spans = list(dict.fromkeys(need.range for need in made.needs))
    lines = []
    for span in spans if every else spans[:1]:
        own = [need for need in made.needs if need.range == span]
        lines += [
            "",
            f"range {span[0]}..{span[1]}",
            f"{'draws':>7} {'missing':>8} {'route':<11}{'bits':>8}  families",
        ]
        lines += [line for need in (own if every else own[:SHOWN]) for line in _need(need, every)]
        lines += (
            [f"        and {len(own) - SHOWN} more rows (--all)"] if len(own) > SHOWN and not every else []
        )
    left = len(spans) - 1
    return lines + (
        [f"and {left} more range{'s' * (left > 1)} (--all, or --json -)"] if left > 0 and not every else []
    )


def _need(need: Need, every: bool) -> list[str]:
    enough = "-" if need.missing == 0 else f"{need.missing:,}" if need.missing else ""
    head = (
        f"{f'{need.draws:,}' if need.draws else 'none':>7} {enough:>8} {need.route:<11}{need.bits:>8,.0f}  "
    )
    shown = list(need.families) if every else list(need.families)[:FAMILIES_SHOWN]
    more = len(need.families) - len(shown)
    text = (
        ", ".join(shown) + (f" and {more} more" if more else "") + (f": {need.reason}" if need.reason else "")
    )
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=INDENT, break_on_hyphens=False)


def _impossible(made: Identifiable) -> list[str]:
    reasons = Counter(one.reason for one in made.impossible)
    lines = [""] if reasons else []
    for reason, count in reasons.most_common(3):
        lines += row("impossible", f"{count} mapping{'s' * (count > 1)}: {reason}")
    return lines + (row("", f"and {len(reasons) - 3} more reasons (--json -)") if len(reasons) > 3 else [])
