"""Cells become numbers, times and labels, or an error that names the cell, the rule and the fix."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from typing import Any, NamedTuple, NoReturn

from engine.errors import BadInput
from engine.history.decimals import scaled
from engine.history.history import MISSING, NO_TIME, stamp
from engine.history.samples import Pool, Sample, parts_of

LARGEST = 2**63 - 1
INTEGER = re.compile(r"(\+?[0-9]+)(?:\.0+)?")  # 919.0: what tables with holes make of 919
# No two of its parts can take the same digits: a cell may have a million, and backtracking over them takes hours.
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
COMPACT_DATE = re.compile(r"(19|20)[0-9]{6}")


class Row(NamedTuple):
    """The cells of one draw as the format gave them, and where they stood."""

    place: int
    value: Any
    time: Any = None
    session: Any = None


@dataclass
class Reader:
    """Turns rows into numbers; remembers widths, since `007` beside `12` means two different notations."""

    source: str
    place: str = "line"
    column: str | None = None
    decimals: int | None = None
    pool: Pool | None = None
    sample: Sample | None = None
    """What the rows are, once the first one was read."""
    _padded: tuple[int, str] | None = None
    _widths: dict[int, tuple[int, str]] = field(default_factory=dict)

    def value(self, place: int, cell: Any) -> int:
        """Return the draw of a cell, MISSING for `-`, an empty cell or null."""
        if self.decimals is not None:
            return self._decimal(place, cell, self.decimals)
        if self.pool is not None:
            return self._row(place, cell, self.pool)
        if isinstance(cell, str):
            cell = cell.strip()
            if cell in ("", "-"):
                return MISSING
            found = INTEGER.fullmatch(cell) if len(cell) <= 64 else None
            digits = found[1] if found else self._refuse(place, cell)
            self._check_width(place, digits)
            number = int(digits)
        elif cell is None:
            return MISSING
        else:
            number = int(cell) if is_integer(cell) else self._refuse(place, cell)
        return number if 0 <= number <= LARGEST else self._refuse(place, cell)

    def _decimal(self, place: int, cell: Any, decimals: int) -> int:
        text = "" if cell is None else str(cell).strip()
        if text in ("", "-"):
            return MISSING
        number = None if isinstance(cell, bool) else scaled(text, decimals)
        if number is None:
            raise BadInput(
                f"{self._where(place, self.column)}: {_short(cell)} is no number from 0 to 1 with at most {decimals} decimals; "
                "give --decimals the digits behind the point, - marks a missing draw"
            )
        return number

    def _row(self, place: int, cell: Any, pool: Pool) -> int:
        parts = parts_of(cell)
        if all(part in (None, "", "-") for part in parts):
            return MISSING
        numbers = [self._number(place, part) for part in parts]
        self.sample = self.sample or Sample(len(numbers), pool)
        if fault := self.sample.fault(numbers):
            raise BadInput(
                f"{self._where(place, self.column)}: {_short(' '.join(map(str, numbers)))} {fault}"
            )
        return self.sample.rank(numbers)

    def _number(self, place: int, part: Any) -> int:
        if not is_integer(part) or len(str(part)) > 64:
            self._refuse(place, part)
        return int(float(part)) if isinstance(part, float) else int(str(part).strip().partition(".")[0])

    def time(self, place: int, cell: Any) -> int:
        """Return the stamp of a cell: ISO 8601 (UTC unless it says otherwise) or seconds, ms, us, ns since 1970."""
        text = "" if cell is None else str(cell).strip()
        if text in ("", "-"):
            return NO_TIME
        try:
            return _epoch(text) if NUMBER.fullmatch(text) and not COMPACT_DATE.fullmatch(text) else _iso(text)
        except (ValueError, OverflowError, DecimalException):
            raise BadInput(
                f"{self._where(place, 'time')}: {_short(text)} is not a time; "
                "write 2026-01-31T12:00:00Z or seconds since 1970, or leave the time column out"
            ) from None

    def session(self, place: int, cell: Any) -> str | None:
        """Return the label of a cell, None where it is empty."""
        if isinstance(cell, dict | list):
            raise BadInput(
                f"{self._where(place, 'session')}: {_short(cell)} is not a label; write a text or a number"
            )
        text = "" if cell is None else str(cell).strip()
        return None if text in ("", "-") else text

    def _check_width(self, place: int, cell: str) -> None:
        if len(cell) > 1 and cell[0] == "0" and self._padded is None:
            self._padded = (place, cell)
        self._widths.setdefault(len(cell), (place, cell))
        if self._padded is None or len(self._widths) == 1:
            return
        at, padded = self._padded
        other_at, other = next(entry for width, entry in self._widths.items() if width != len(padded))
        raise BadInput(
            f"{self.source}{self._column()}: mixed widths, {_short(padded)} in {self.place} {at} and {_short(other)} "
            f"in {self.place} {other_at}; write all draws with the same number of digits or none with leading zeros"
        )

    def _refuse(self, place: int, cell: Any) -> NoReturn:
        what = f"{self._where(place, self.column)}: {_short(cell)}"
        raise BadInput(f"{what} {_why(cell)}")

    def _where(self, place: int, column: str | None) -> str:
        return f"{self.source}, {self.place} {place}" + (f", column {column!r}" if column else "")

    def _column(self) -> str:
        return f", column {self.column!r}" if self.column else ""


def is_integer(cell: Any) -> bool:
    """Return whether a cell can be a draw."""
    if isinstance(cell, str):
        return INTEGER.fullmatch(cell.strip()) is not None
    if isinstance(cell, float):
        return cell.is_integer() and abs(cell) < 2**53
    return isinstance(cell, int) and not isinstance(cell, bool)


def _why(cell: Any) -> str:
    text = str(cell)
    if isinstance(cell, bool) or not NUMBER.fullmatch(text.strip()):
        return "is not an integer; a draw is a decimal integer from 0, `-` marks a missing one"
    if is_integer(text.lstrip().removeprefix("-")) and text.lstrip().startswith("-"):
        return "is negative; draws start at 0: add the same number to all of them so that the smallest is 0"
    if not is_integer(cell):
        return (
            "is not an integer; draws are the integers that the generator's mapping produced: "
            "convert first, for example x to floor(x * 1000); numbers of 0 to 1 rounded to D decimals take --decimals D"
        )
    return (
        f"is too large; draws go up to {LARGEST} (63 bits): drop the lowest bit or take the high half of each"
    )


def _iso(text: str) -> int:
    time = datetime.fromisoformat(text)
    return stamp(time.replace(tzinfo=UTC) if time.tzinfo is None else time)


def _epoch(text: str) -> int:
    """Return the stamp of a number of s, ms, us or ns; the magnitude tells which (seconds up to the year 5138)."""
    number = Decimal(text)
    for power, limit in ((6, 11), (3, 14), (0, 17), (-3, 20)):
        if abs(number) < Decimal(10) ** limit:
            return round(number.scaleb(power))
    raise ValueError(text)


def _short(cell: Any) -> str:
    text = repr(cell)
    return text if len(text) <= 60 else text[:57] + "..."
