"""The policies in force as a table, one key a row with who changed it last; and every change ever made, newest first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.tables.table import Column, Row, Table
from engine.watcher.policies import DEFAULTS
from engine.watcher.policy_file import CHANGED

if TYPE_CHECKING:
    from engine.desk import Desk

EVENTS = 500


def _changes(desk: Desk) -> list[Row]:
    return [
        {"seq": event.seq, "at": event.at, "key": change["name"], "before": _text(change["before"]),
         "after": _text(change["after"]), "who": event.data["who"], "why": event.data["why"]}
        for event in desk.journal.newest([CHANGED], EVENTS)
        for change in event.data["changes"]
    ]  # fmt: skip


def _rows(desk: Desk, most: int) -> list[Row]:
    last: dict[str, Row] = {}
    for change in _changes(desk):
        last.setdefault(str(change["key"]), change)
    defaults = DEFAULTS.flat()
    rows: list[Row] = []
    for key, value in desk.policies.flat().items():
        change = last.get(key, {})
        rows.append(
            {"key": key, "value": _text(value), "default": None if value == defaults.get(key) else _text(defaults.get(key)),
             "changed": change.get("at"), "who": change.get("who"), "why": change.get("why")}
        )  # fmt: skip
    return rows[:most]


def _text(value: Any) -> str:
    """Return a value as JSON; a list of rules as its rules' words."""
    if value and isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return "; ".join(" ".join(str(part) for part in one.values()) for one in value)
    return "-" if value is None else json.dumps(value, ensure_ascii=False)


POLICIES = Table(
    "policies",
    "Policies",
    (
        Column("key", "KEY"),
        Column("value", "VALUE"),
        Column("default", "DEFAULT", help="where it differs"),
        Column("changed", "CHANGED", "time"),
        Column("who", "WHO"),
        Column("why", "WHY"),
    ),
    _rows,
    empty="no policies",
    key="key",
)

POLICY_CHANGES = Table(
    "policy_changes",
    "Policy changes",
    (
        Column("seq", "SEQ", "number"),
        Column("at", "AT", "time"),
        Column("key", "KEY"),
        Column("before", "BEFORE"),
        Column("after", "AFTER"),
        Column("who", "WHO"),
        Column("why", "WHY"),
    ),
    lambda desk, most: _changes(desk)[:most],
    empty="no policy was changed yet; edit watcher_policies.json, or `mimicry policies KEY VALUE --reason WHY`",
    key="seq",
)
