"""The range notation shared by the command line, configuration and certificates: `LO:HI`, `N`, times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from engine.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000
PRESETS = {
    "small": "0:2^16-1",
    "typed": "0:2^24-1",
    "unix": "2015-01-01T00:00..2030-01-01T00:00/s",
    "32bit": "0:2^32-1",
}
PIDS = (1, 32_767)  # what a process can be called unless its system was told otherwise
_WORDS = re.compile(r"(?P<lo>\d{1,9}):(?P<hi>\d{1,9})/(?P<unit>[a-z0-9_]+@[0-9a-f]{12})")
_MIXED = re.compile(r"(?P<unit>s|ms|us)(?P<how>[\^+])pid(?:\((?P<lo>\d+):(?P<hi>\d+)\))?\Z")
LONGEST, MOST_BITS = 20_000, 65_536
"""Characters of one end, bits of one power: above the largest state, 2^40,000, and written or computed in no time."""
FURTHEST = 1 << 48  # ticks of a clock from a draw's time: nine years of microseconds
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000}


class Range(NamedTuple):
    """An interval of integers with both ends included.

    `unit` is set for time seeds; for words it is `WAY@DIGEST`, and the integers are places in the list of that digest.
    """

    lo: int
    hi: int
    unit: str | None = None

    @property
    def size(self) -> int:
        """Return how many integers lie in the range."""
        return self.hi - self.lo + 1

    @property
    def way(self) -> str | None:
        """Return the way in which words become seeds, None where the range holds none."""
        return self.unit.partition("@")[0] if self.unit and "@" in self.unit else None

    @property
    def words(self) -> str | None:
        """Return the way and the list of words, None where the range holds none."""
        return None if self.way is None else self.unit

    @property
    def kind(self) -> Literal["seed", "time", "word"]:
        """Return what its integers are."""
        return "seed" if self.unit is None else "time" if self.way is None else "word"

    def text(self) -> str:
        """Return the notation that parses back to this range."""
        if self.way is not None:
            return f"{self.lo}:{self.hi}/{self.unit}"
        if self.unit is None:
            return _digits(self.lo) if self.lo == self.hi else f"{_digits(self.lo)}:{_digits(self.hi)}"
        tick = timedelta(microseconds=MICROSECONDS // UNITS[self.unit])
        ends = (EPOCH + end * tick for end in (self.lo, self.hi))
        return "..".join(end.replace(tzinfo=None).isoformat() for end in ends) + f"/{self.unit}"


def _digits(value: int) -> str:
    """Return an integer as people write it; beyond 64 bits, where all states of a generator end, as 2^k-1."""
    bits = value.bit_length()
    return f"2^{bits}-1" if bits > 64 and value + 1 == 1 << bits else str(value)


def parse_range(text: str, *, what: str, lowest: int = 0, highest: int = 2**64 - 1) -> Range:
    """Parse `LO:HI`, `N`, `0x…`, `2^32` ends or `TIME..TIME/UNIT`; raise UsageError naming `what` and the rule."""
    if words := _WORDS.fullmatch(text):
        found = Range(int(words["lo"]), int(words["hi"]), words["unit"])
    else:
        found = _parse_time(text, what) if ".." in text else _parse_integers(text, what)
    if found.lo > found.hi:
        raise UsageError(
            f"{what} {text!r}: the range is reversed; write the smaller end first, {found.hi}:{found.lo}"
        )
    if found.lo < lowest or found.hi > highest:
        raise UsageError(f"{what} {text!r}: allowed are {lowest} to {highest}")
    return found


def parse_seeds(text: str) -> tuple[Range, ...]:
    """Parse the value of `--seeds`: ranges and presets, comma-separated; those that touch become one."""
    if "@" in text:
        raise UsageError(f"--seeds {text!r}: a list of words is given as words:FILE, one word a line")
    parts = [PRESETS.get(part.strip(), part.strip()) for part in text.split(",")]
    if "" in parts:
        raise UsageError(
            f"--seeds {text!r}: a part is empty; separate ranges and presets ({', '.join(PRESETS)}) by one comma"
        )
    union: list[Range] = []
    for one in sorted(
        (parse_range(part, what="--seeds") for part in parts), key=lambda one: (one.unit or "", one.lo)
    ):
        if union and union[-1].unit == one.unit and one.lo <= union[-1].hi + 1:
            union[-1] = union[-1]._replace(hi=max(union[-1].hi, one.hi))
        else:
            union.append(one)
    return tuple(union)


def parse_offset(text: str, *, what: str) -> tuple[int, int, str]:
    """Parse `LO:HI/UNIT`, how far a seed may lie from its draw's time, negative where before; return (lo, hi, unit)."""
    ends, slash, unit = text.strip().partition("/")
    if not slash or unit not in UNITS:
        raise UsageError(
            f"{what} {text!r}: with --gap-law clock these are offsets from each draw's time, such as -60:60/s; units are s, ms, us"
        )
    found = _parse_integers(ends, what)
    if found.lo > found.hi:
        raise UsageError(f"{what} {text!r}: the range is reversed; write the smaller end first")
    if max(abs(found.lo), abs(found.hi)) > FURTHEST:
        raise UsageError(f"{what} {text!r}: at most {FURTHEST} ticks either way")
    return found.lo, found.hi, unit


