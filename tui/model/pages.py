"""Texts longer than a row: help, alerts, the facts before a resume, and the words at leaving."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from tui.keys import KEYS, Key
from tui.model.halts import needs_word, resume_cost
from tui.model.shell import typed
from tui.model.text import BLANK, Line, cell, length, line, span
from tui.model.words import ACTIONS, LIGHTS, MODES, REQUESTS, STEPS, Sign, clock, duration

if TYPE_CHECKING:
    from pathlib import Path

    from tui.model.view import View
    from tui.wire import Halt, Snapshot


RULES = (
    "lower case looks, UPPER CASE acts, q leaves and the engine goes on",
    "a click does what the words under it say, a second one on a row opens it",
)


def help_lines(readonly: bool, cells: int, *, kind: str = "", faults: tuple[str, ...] = ()) -> list[Line]:
    """Return keys and signs, those of one kind of screen first; what a read-only console cannot do is dimmed and says so."""
    rows: list[Line] = [
        line(span(row, "head")) for rule in RULES for row in textwrap.wrap(rule, max(12, cells))
    ]
    rows += [line(span(f"▲ {fault}", "warn")) for fault in faults]
    for key in sorted(KEYS, key=lambda key: kind not in key.on):
        rows += _key_rows(key, cells, off=readonly and key.does == "acts")
    rows += [BLANK, line(span("signs", "head"))]
    tables = (
        ("device", LIGHTS),
        ("engine", MODES),
        ("step", STEPS),
        ("request", REQUESTS),
        ("decision", ACTIONS),
    )
    for name, table in tables:
        rows += _legend(name, table, cells)
    return rows


def _key_rows(key: Key, cells: int, *, off: bool) -> list[Line]:
    role = "dim" if off else ""
    note = f"off (read-only): {key.help}" if off else key.help
    texts = textwrap.wrap(note, max(12, cells - 25))
    first = line(cell(key.label, 10, "dim" if off else "key"), cell(key.word, 15, role), span(texts[0], role))
    return [first, *(line(cell("", 25), span(text, role)) for text in texts[1:])]


def _legend(name: str, table: dict[str, Sign], cells: int) -> list[Line]:
    rows = [[cell(name, 10, "dim")]]
    for sign in dict.fromkeys(table.values()):
        part = span(f"{sign.glyph} {sign.word}  ", sign.role)
        if length(rows[-1]) + length([part]) > cells:
            rows.append([cell("", 10)])
        rows[-1].append(part)
    return [tuple(row) for row in rows]


def resume_facts(shot: Snapshot, halt: Halt) -> list[Line]:
    """Return what an operator should know before work goes on."""
    facts = [
        line(f'halted by {halt.by}: "{halt.reason}"'),
        line(
            span(
                f"kind {halt.kind} · asked {clock(halt.asked, seconds=True)} · reached {clock(halt.reached or 'not yet', seconds=True)}",
                "dim",
            )
        ),
        line(resume_cost(shot)),
    ]
    if needs_word(halt):
        facts.append(line(span("▲ the engine halted itself: find out why before you go on", "warn")))
    return facts


def farewell(view: View, *, own_state: Path) -> str:
    """Return what is printed after leaving: how to come back, and never a claim that is not known."""
    if view.recording:
        return f"recording left — again: mimicry replay {shlex.quote(view.recording)}"
    if view.snapshot is None:
        return f"no engine was reached — start one: {typed('--no-ui', own_state)}   console: {typed('', own_state)}"
    ways = f"attach: {typed('attach', own_state)}   stop: {typed('stop', own_state)}"
    pid = view.snapshot.engine.pid
    if view.trust == "live":
        return f"engine still running (pid {pid}) — {ways}"
    return f"engine did not answer for {duration(view.silence)} (last pid {pid}) — {ways}"
