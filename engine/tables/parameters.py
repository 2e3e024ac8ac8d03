"""Tunable parameters as a table, one a row with its bounds, who may change it and who did last; and every change, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk

EVENTS = 500
SET = "parameter.set"


def _rows(desk: Desk, most: int) -> list[Row]:
    values, rows = desk.parameters.values(), []
    for parameter in desk.parameters.registry:
        last = next(iter(desk.journal.parameters.history(parameter.name, limit=1)), None)
        told: Row = {} if last is None else {"changed": last.at, "who": last.who, "why": last.why}
        value, whole = values[parameter.name], int if parameter.type == "int" else float
        rows.append(
            {"name": parameter.name, "value": value, "default": None if value == parameter.default else parameter.default,
             "lo": whole(parameter.lo), "hi": whole(parameter.hi), "may": ", ".join(parameter.who), "meaning": parameter.meaning, **told}
        )  # fmt: skip
    return rows[:most]


def _changes(desk: Desk, most: int) -> list[Row]:
    return [
        {"seq": event.seq, "at": event.at, **{key: event.data.get(key) for key in ("name", "before", "after", "who", "why", "cause")}}
        for event in desk.journal.newest([SET], min(most, EVENTS))
    ]  # fmt: skip


PARAMETERS = Table(
    "parameters",
    "Parameters",
    (
        Column("name", "NAME"),
        Column("value", "VALUE", "number"),
        Column("default", "DEFAULT", "number", help="where it differs"),
        Column("lo", "LOWEST", "number"),
        Column("hi", "HIGHEST", "number"),
        Column("may", "MAY CHANGE", help="code: accepted proposals; watcher: retries; operator: `mimicry parameters NAME VALUE`"),
        Column("changed", "CHANGED", "time"),
        Column("who", "WHO"),
        Column("meaning", "MEANING"),
        Column("why", "WHY", help="of the last change"),
    ),
    _rows,
    empty="no parameters",
    key="name",
)  # fmt: skip

PARAMETER_CHANGES = Table(
    "parameter_changes",
    "Parameter changes",
    (
        Column("seq", "SEQ", "number"),
        Column("at", "AT", "time"),
        Column("name", "NAME"),
        Column("before", "BEFORE", "number", help="empty: the default stood"),
        Column("after", "AFTER", "number"),
        Column("who", "WHO"),
        Column("cause", "CAUSE", help="the decision or record behind it"),
        Column("why", "WHY"),
    ),
    _changes,
    empty="no parameter was changed yet; `mimicry parameters NAME VALUE --reason WHY`",
    key="seq",
)
