"""The filter language of every list: `hot>90 & host~rig-`. Pure: text and columns in, a test of rows out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from engine.errors import UsageError

LONGEST = 2000
_TERM = re.compile(r"\s*(?P<column>[A-Za-z_][\w.]*)\s*(?P<op>>=|<=|!=|!~|=|>|<|~)\s*(?P<value>[^&|]*?)\s*\Z")
_WORD = re.compile(r"\s*(?P<word>[^&|<>=~!]+?)\s*\Z")


class Named(Protocol):
    """What a filter must know of a column."""

    @property
    def name(self) -> str:
        """Return the key of the column in a row."""

    @property
    def kind(self) -> str:
        """Return what the column holds."""


Row = Mapping[str, Any]
Test = Callable[[Row], bool]


@dataclass(frozen=True)
class Filter:
    """A test of rows: alternatives (`|`) of terms that must all hold (`&`); nothing asked holds always."""

    alternatives: tuple[tuple[Test, ...], ...] = ((),)

    @classmethod
    def parse(cls, text: str, columns: Sequence[Named]) -> Filter:
        """Return the filter that the text asks for; UsageError names the term and the rule.

        A term is COLUMN OP VALUE with OP one of = != < <= > >= (numbers by value, text by letters) and ~ !~ (contains,
        letter case ignored); a bare word is looked for in every column. `-` stands for no value.
        """
        if not text.strip():
            return cls()
        if len(text) > LONGEST:
            raise UsageError(f"filter of {len(text)} characters: {LONGEST} are the limit")
        return cls(tuple(tuple(_term(term, columns) for term in part.split("&")) for part in text.split("|")))

    def holds(self, row: Row) -> bool:
        """Tell whether the row passes."""
        return any(all(test(row) for test in terms) for terms in self.alternatives)


def _term(text: str, columns: Sequence[Named]) -> Test:
    found = _TERM.match(text)
    if found is None:
        word = _WORD.match(text)
        if word is None:
            raise UsageError(f"filter {text.strip()!r}: a term is COLUMN OP VALUE, as in hot>90, or one word")
        sought = word["word"].casefold()
        return lambda row: any(sought in _shown(row.get(column.name)).casefold() for column in columns)
    column, value = _column(found["column"], columns), found["value"]
    return _comparison(column, found["op"], value)


def _column(name: str, columns: Sequence[Named], asked: str = "filter") -> Named:
    for column in columns:
        if column.name == name:
            return column
    names = [column.name for column in columns]
    near = get_close_matches(name, names, n=3, cutoff=0.5) or names
    raise UsageError(
        f"{asked}: no column {name!r} here; {'nearest' if near != names else 'columns'}: {', '.join(near)}"
    )


def _comparison(column: Named, op: str, value: str) -> Test:
    name = column.name
    if op in ("~", "!~"):
        sought = value.casefold()
        return lambda row: (sought in _shown(row.get(name)).casefold()) == (op == "~")
    if op in ("=", "!="):
        wanted = _number(value) if column.kind == "number" and value != "-" else value.casefold()
        return lambda row: _same(row.get(name), wanted) == (op == "=")
    compare = _ORDERS[op]
    if column.kind == "number":
        limit = _number(value)
        return lambda row: (got := row.get(name)) is not None and compare(got, limit)
    return lambda row: (got := row.get(name)) is not None and compare(str(got), value)


def _same(got: Any, wanted: float | str) -> bool:
    return got == wanted if isinstance(wanted, float) else _shown(got).casefold() == wanted


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"filter: {text!r} is not a number") from None


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def sorted_by(rows: list[dict[str, Any]], sort: str, columns: Sequence[Named]) -> list[dict[str, Any]]:
    """Return the rows by one column, `-NAME` falling; rows without a value come last; an empty `sort` keeps the order."""
    if not sort:
        return rows
    falling, name = sort.startswith("-"), sort.removeprefix("-")
    _column(name, columns, "sort")
    known = [row for row in rows if row.get(name) is not None]
    unknown = [row for row in rows if row.get(name) is None]
    return sorted(known, key=lambda row: row[name], reverse=falling) + unknown


class Best:
    """The first rows of a list by one column, taken chunk by chunk without keeping the rest; an empty `sort` keeps the order."""

    def __init__(self, sort: str, columns: Sequence[Named], most: int) -> None:
        """Keep `most` rows; UsageError for a column that is not there."""
        self._sort, self._columns, self._most = sort, columns, most
        self._rows = sorted_by([], sort, columns)

    def take(self, rows: list[dict[str, Any]]) -> None:
        """Take rows that come after those taken before."""
        if self._sort:
            self._rows = sorted_by([*self._rows, *rows], self._sort, self._columns)[: self._most]
        elif len(self._rows) < self._most:
            self._rows += rows[: self._most - len(self._rows)]

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, first ones first."""
        return self._rows
