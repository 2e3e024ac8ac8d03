"""One row in full: why first, then every value, then the journal's story; for a decision the chain that explains it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tui.model.listing import WHY, Page, Row, stated, written
from tui.model.text import BLANK, Line, Span, cell, chop, clean, clip, length, line, span, table, wrap
from tui.model.words import ACTIONS, UNKNOWN, clock, number

NAMES = 12
COLUMN, UNDER = 36, 7
"""Cells from which a record's words stand beside its number, time and kind; by which they stand in where they stand under them."""
WHOLE = 90
"""Cells from which a record is told in full."""
SKIPPED = ("cause", "request", "decision", "run", "reason", "evidence", "changes", "advice", "rule", "source")


def row_lines(page: Page, row: Row, cells: int, *, short: bool = False) -> list[Line]:
    """Return a row as its why and then key and value, what has no value last in one line; `short` = as few rows as do."""
    why = [str(row[name]) for name in WHY if row.get(name)]
    lines = [each for text in why for each in paragraph(text, cells, "head")]
    if short:
        return lines + flowing(
            [stated(c, row) for c in page.columns if row.get(c.name) is not None and c.name not in WHY],
            cells,
        )
    missing, titles = [], Counter(column.title for column in page.columns)
    for column in page.columns:
        value = row.get(column.name)
        if value is None:
            missing.append((column.title if titles[column.title] == 1 else column.heading).lower())
        elif column.name not in WHY:
            role = written(column, value, "")[1]
            name, text = stated(column, row)
            lines += pair(name, str(value) if column.kind == "time" else text, cells, role)
    return lines + (paragraph(f"no value: {', '.join(missing)}", cells, "dim") if missing else [])


def flowing(pairs: Sequence[tuple[str, str]], cells: int) -> list[Line]:
    """Return names with values one after the other, in as few rows as hold them."""
    rows: list[list[Span]] = [[]]
    for name, text in pairs:
        parts = [span(f"{name} ", "dim"), span(f"{text}   ")]
        if rows[-1] and length([*rows[-1], *parts]) > cells:
            rows.append([])
        rows[-1] += parts
    return [tuple(row) for row in rows]


def pair(name: str, text: str, cells: int, role: str = "") -> list[Line]:
    """Return one name with its value, wrapped beside it."""
    rows = wrap(clean(text), max(12, cells - NAMES - 1)) or [""]
    first = line(cell(name, NAMES, "dim"), " ", span(rows[0], role))
    return [first, *(line(" " * (NAMES + 1), span(row, role)) for row in rows[1:])]


def paragraph(text: str, cells: int, role: str = "") -> list[Line]:
    """Return a text in as many rows as it needs."""
    return [line(span(row, role)) for row in wrap(clean(text), max(12, cells))]


def story_lines(events: Sequence[Mapping[str, Any]], title: str, cells: int) -> list[Line]:
    """Return journal records as rows: number, when, what, and what they say."""
    if not events:
        return []
    rows = [BLANK, line(span(title, "head"))]
    for event in events:
        head = f"{event['seq']:>6} {clock(event['at'], seconds=True)} {event['kind']:<17} "
        beside = cells - len(head) >= COLUMN
        texts = _rows_of(_said(event["kind"], event["data"]), cells - (len(head) if beside else UNDER), cells)
        if beside:
            rows.append(line(span(head, "dim"), span(texts.pop(0))))
        else:
            rows.append(line(span(head.rstrip(), "dim")))
        rows += [line(" " * (len(head) if beside else UNDER), span(text)) for text in texts]
    return rows


def _rows_of(text: str, cells: int, room: int) -> list[str]:
    """Return what a record says in rows; beside a list two of them, with a sign where there is more."""
    rows = wrap(clean(text), max(12, cells)) or [""]
    if len(rows) <= 2 or room >= WHOLE:
        return rows
    return [rows[0], clip(f"{rows[1]} {rows[2]}", max(12, cells))]


