"""What waits for a person as a table: the question, what a yes would change, on which evidence, and when it lapses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.tables.table import Act, Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk


def _rows(desk: Desk, most: int) -> list[Row]:
    return [
        {"id": row.id, "at": row.at, "kind": row.kind, "about": row.subject, "state": row.state,
         "expires": row.expires, "by": row.by, "diff": _diff(row.diff), "evidence": _evidence(row.evidence),
         "why": row.why}
        for row in desk.journal.approvals.newest(most)
    ]  # fmt: skip


def _diff(rows: list[dict[str, Any]]) -> str:
    return "; ".join(f"{row['name']} {_value(row['before'])} -> {_value(row['after'])}" for row in rows)


def _value(value: Any) -> str:
    return "-" if value is None else str(value)


def _evidence(rows: list[dict[str, Any]]) -> str:
    return "; ".join(
        str(row["note"]) if row.get("note") else f"{row['metric']} {_value(row['value'])}" for row in rows
    )


APPROVALS = Table(
    "approvals",
    "Approvals",
    (
        Column("id", "ID"),
        Column("at", "ASKED", "time"),
        Column("kind", "KIND"),
        Column("about", "ABOUT", help="the request or decision in question"),
        Column("state", "STATE", "state"),
        Column("expires", "LAPSES", "time", help="nobody's answer by then is a no"),
        Column("by", "BY"),
        Column("diff", "CHANGES", help="what a yes changes"),
        Column("evidence", "EVIDENCE"),
        Column("why", "WHY", help="the question; once answered, the answer's reason"),
    ),
    _rows,
    acts=(
        Act("O", "approve", "approve", when={"state": ("open",)}),
        Act("X", "reject", "reject", when={"state": ("open",)}),
    ),
    empty="nothing waits for a person; which requests do is policy: `mimicry policies approvals.requests`",
)
