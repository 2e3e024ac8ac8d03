"""Two things side by side: two rows, two policies, the advice and the code's decision, an answer then and now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from tui.model.listing import Page, stated
from tui.model.text import BLANK, Line, Span, cell, clean, line, span, wrap
from tui.model.words import duration

NAMES = 12
"""Width of the column that says what is compared."""

Pair = tuple[str, str, str]
"""What is compared, and how it stands on the left and on the right."""


def beside_lines(left: str, right: str, pairs: Sequence[Pair], cells: int) -> list[Line]:
    """Return pairs as three columns, folded; what differs has a mark and stands out."""
    room = max(8, (cells - NAMES - 4) // 2)
    lines = [_row("", left, right, room, "head"), BLANK]
    for name, a, b in pairs:
        lines += _folded(name, a, b, room)
    differ = sum(a != b for _, a, b in pairs)
    return [
        *lines,
        BLANK,
        line(span(f"{differ} of {len(pairs)} differ" if differ else "nothing differs", "dim")),
    ]


def _folded(name: str, a: str, b: str, room: int) -> list[Line]:
    role = "" if a == b else "warn"
    parts = zip_longest(wrap(clean(a), room) or [""], wrap(clean(b), room), fillvalue="")
    return [
        _row(f"{'* ' if a != b else '  '}{name}" if i == 0 else "", *part, room, role)
        for i, part in enumerate(parts)
    ]


def _row(name: str, a: str, b: str, room: int, role: str) -> Line:
    return (cell(name, NAMES, "dim"), Span("  "), cell(a, room, role), Span("  "), cell(b, room, role))


def rows_pairs(page: Page, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Pair]:
    """Return two rows of a list, column by column, without those that are empty in both."""
    return [
        (*stated(column, a), stated(column, b)[1])
        for column in page.columns
        if a.get(column.name) is not None or b.get(column.name) is not None
    ]


def policy_lines(told: Mapping[str, Any], cells: int) -> list[Line]:
    """Return two policies part by part, as the engine compares them."""
    pairs = [(row["part"], row["a"] or "none", row["b"] or "none") for row in told["rows"]]
    return beside_lines(told["a"], told["b"], pairs, cells)


def judged_lines(told: Mapping[str, Any], cells: int) -> list[Line]:
    """Return what the advisor said beside what the code decides without it."""
    made, again = told["decision"], told["replayed"] or {}
    advice = (again.get("case") or {}).get("advice") or {}
    pairs = [
        ("action", str(advice.get("decision", "–")), str(again.get("code_action", "not replayed"))),
        ("confidence", str(advice.get("confidence", "–")), str(made["confidence"])),
        ("why", str(advice.get("reasoning", made["advice"])), str(made["reason"])),
        ("from", str(again.get("advice_from", "–")), f"{made['source']}: {made['rule']}"),
        ("took", f"{again.get('advice_ms', 0.0):.0f} ms", "–"),
    ]
    became = f"it became {made['action']}"
    return [*beside_lines("the advisor", "the code alone", pairs, cells), line(span(became, "head"))]


def _advice(text: object) -> Mapping[str, Any]:
    try:
        found = json.loads(str(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def again_lines(before: Mapping[str, Any], now: Mapping[str, Any], cells: int) -> list[Line]:
    """Return an answer of the record beside the one that the same prompt gets now, field by field."""
    then, new = _advice(before["outcome"]), now["answer"] or {}
    names = list(dict.fromkeys([*then, *new])) or ["outcome"]
    pairs = [
        (
            name,
            _text(then.get(name, before["outcome"] if not then else None)),
            _text(new.get(name, now["none"])),
        )
        for name in names
    ]
    pairs += [
        ("source", before["source"], now["source"]),
        ("took", duration(before["seconds"]), duration(now["seconds"])),
        ("call", before["id"], str(now["call"])),
    ]
    head = f"{before['question']} about {before['about'] or '–'}"
    return [line(span(head, "head")), *beside_lines("recorded", "now", pairs, cells)]


def _text(value: Any) -> str:
    return (
        "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    )