def _said(kind: str, data: Mapping[str, Any]) -> str:
    """Return the part of a record that a person asks for first."""
    if kind == "decision":
        return f"{data.get('decision', '')} step {data.get('step')} {data.get('action')}: {data.get('reason', '')}"
    named = [str(data[key]) for key in ("request", "run", "decision") if data.get(key)]
    rest = [
        f"{key} {_short(value)}"
        for key, value in data.items()
        if key not in SKIPPED and value not in (None, "", [], {})
    ]
    why = str(data.get("why") or data.get("reason") or data.get("text") or "")
    return " ".join([*named, why] if why else [*named, *rest])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def decision_lines(told: Mapping[str, Any], cells: int) -> list[Line]:
    """Return why a decision was made: sentence, rule, evidence, advice apart, changes, and the chain around it."""
    made = told["decision"]
    sign = ACTIONS.get(made["action"], UNKNOWN)
    sure = f" · confidence {number(made['confidence'])}" if made["confidence"] is not None else ""
    lines = [
        line(
            span(f"{sign.glyph} {made['action']}", f"{sign.role}-strong"),
            f"  step {made['step']} · {made['source']}{sure}",
        ),
        *paragraph(made["reason"], cells, "head"),
        *pair("rule", made["rule"], cells),
        *pair("advice", _advice(made["advice"]), cells),
        *evidence_lines(made["evidence"], cells),
        *_changes(made["changes"], cells),
    ]
    case = told.get("case") or {}
    for name, digest in (case.get("artifacts") or {}).items():
        lines += pair("input", f"{name}  sha-256 {digest[:16]}", cells)
    if case.get("advice_ms"):
        lines += pair("took", f"{case['advice_ms']:.0f} ms until the advice was there", cells)
    lines += pair("replayed", _replayed(told, made), cells)
    lines += [
        part for name in ("request", "run", "cause") if made[name] for part in pair(name, made[name], cells)
    ]
    lines += story_lines(told["caused_by"], "what led to it", cells)
    return lines + story_lines(told["caused"], "what followed", cells)


def _replayed(told: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    action = told.get("replayed_action")
    if action is None:
        return "an operator's entry has no case to replay"
    return f"the same record gives {action}" + ("" if action == made["action"] else " — NOT what was decided")


def _advice(advice: Any) -> str:
    if advice is None:
        return "none (not asked)"
    return advice.replace("(", " (", 1) if isinstance(advice, str) else json.dumps(advice, ensure_ascii=False)


def evidence_lines(rows: Sequence[Mapping[str, Any]], cells: int) -> list[Line]:
    """Return the evidence as a table: metric, value, limit, and whether it holds."""
    if not rows:
        return []
    shown = [[Span("metric", "dim"), Span("value", "dim"), Span("limit", "dim"), Span("holds", "dim")]]
    for row in rows:
        ok = row["ok"]
        mark = (
            span("✔ yes", "ok") if ok else span("✖ no", "fail") if ok is False else span("– not asked", "dim")
        )
        shown.append([span(row["metric"]), span(_value(row["value"])), span(_value(row["limit"])), mark])
    return [BLANK, *table(shown, (max(12, cells - 40), 14, 14)), BLANK]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else "–" if value is None else _short(value)


def _changes(rows: Sequence[Mapping[str, Any]], cells: int) -> list[Line]:
    return [
        part
        for row in rows
        for part in pair(
            "changes",
            f"{row.get('name', '')} {_value(row['before'])} → {_value(row['after'])} by {row['who']}: {row['why']}",
            cells,
        )
    ]


def exchange_lines(text: str, cells: int) -> list[Line]:
    """Return a stored exchange with the advisor: each part under its name, texts as they were; anything else as it stands."""
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return [part for row in text.splitlines() for part in paragraph(row, cells) or [BLANK]]
    lines: list[Line] = []
    for name, value in told.items():
        whole = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
        rows = whole.splitlines()
        if len(rows) <= 1 and len(whole) < cells - NAMES:
            lines += pair(name, whole, cells)
            continue
        lines += [BLANK, line(span(name, "head"))]
        lines += [part for row in rows for part in (_as_it_is(row, cells) or [BLANK])]
    return lines


def _as_it_is(row: str, cells: int) -> list[Line]:
    """Return a row of a text, folded where it is too long, its blanks kept."""
    return [line(Span(part)) for part in chop(clean(row), max(12, cells)) if part]
