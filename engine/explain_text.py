"""A decision as text a person can read in a terminal: what was decided, by whom, on which numbers, what led to it, what followed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH = 100
LABEL = 10
SHOWN_EVENTS = 40
Record = Mapping[str, Any]


def explained(told: Record) -> str:
    """Return the whole chain behind a decision, as `explain` prints it."""
    row, case = told["decision"], told["case"]
    blocks = [
        _head(row, case, told),
        _evidence(row["evidence"]),
        _changes(row["changes"]),
        _advice(row, case),
        _case(case),
        _events("what led to it", told["caused_by"]),
        _events("what followed", told["caused"]),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def decided(told: Record) -> str:
    """Return one decision and whether its record decides the same today, as `decision` prints it."""
    row, again = told["decision"], told["replayed"]
    case = again and again["case"]
    lines = [
        *_head(row, case, {"replayed_action": None}),
        "",
        *_evidence(row["evidence"]),
        *_changes(row["changes"]),
    ]
    return "\n".join([*lines, "", *_row("replay", replayed(told))])


def replayed(told: Record) -> str:
    """Return the outcome of a replay in one sentence."""
    row, again = told["decision"], told["replayed"]
    if again is None:
        return f"decision {row['id']} is a person's entry: no case is stored with it"
    if told["same"]:
        return (
            f"the record decides {again['action']} by {again['rule']} today: the same action, rule and reason"
        )
    return (
        f"DIFFERS: recorded {row['action']} by {row['rule']} ({row['reason']}), "
        f"today {again['action']} by {again['rule']} ({again['reason']})"
    )


def _head(row: Record, case: Record | None, told: Record) -> list[str]:
    sure = "" if row["confidence"] is None else f", confidence {row['confidence']:.2f}"
    where = "" if row["step"] == "-" else f" on step {row['step']}"
    lines = [f"decision {row['id']}: {row['action']}{where} ({row['source']}{sure})"]
    lines += _row("why", row["reason"])
    lines += _row("rule", row["rule"])
    if row["primary_signal"]:
        lines += _row("signal", row["primary_signal"])
    about = [one for one in (row["request"], row["run"]) if one]
    lines += _row("about", ", ".join(about) or "the room")
    lines += _row("at", f"{row['at']}, journal {row['seq']}")
    if told.get("replayed_action"):
        same = "the same" if told["replayed_action"] == row["action"] else "ANOTHER action"
        lines += _row("replay", f"the record decides {told['replayed_action']} today: {same}")
    return lines


def _evidence(rows: Sequence[Record]) -> list[str]:
    if not rows:
        return []
    lines = ["evidence"]
    for row in rows:
        value = "missing" if row["value"] is None else _number(row["value"])
        limit = "" if row["limit"] is None else f"{row.get('op', '')} {_number(row['limit'])}"
        mark = "ok" if row["ok"] else "NOT MET"
        note = f"  {row['note']}" if row.get("note") else ""
        lines.append(f"  {row['metric']:<24} {value:>14} {limit:<14} {mark}{note}".rstrip())
    return lines


def _changes(rows: Sequence[Record]) -> list[str]:
    lines = [f"  {row.get('name', '?')}: {row['before']} -> {row['after']} ({row['who']})" for row in rows]
    return ["changes", *lines] if lines else []


def _advice(row: Record, case: Record | None) -> list[str]:
    lines = ["advice"]
    said = (case or {}).get("advice") or {}
    lines += _row("said", str(row["advice"]), indent=2)
    text = said.get("reasoning") or said.get("reason")
    if text:
        lines += _row("because", str(text), indent=2)
    if case is not None:
        lines += _row("took", f"{case.get('advice_ms', 0.0):.0f} ms", indent=2)
    return lines


def _case(case: Record | None) -> list[str]:
    if case is None:
        return []
    budget = case["budget"]
    lines = ["what it rested on"]
    lines += _row(
        "budget",
        f"retry {budget['step_used']} of {budget['step_limit']} for this step, "
        f"{budget['total_used']} of {budget['total_limit']} in all",
        indent=2,
    )
    if case.get("policies"):
        lines += _row("policies", case["policies"][:12], indent=2)
    if case.get("human"):
        lines += _row("person", f"{case['human']['by']} in decision {case['human']['decision']}", indent=2)
    for finding in case["findings"]:
        lines += _row(finding["level"], f"{finding['code']}: {finding['text']}", indent=2)
    if case["fault"]:
        lines += _row("fault", f"{case['fault']['kind']}: {case['fault']['text']}", indent=2)
    for name, sha in case["artifacts"].items():
        lines += _row("file", f"{name} {sha[:12]}", indent=2)
    return lines


def _events(title: str, events: Sequence[Record]) -> list[str]:
    if not events:
        return []
    hidden = max(0, len(events) - SHOWN_EVENTS)
    shown = [line for event in events[:SHOWN_EVENTS] for line in _event(event)]
    return [title, *shown, *([f"  … {hidden} more; --json has them all"] if hidden else [])]


def _event(event: Record) -> Iterator[str]:
    data = event["data"]
    subject = data.get("decision") or data.get("request") or data.get("run") or data.get("name") or ""
    text = data.get("why") or data.get("reason") or data.get("text") or data.get("summary") or ""
    if event["kind"] == "run.step":
        text = f"step {data['step']} {data['status']}"
    if event["kind"] == "decision":
        text = f"{data['action']} on step {data['step']}: {data['reason']}"
    first, *rest = textwrap.wrap(" ".join(str(text).split()), WIDTH - 46) or [""]
    yield f"  {event['seq']:>6} {event['at'][11:19]} {event['kind']:<18} {subject!s:<9} {first}".rstrip()
    for line in rest[:2]:
        yield " " * 46 + line


def _row(label: str, text: str, *, indent: int = 0) -> list[str]:
    """Return a labelled text, wrapped under itself."""
    lead = " " * indent + f"{label:<{LABEL}} "
    wrapped = textwrap.wrap(" ".join(str(text).split()), WIDTH - len(lead)) or [""]
    return [lead + wrapped[0], *(" " * len(lead) + line for line in wrapped[1:])]


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
