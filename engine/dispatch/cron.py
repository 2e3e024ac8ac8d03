"""Five fields of cron in UTC, as a pure table of minutes: which minute matches, and which one was the last or is the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.errors import UsageError

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HORIZON_DAYS = 366 * 8 + 2
"""29 February may be eight years away."""


@dataclass(frozen=True)
class Cron:
    """One parsed entry. As in cron, where day and weekday are both restricted, either of them will do."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Return the entry; UsageError names the field, its bounds and what was written."""
        parts = NICKNAMES.get(text.strip(), text).split()
        if len(parts) != len(FIELDS):
            known = ", ".join(NICKNAMES)
            raise UsageError(
                f"cron {text!r}: want five fields (minute hour day month weekday, UTC), or one of {known}"
            )
        minutes, hours, days, months, weekdays = (
            _field(part, *field, whole=text) for part, field in zip(parts, FIELDS, strict=True)
        )
        made = cls(
            text, minutes, hours, days, months, frozenset(day % 7 for day in weekdays),
            any_day=parts[2].startswith("*"), any_weekday=parts[4].startswith("*"),
        )  # fmt: skip
        if made.after(datetime(2000, 1, 1, tzinfo=UTC)) is None:
            raise UsageError(f"cron {text!r}: no such day exists")
        return made

    def matches(self, at: datetime) -> bool:
        """Say whether the entry fires in this minute."""
        return at.minute in self.minutes and at.hour in self.hours and self._on(at)

    def _on(self, at: datetime) -> bool:
        """Say whether the entry fires on this day at all."""
        if at.month not in self.months:
            return False
        day, weekday = at.day in self.days, (at.weekday() + 1) % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return day and weekday
        return day or weekday

    def after(self, at: datetime) -> datetime | None:
        """Return the first firing after `at`; None where there is none within eight years."""
        return self._search(_floor(at) + MINUTE, DAY, reverse=False)

    def before(self, at: datetime) -> datetime | None:
        """Return the last firing at or before `at`; None where there was none within eight years."""
        return self._search(_floor(at), -DAY, reverse=True)

    def between(self, after: datetime, until: datetime, most: int = 1000) -> int:
        """Return how many firings lie after `after` and at or before `until`, counted up to `most`."""
        count, at = 0, self.after(after)
        while at is not None and at <= until and count < most:
            count, at = count + 1, self.after(at)
        return count

    def _search(self, start: datetime, step: timedelta, *, reverse: bool) -> datetime | None:
        day = start.replace(hour=0, minute=0)
        for _ in range(HORIZON_DAYS):
            if self._on(day):
                for hour in sorted(self.hours, reverse=reverse):
                    for minute in sorted(self.minutes, reverse=reverse):
                        moment = day.replace(hour=hour, minute=minute)
                        if (moment <= start) if reverse else (moment >= start):
                            return moment
            day += step
        return None


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _field(text: str, name: str, lo: int, hi: int, *, whole: str) -> frozenset[int]:
    """Return the values of one field: `*`, `5`, `1-5`, `*/15`, `1-30/2`, and lists of these."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        first, dash, last = (str(lo), "-", str(hi)) if span == "*" else span.partition("-")
        numbers = (first, last or (str(hi) if slash else first), step_text if slash else "1")
        if not all(number.isdigit() and len(number) < 4 for number in numbers) or (dash and not last):
            raise UsageError(f"cron {whole!r}: {name} {part!r} is none of *, N, N-M, */STEP")
        low, high, step = map(int, numbers)
        if not lo <= low <= high <= hi or step < 1:
            raise UsageError(f"cron {whole!r}: {name} {part!r}: values go from {lo} to {hi}, steps from 1")
        found |= set(range(low, high + 1, step))
    return frozenset(found)
