"""What a table of the room is: typed columns and rows read from the desk; and the page of it that crosses the socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.tables.filters import Filter, sorted_by

if TYPE_CHECKING:
    from engine.desk import Desk

Kind = Literal["text", "number", "time", "state"]
Cell = str | int | float | bool | None
Row = dict[str, Cell]
SCHEMA = "table/1"


@dataclass(frozen=True)
class Column:
    """One column: its key in a row, its heading, what it holds, its unit, and one line of help."""

    name: str
    title: str
    kind: Kind = "text"
    unit: str = ""
    help: str = ""


@dataclass(frozen=True)
class Table:
    """One list of the room. `rows(desk, most)` reads at most `most` rows, newest or most pressing first, without blocking work."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Desk, int], Sequence[Row]]
    empty: str  # what will appear here and which command fills it
    key: str = "id"  # the column that names a row

    def page(self, desk: Desk, *, where: str, sort: str, limit: int, most: int) -> dict[str, Any]:
        """Return the asked page as `table/1`; UsageError names what a filter or sort got wrong."""
        kept = Filter.parse(where, self.columns)
        rows = list(self.rows(desk, most))
        found = sorted_by([row for row in rows if kept.holds(row)], sort, self.columns)
        return {
            "schema": SCHEMA, "name": self.name, "title": self.title, "key": self.key, "empty": self.empty,
            "columns": [asdict(column) for column in self.columns],
            "rows": found[:limit], "matched": len(found), "total": len(rows),
        }  # fmt: skip
