"""The range notation shared by the command line, configuration and certificates: `LO:HI`, `N`, times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from engine.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000}


class Range(NamedTuple):
    """An interval of integers with both ends included; `unit` is set for time seeds."""

    lo: int
    hi: int
    unit: str | None = None

    @property
    def size(self) -> int:
        """Return how many integers lie in the range."""
        return self.hi - self.lo + 1

    def text(self) -> str:
        """Return the notation that parses back to this range."""
        if self.unit is None:
            return str(self.lo) if self.lo == self.hi else f"{self.lo}:{self.hi}"
        tick = timedelta(microseconds=MICROSECONDS // UNITS[self.unit])
        ends = (EPOCH + end * tick for end in (self.lo, self.hi))
        return "..".join(end.replace(tzinfo=None).isoformat() for end in ends) + f"/{self.unit}"


def parse_range(text: str, *, what: str, lowest: int = 0, highest: int = 2**64 - 1) -> Range:
    """Parse `LO:HI`, `N`, `0x…`, `2^32` ends or `TIME..TIME/UNIT`; raise UsageError naming `what` and the rule."""
    found = _parse_time(text, what) if ".." in text else _parse_integers(text, what)
    if found.lo > found.hi:
        raise UsageError(
            f"{what} {text!r}: the range is reversed; write the smaller end first, {found.hi}:{found.lo}"
        )
    if found.lo < lowest or found.hi > highest:
        raise UsageError(f"{what} {text!r}: allowed are {lowest} to {highest}")
    return found


def _parse_integers(text: str, what: str) -> Range:
    ends = text.split(":")
    if len(ends) > 2:
        raise UsageError(f"{what} {text!r}: expected N or LO:HI")
    numbers = [_parse_integer(end, what, text) for end in ends]
    return Range(numbers[0], numbers[-1])


def _parse_integer(end: str, what: str, text: str) -> int:
    end = end.strip().replace("_", "")
    try:
        if "^" in end:
            power, _, minus = end.partition("-")
            base, _, exponent = power.partition("^")
            return int(int(base) ** int(exponent)) - (int(minus) if minus else 0)
        return int(end, 0)
    except ValueError:
        raise UsageError(
            f"{what} {text!r}: {end!r} is not an integer; write N, LO:HI, 0xff, 2^32-1 or TIME..TIME/ms"
        ) from None


def _parse_time(text: str, what: str) -> Range:
    span, _, unit = text.partition("/")
    if unit not in UNITS:
        raise UsageError(f"{what} {text!r}: a time range ends in /s, /ms or /us")
    first, _, last = span.partition("..")
    return Range(_instant(first, unit, what, text), _instant(last, unit, what, text), unit)


def _instant(text: str, unit: str, what: str, whole: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{what} {whole!r}: {text!r} is not an ISO time such as 2026-01-01T00:00") from None
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    return (instant - EPOCH) // timedelta(microseconds=MICROSECONDS // UNITS[unit])
