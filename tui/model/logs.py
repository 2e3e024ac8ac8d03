"""One log entry as rows: time, level as a letter, source, text; what belongs to it folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tui.model.text import Line, Span, cell, clean, line, span
from tui.model.words import parse_time

LEVELS: Mapping[str, int] = {"debug": 10, "info": 20, "warning": 30, "warn": 30, "error": 40, "critical": 50}
STEPS = ((0, "all"), (20, "info"), (30, "warning"), (40, "error"))
"""Least levels that can be chosen."""
_SIGNS = {10: ("D", "dim"), 20: ("I", ""), 30: ("W", "warn"), 40: ("E", "fail"), 50: ("E", "fail")}


class Entry(NamedTuple):
    """One record of a log; `more` are the lines that belong to it, `exact` is False where the time is the file's."""

    at: float
    level: int
    source: str
    text: str
    more: tuple[str, ...] = ()
    exact: bool = True

    def holds(self, words: str) -> bool:
        """Tell whether the entry contains words, letter case ignored."""
        return (
            words in self.text.casefold()
            or words in self.source.casefold()
            or any(words in each.casefold() for each in self.more)
        )


def seconds_of(text: str) -> float:
    """Return an ISO time as seconds since 1970; ValueError where it is none."""
    when = parse_time(text)
    if when is None:
        raise ValueError(text)
    return when.timestamp()


def stamp(at: float, *, date: bool = False) -> str:
    """Return a time as a row shows it."""
    when = datetime.fromtimestamp(at, UTC)
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if date else when.strftime("%H:%M:%S.%f")[:-3]


def row(entry: Entry, cells: int, *, at: bool, words: str, marked: bool = False) -> Line:
    """Return an entry as one row; what was looked for stands out."""
    sign, role = _SIGNS.get(entry.level, ("I", ""))
    when = stamp(entry.at) if entry.exact else f"{stamp(entry.at)[:8]}    "
    narrow = cells < 60
    head = [
        Span("*" if marked else "▸" if at else " ", "key"),
        Span(when[:8] if narrow else when, "dim"),
        Span(f" {sign} ", role),
        *([] if narrow else [cell(entry.source, 10, "dim"), Span(" ")]),
    ]
    folded = f"  (+{len(entry.more)} lines)" if entry.more else ""
    return (*head, *_lit(clean(entry.text), words, role if role != "dim" else ""), Span(folded, "dim"))


def _lit(text: str, words: str, role: str) -> Sequence[Span]:
    if not words or (found := text.casefold().find(words)) < 0:
        return [Span(text, role)]
    end = found + len(words)
    return [Span(text[:found], role), Span(text[found:end], "chosen"), Span(text[end:], role)]


def as_text(entries: Sequence[Entry]) -> str:
    """Return entries as lines of text, with all that belongs to them."""
    return "".join(
        f"{text}\n"
        for entry in entries
        for text in (f"{stamp(entry.at, date=True)}Z {entry.source} {entry.text}", *entry.more)
    )


def full(entry: Entry, cells: int) -> list[Line]:
    """Return an entry with all its lines, for its own page."""
    room = max(12, cells)
    lines = [line(span(f"{stamp(entry.at, date=True)}Z  {entry.source}", "dim"))]
    for text in (entry.text, *entry.more):
        flat = clean(text)
        lines += [line(Span(flat[begin : begin + room])) for begin in range(0, max(1, len(flat)), room)]
    return lines
