"""The cost guard: caps on calls an hour and dollars a day, kept on disk. The worst case is booked before a call, settled after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import time as wall_clock
from typing import TYPE_CHECKING, Any

from state.errors import StateError
from state.files import write_atomic

if TYPE_CHECKING:
    from engine.config import ClaudeSettings

FILE_NAME = "llm_costs.json"
SCHEMA = "llm_costs/1"
HOUR, DAY = 3600.0, 86_400.0
PROMPT_CHARS_PER_TOKEN = 3.0


class Capped(Exception):
    """A cap forbids the call; the text says which and when it ends."""


@dataclass
class Book:
    """What was spent: times of the calls of the last hour, dollars of one UTC day, totals."""

    hour: list[float] = field(default_factory=list)
    day: int = 0
    usd_today: float = 0.0
    usd_total: float = 0.0
    calls_total: int = 0


class Guard:
    """Books calls in a file; a file that cannot be read or written forbids spending."""

    def __init__(
        self, directory: Path, settings: ClaudeSettings, *, clock: Callable[[], float] = wall_clock
    ) -> None:
        """Keep the book in `directory`; `clock` is UTC seconds."""
        self._path, self._settings, self._clock = directory / FILE_NAME, settings, clock

    def worst_case(self, prompt: str, answer_tokens: int) -> float:
        """Return the most that a call can cost with all its attempts, in dollars."""
        tokens = len(prompt) / PROMPT_CHARS_PER_TOKEN
        return self._settings.attempts * self.usd(tokens, answer_tokens)

    def usd(self, tokens_in: float, tokens_out: float) -> float:
        """Return what so many tokens cost by the operator's price list."""
        asked = self._settings
        return (tokens_in * asked.input_usd_per_mtok + tokens_out * asked.output_usd_per_mtok) / 1e6

    def reserve(self, usd: float) -> None:
        """Book the worst case; Capped says which cap forbids it."""
        book = self._read()
        calls = len(book.hour) + self._settings.attempts
        if calls > self._settings.calls_per_hour:
            raise Capped(
                f"claude: {len(book.hour)} calls in the last hour, the cap is {self._settings.calls_per_hour}"
            )
        if book.usd_today + usd > self._settings.usd_per_day:
            raise Capped(
                f"claude: ${book.usd_today:.4f} spent today and up to ${usd:.4f} to come, the cap is ${self._settings.usd_per_day:g}"
            )
        book.hour += [self._clock()] * self._settings.attempts
        self._write(self._moved(book, usd))

    def settle(self, reserved: float, spent: float) -> None:
        """Replace a booked worst case by what the call did cost."""
        book = self._read()
        book.calls_total += 1
        self._write(self._moved(book, spent - reserved))

    def summary(self) -> dict[str, Any]:
        """Return what was spent and what is allowed."""
        try:
            book = self._read()
        except Capped as error:
            return {"error": str(error)}
        return {
            "calls_last_hour": len(book.hour), "calls_per_hour": self._settings.calls_per_hour,
            "usd_today": round(book.usd_today, 6), "usd_per_day": self._settings.usd_per_day,
            "usd_total": round(book.usd_total, 6), "calls_total": book.calls_total,
        }  # fmt: skip

    def _moved(self, book: Book, usd: float) -> Book:
        book.usd_today = max(0.0, book.usd_today + usd)
        book.usd_total = max(0.0, book.usd_total + usd)
        return book

    def _read(self) -> Book:
        now = self._clock()
        try:
            data = json.loads(self._path.read_text(encoding="ascii"))
            if data.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            book = _checked(Book(**data))
        except FileNotFoundError:
            book = Book()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Capped(
                f"claude: {self._path} cannot be read ({error}); nothing is spent until it can"
            ) from error
        book.hour = [at for at in book.hour if now - HOUR < at <= now]
        if book.day != int(now // DAY):
            book.day, book.usd_today = int(now // DAY), 0.0
        return book

    def _write(self, book: Book) -> None:
        try:
            write_atomic(self._path, (json.dumps({"schema": SCHEMA, **asdict(book)}) + "\n").encode("ascii"))
        except StateError as error:
            raise Capped(f"claude: what is spent cannot be kept: {error}") from error


def _checked(book: Book) -> Book:
    """Return the book; ValueError where it does not hold finite amounts from 0 and times."""
    amounts = [book.usd_today, book.usd_total, book.day, book.calls_total]
    if not isinstance(book.hour, list) or not all(_is_amount(one) for one in (*amounts, *book.hour)):
        raise ValueError("its amounts are not numbers from 0")
    return book


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15
