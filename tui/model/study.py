"""The study behind the trials: how they ended, the best one, what each parameter moved, and when something was last kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.model.plot import PRUNED
from tui.model.spark import bar
from tui.model.text import Item, Line, line, span, spread
from tui.model.words import duration, elapsed, number, percent

TALL = 8
"""Rows of a panel from which importance has a row of its own, with bars."""


def study_lines(told: Mapping[str, Any] | None, now: str, cells: int, rows: int) -> list[Line]:
    """Return one row, or three in a tall panel; `told` is the engine's `study/1`, `now` the time of what is shown."""
    if told is None:
        return []
    if told["run"] is None:
        return [spread([Item(0, line(span("no trial yet", "dim"))), _kept(told, now)], cells)]
    if rows < TALL:
        return [spread([_ended(told), _kept(told, now), _importance(told, short=True)], cells)]
    return [
        spread([_ended(told), _kept(told, now)], cells),
        _best(told),
        spread([_importance(told, short=False)], cells),
    ]


def _ended(told: Mapping[str, Any]) -> Item:
    pruned, whole = told["pruned"], told["complete"] + told["pruned"]
    least = "the newest " if told["cut"] else ""
    return Item(
        1,
        line(
            span(f"step {told['step']} trials ", "dim"),
            f"{told['complete']} complete, {PRUNED} {pruned} pruned of {least}{whole:,}, {told['running']} running",
        ),
        line(span("trials ", "dim"), f"{PRUNED} {pruned} pruned of {whole:,}"),
    )


def _kept(told: Mapping[str, Any], now: str) -> Item:
    kept = told["checkpoint"]
    if kept is None:
        return Item(2, line(span("kept ", "dim"), "nothing yet"))
    age = duration(elapsed(kept["at"], now))
    return Item(
        2,
        line(span("last kept ", "dim"), f"{kept['what']}, {age} ago"),
        line(span("kept ", "dim"), f"{age} ago"),
    )


def _importance(told: Mapping[str, Any], *, short: bool) -> Item:
    """Return what each parameter moved, in forms that name fewer and fewer of them."""
    shares = told["importance"]
    if not shares:
        return Item(3, line(span("importance ", "dim"), "too few trials"))
    forms = []
    for count in range(len(shares), 0, -1):
        parts: list[Any] = [span("importance", "dim")]
        for one in shares[:count]:
            drawn = [] if short else [" ", span(bar(one["share"], 8).rstrip() or "▏", "bar")]
            parts += [f"  {one['name']}", *drawn, span(f" {percent(one['share'])}", "head")]
        forms.append(line(*parts))
    return Item(3, *forms)


def _best(told: Mapping[str, Any]) -> Line:
    best = told["best"]
    if best is None:
        return line(span("best ", "dim"), "no trial has ended yet")
    params = "  ".join(
        f"{name} {number(value) if isinstance(value, float) else value}"
        for name, value in best["params"].items()
    )
    return line(
        span(f"best trial {best['trial']} ", "dim"),
        span(number(best["value"]), "head"),
        span("  with ", "dim"),
        params,
    )
