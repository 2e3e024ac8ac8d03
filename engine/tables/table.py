"""What a table of the room is: typed columns and rows read from the desk; and the page of it that crosses the socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import UsageError
from engine.tables.filters import Filter, sorted_by

if TYPE_CHECKING:
    from engine.desk import Desk

Kind = Literal["text", "number", "time", "state"]
Cell = str | int | float | bool | None
Row = dict[str, Cell]
SCHEMA = "table/1"
PAGE_BYTES = 700_000  # a wire line may have 1 MiB
STORY = 100
_TEXTS = (str, dict, list)


@dataclass(frozen=True)
class Column:
    """One column: its key in a row, its heading, what it holds, its unit, and one line of help."""

    name: str
    title: str
    kind: Kind = "text"
    unit: str = ""
    help: str = ""


@dataclass(frozen=True)
class Act:
    """What a person may do to a row: one upper-case key, the verb that crosses the socket, and how it is confirmed."""

    key: str
    verb: str
    word: str
    arg: str = "id"  # the verb's argument that names the row
    fixed: Mapping[str, Any] = field(default_factory=dict)  # its further arguments
    reason: bool = True  # the verb takes one
    number: bool = False  # the row's name is a number
    typed: bool = False  # costly: the verb has to be typed


@dataclass(frozen=True)
class Table:
    """One list of the room. `rows(desk, most)` reads at most `most` rows, newest or most pressing first, without blocking work."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Desk, int], Sequence[Row]]
    empty: str  # what will appear here and which command fills it
    key: str = "id"  # the column that names a row
    acts: tuple[Act, ...] = ()
    past: Callable[[Desk, int, int], Sequence[Row]] | None = (
        None  # rows as they were at an event: desk, event, most
    )
    subject: str = "{}"  # how the journal names a row of this key, as in "d-{}"

    @property
    def head(self) -> dict[str, Any]:
        """Return what names and describes the table, without rows."""
        acts = [asdict(act) for act in self.acts]
        return {"name": self.name, "title": self.title, "key": self.key, "empty": self.empty, "acts": acts}

    def page(
        self, desk: Desk, *, where: str, sort: str, limit: int, most: int, at: int | None = None
    ) -> dict[str, Any]:
        """Return the asked page as `table/1`, as it was at event `at`; UsageError names what a filter or sort got wrong."""
        kept = Filter.parse(where, self.columns)
        rows = list(self.rows(desk, most) if at is None else self._then(desk, at, most))
        found = sorted_by([row for row in rows if kept.holds(row)], sort, self.columns)
        shown = within(found[:limit], PAGE_BYTES)
        return {
            "schema": SCHEMA, **self.head, "columns": [asdict(column) for column in self.columns],
            "rows": shown, "matched": len(found), "total": len(rows), "cut": len(rows) >= most,
        }  # fmt: skip

    def _then(self, desk: Desk, at: int, most: int) -> Sequence[Row]:
        if self.past is not None:
            return self.past(desk, at, most)
        if any(column.name == "seq" for column in self.columns):  # rows that are only ever added
            return [
                row for row in self.rows(desk, most) if isinstance(seq := row.get("seq"), int) and seq <= at
            ]
        raise UsageError(f"{self.name}: cannot be rebuilt from the journal; Esc shows it as it is now")

    def row(self, desk: Desk, key: str, *, most: int) -> dict[str, Any]:
        """Return one row as `row/1` with the journal's records that name it; UsageError where there is none."""
        row = next((row for row in self.rows(desk, most) if str(row.get(self.key)) == key), None)
        if row is None:
            raise UsageError(f"{self.name}: no row {key!r} among the newest {most}")
        story = desk.journal.story(self.subject.format(key), limit=STORY)
        return {
            "schema": "row/1", **self.head, "columns": [asdict(column) for column in self.columns], "row": row,
            "story": within([asdict(event) for event in story], PAGE_BYTES),
        }  # fmt: skip


def within(rows: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return the first rows whose texts together stay below `most` bytes, so that one wire line holds them."""
    shown, size = [], 0
    for row in rows:
        size += sum(4 + 2 * len(key) for key in row) + sum(
            len(str(value).encode()) if value.__class__ in _TEXTS else 20 for value in row.values()
        )
        if size > most:
            break
        shown.append(row)
    return shown
