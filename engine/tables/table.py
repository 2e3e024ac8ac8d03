"""What a table of the room is: typed columns and rows read from the desk; and the page of it that crosses the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import UsageError
from engine.tables.filters import Best, Filter, sorted_by
from engine.tables.log import Cell as Cell
from engine.tables.log import Log
from engine.tables.log import Row as Row

if TYPE_CHECKING:
    from engine.desk import Desk

Kind = Literal["text", "number", "time", "state"]
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
    asks: str = ""  # a further argument that is asked for: a whole number
    hint: str = ""  # what it may be
    when: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # what a row must say in a column for it


@dataclass(frozen=True)
class Window:
    """Which rows of a table are asked for: those that pass `where`, in the order of `sort`, `limit` of them behind `skip`."""

    where: str = ""
    sort: str = ""
    limit: int = 20
    most: int = 1000  # rows that are read at most, where a table reads them all
    at: int | None = None  # as the table was at this event
    skip: int = 0


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
    log: Log | None = None  # rows are events of one kind: any window of any number of them
    subject: str = "{}"  # how the journal names a row of this key, as in "d-{}"

    @property
    def head(self) -> dict[str, Any]:
        """Return what names and describes the table, without rows."""
        acts = [asdict(act) for act in self.acts]
        return {"name": self.name, "title": self.title, "key": self.key, "empty": self.empty, "acts": acts}

    def page(self, desk: Desk, asked: Window) -> dict[str, Any]:
        """Return the asked page as `table/1`, as it was at event `at`; UsageError names what a filter or sort got wrong."""
        kept, at, most, skip = Filter.parse(asked.where, self.columns), asked.at, asked.most, asked.skip
        rows = list(self.rows(desk, most) if at is None else self._then(desk, at, most))
        found = sorted_by([row for row in rows if kept.holds(row)], asked.sort, self.columns)
        shown = found[skip : skip + asked.limit]
        return self._told(shown, skip, len(found), len(rows), cut=len(rows) >= most)

    async def wide_page(self, desk: Desk, asked: Window) -> dict[str, Any]:
        """Return a page of all rows, however many; the loop goes on while a long list is looked through."""
        if self.log is None:
            return self.page(desk, asked)
        kept, skip = Filter.parse(asked.where, self.columns), asked.skip
        if not asked.where.strip() and not asked.sort:
            rows, total = self.log.window(desk, asked.at, skip, asked.limit)
            return self._told(rows, skip, total, total)
        best = Best(asked.sort, self.columns, skip + asked.limit)
        matched = total = 0
        for chunk in self.log.chunks(desk, asked.at):
            passing = [row for row in chunk if kept.holds(row)]
            total, matched = total + len(chunk), matched + len(passing)
            best.take(passing)
            await asyncio.sleep(0)
        return self._told(best.rows()[skip:], skip, matched, total)

    def _told(
        self, rows: Sequence[Row], skip: int, matched: int, total: int, *, cut: bool = False
    ) -> dict[str, Any]:
        return {
            "schema": SCHEMA, **self.head, "columns": [asdict(column) for column in self.columns],
            "rows": within(rows, PAGE_BYTES), "offset": skip, "matched": matched, "total": total, "cut": cut,
        }  # fmt: skip

    def _then(self, desk: Desk, at: int, most: int) -> Sequence[Row]:
        if self.past is not None:
            return self.past(desk, at, most)
        if any(column.name == "seq" for column in self.columns):  # rows that are only ever added
            return [
                row for row in self.rows(desk, most) if isinstance(seq := row.get("seq"), int) and seq <= at
            ]
        raise UsageError(f"{self.name}: cannot be rebuilt from the journal: only the running engine knows it")

    def row(self, desk: Desk, key: str, *, most: int, at: int | None = None) -> dict[str, Any]:
        """Return one row as `row/1` with the journal's records that name it, up to event `at`; UsageError where there is none."""
        rows = self.rows(desk, most) if at is None else self._then(desk, at, most)
        row = next((row for row in rows if str(row.get(self.key)) == key), None)
        if row is None:
            raise UsageError(f"{self.name}: no row {key!r} among the newest {most}")
        story = desk.journal.story(self.subject.format(key), limit=STORY)
        story = [event for event in story if at is None or event.seq <= at]
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
