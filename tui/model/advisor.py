"""The advisor as a panel: is it up, how fast, how often valid, who answered, what it cost; one report of the engine in, lines out."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from tui.model.panel import Panel
from tui.model.text import Item, Line, line, span, spread
from tui.model.words import STATES, Sign, number, percent

TITLE = "Advisor: it may only make a decision more careful"


def advisor(told: Mapping[str, Any] | None, cells: int) -> Panel:
    """Return the panel; `told` is the engine's `llm_status/1`, None before it came."""
    if told is None:
        return Panel(TITLE, [line(span("no report of the advisor yet", "dim"))])
    state = str(told["state"])
    sign = STATES.get(
        state, Sign("◌" if state == "none" else "●", state, "idle" if state == "none" else "ok")
    )
    head = line(span(f"{sign.glyph} {state}", f"{sign.role}-strong"), f"  {told['why'] or ''}")
    if "answers" not in told:
        fix = "configure it under [llm] in room.toml; decisions are made without advice until then"
        return Panel(TITLE, [head, *(line(span(row, "dim")) for row in textwrap.wrap(fix, max(12, cells)))])
    return Panel(
        TITLE,
        [head, _server(told, cells), _answers(told, cells), spread([*_agreement(told), *_cost(told)], cells)],
    )


def _server(told: Mapping[str, Any], cells: int) -> Line:
    speed = told["tokens_per_second"]
    items = [
        Item(0, line(span("model ", "dim"), str(told["model"] or "not loaded"))),
        Item(1, line(span("speed ", "dim"), "not measured" if speed is None else f"{speed:.0f} tokens/s")),
        Item(2, line(span("waiting ", "dim"), f"{told['waiting']} of {told['queue']}")),
        Item(4, line(span("context ", "dim"), f"{told['context'] or '–'} tokens")),
        Item(3, line(span("restarts ", "dim"), str(told["restarts"]))),
    ]
    return spread(items, cells)


def _answers(told: Mapping[str, Any], cells: int) -> Line:
    tried, by = told["valid"] + told["invalid"], told["answers"]
    whole = sum(by.values())
    bad = [name for name, why in told["grammars"].items() if why != "ok"]
    items = [
        Item(0, line(span("valid ", "dim"), f"{told['valid']} of {tried}" if tried else "nothing asked")),
        Item(1, line(span("by ", "dim"), f"model {by['llm']}, cloud {by['claude']}, nobody {by['none']}")),
        Item(2, line(span("unanswered ", "dim"), percent(by["none"] / whole) if whole else "–")),
        Item(3, line(span(f"▲ grammars unfit: {', '.join(bad)}" if bad else f"{len(told['grammars'])} grammars fit", "warn" if bad else "dim"))),
    ]  # fmt: skip
    return spread(items, cells)


def _agreement(told: Mapping[str, Any]) -> list[Item]:
    """Return how advice and decisions went together, of those that were advised on."""
    counts = told["agreement"]
    advised = counts["agreed"] + counts["followed"] + counts["stricter"]
    if not advised:
        return [Item(0, line(span("agreement ", "dim"), "no decision was advised on"))]
    share = percent(counts["agreed"] / advised)
    return [
        Item(
            0,
            line(
                span("agreed ", "dim"),
                f"{counts['agreed']} of {advised} ({share})",
                span(", followed ", "dim"),
                str(counts["followed"]),
                span(", code stricter ", "dim"),
                str(counts["stricter"]),
            ),
            line(span("agreed ", "dim"), f"{counts['agreed']} of {advised} ({share})"),
        )
    ]


def _cost(told: Mapping[str, Any]) -> list[Item]:
    cost = told["cost"]
    spent = "the cloud is off" if cost is None else str(cost.get("error") or f"{number(cost.get('usd'))} USD")
    return [
        Item(1, line(span("cloud ", "dim"), str(told["cloud"] or "off"))),
        Item(3, line(span("cost ", "dim"), spent)),
        Item(2, line(span(f"▲ {'; '.join(told['degraded'])}" if told["degraded"] else "", "warn"))),
    ]