def _mixed(first: int, last: int, mix: re.Match[str], what: str, text: str) -> Range:
    """Return the seeds that times mixed with a process number can give; with `^`, the whole block that its bits reach."""
    lo, hi = (int(mix["lo"]), int(mix["hi"])) if mix["lo"] else PIDS
    if lo > hi:
        raise UsageError(f"{what} {text!r}: the process numbers are reversed; write pid({hi}:{lo})")
    if mix["how"] == "+":
        return Range(first + lo, last + hi)
    reached = (1 << hi.bit_length()) - 1
    return Range(first & ~reached, last | reached)


def _parse_integers(text: str, what: str) -> Range:
    ends = text.split(":")
    if len(ends) > 2:
        raise UsageError(f"{what} {text!r}: expected N or LO:HI")
    numbers = [_parse_integer(end, what, text) for end in ends]
    return Range(numbers[0], numbers[-1])


def _parse_integer(end: str, what: str, text: str) -> int:
    end = end.strip().replace("_", "")
    try:
        if len(end) > LONGEST:
            raise ValueError
        if "^" in end:
            power, _, minus = end.partition("-")
            base, _, exponent = power.partition("^")
            return _power(int(base), int(exponent)) - (int(minus) if minus else 0)
        return int(end, 0)
    except ValueError:
        raise UsageError(
            f"{what} {text!r}: {end!r} is not an integer; write N, LO:HI, 0xff, 2^32-1 or TIME..TIME/ms"
        ) from None


def _power(base: int, exponent: int) -> int:
    """Return the power; ValueError where it is beyond every state of every generator, before it is computed."""
    if exponent < 0 or abs(base).bit_length() * exponent > MOST_BITS:
        raise ValueError
    return int(base**exponent)


def _parse_time(text: str, what: str) -> Range:
    span, _, unit = text.partition("/")
    mix = _MIXED.match(unit)
    unit = mix["unit"] if mix else unit
    if unit not in UNITS:
        raise UsageError(
            f"{what} {text!r}: a time range ends in /s, /ms or /us; with a process number /s^pid, /s+pid or /s^pid(1:32767)"
        )
    first, _, last = span.partition("..")
    if mix:
        ends = _instant(first, unit, what, text), _instant(last, unit, what, text)
        return _mixed(*ends, mix, what, text)
    return Range(_instant(first, unit, what, text), _instant(last, unit, what, text), unit)


def _instant(text: str, unit: str, what: str, whole: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: its zone leads out of the years 1 to 9999
        raise UsageError(f"{what} {whole!r}: {text!r} is not an ISO time such as 2026-01-01T00:00") from None
    return (instant - EPOCH) // timedelta(microseconds=MICROSECONDS // UNITS[unit])
