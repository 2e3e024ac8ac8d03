"""Read a history from a file of any supported format, or say in one line what is wrong with it and what to do."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.errors import BadInput, UsageError
from engine.history.candidates import Candidate, check_range, range_candidates
from engine.history.cells import Reader, Row
from engine.history.columns import Wanted
from engine.history.delimited import find_delimiter, read_delimited
from engine.history.history import MISSING, NO_TIME, History, Ints, instant
from engine.history.jsons import is_jsonl, read_json, read_jsonl
from engine.history.samples import Pool
from engine.history.source import Source, open_source
from engine.history.words import read_words

__all__ = ["FORMATS", "Candidate", "check_range", "range_candidates", "read_history"]

Format = Callable[[Source, Wanted, Reader], Iterator[Row]]
FORMATS: dict[str, Format] = {
    "csv": read_delimited,
    "json": read_json,
    "jsonl": read_jsonl,
    "text": read_words,
}
EXTENSIONS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
DRAW_LIMIT = 10_000_000
FEWEST = 3


def read_history(
    path: Path | str,
    *,
    column: str | int | None = None,
    time_column: str | int | None = None,
    session_column: str | int | None = None,
    format: str | None = None,
    newest_first: bool = False,
    limit: int = DRAW_LIMIT,
    decimals: int | None = None,
    columns: Sequence[str] = (),
    pool: str | None = None,
    order: str = "sorted",
    fewest: int = FEWEST,
) -> History:
    """Read draws, oldest first, from a file or `-`; raise BadInput with the place, the rule and the fix.

    Columns go by name or by number from 1; "" means none. Without them a column that can only be the draws is
    taken, and columns named time, timestamp or session. Formats: csv, json, jsonl, text; None looks at the file.
    With `decimals` the draws are numbers of [0, 1] with at most so many, and become the integers 0..10^decimals.
    With `pool` (N or LO:HI) every draw is a row of several of its numbers, in `columns` or in one cell, and becomes the
    rank of the sample; `order` says whether rows rise (sorted) or stand as drawn. A part of a history may have fewer than
    `fewest` draws.
    """
    value, time, session = (
        None if each is None else str(each) for each in (column, time_column, session_column)
    )
    wanted = Wanted(value, time, session, tuple(columns), rows=pool is not None)
    taken = None if pool is None else Pool.parse(pool, order)
    with open_source(path) as source:
        kind = _format(source, path, format)
        reader = Reader(source.name, decimals=decimals, pool=taken)
        history = _collect(FORMATS[kind](source, wanted, reader), reader, limit)
    if newest_first:
        history = _reversed(history)
    _check_count(history, fewest)
    _check_order(history, newest_first)
    return history


def _format(source: Source, path: Path | str, asked: str | None) -> str:
    if asked is not None and asked not in FORMATS:
        raise UsageError(f"format {asked!r}: unknown; formats are {', '.join(FORMATS)}")
    sample = source.sample()
    if not sample.strip():
        raise BadInput(f"{source.name}: the file is empty; a history has at least {FEWEST} draws")
    return asked or EXTENSIONS.get(Path(path).suffix.lower()) or sniff(sample)


def sniff(sample: str) -> str:
    """Return the format that the start of a text looks like."""
    start = sample.lstrip()
    if start[0] == "[":
        return "json"
    if start[0] == "{":
        return "jsonl" if is_jsonl(sample) else "json"
    # the last line of a sample may be cut, so it is left out unless it is the only one
    lines = [line for line in sample.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    table = lines[:-1] or lines
    if any(character.isalpha() for line in table[:5] for character in line):
        return "csv"
    return "csv" if len(table) > 1 and find_delimiter("\n".join(table)) else "text"


def _collect(rows: Iterator[Row], reader: Reader, limit: int) -> History:
    values, times, codes, places = array("q"), array("q"), array("q"), array("q")
    known: dict[str, int] = {}
    for place, value, time, session in rows:
        if len(values) == limit:
            raise BadInput(
                f"{reader.source}, {reader.place} {place}: more than {limit:,} draws; take a part, for example with `head`"
            )
        values.append(reader.value(place, value))
        times.append(NO_TIME if time is None else reader.time(place, time))
        label = None if session is None else reader.session(place, session)
        codes.append(-1 if label is None else known.setdefault(label, len(known)))
        places.append(place)
    columns = [np.frombuffer(each, dtype=np.int64) for each in (values, times, codes, places)]  # no copy
    return History(
        columns[0],
        columns[1],
        columns[2],
        tuple(known),
        reader.source,
        places=columns[3],
        place=reader.place,
        sample=reader.sample,
    )


def _reversed(history: History) -> History:
    places = None if history.places is None else history.places[::-1].copy()
    labels = [draw for draw in dict.fromkeys(history.codes[::-1].tolist()) if draw >= 0]
    order = {old: new for new, old in enumerate(labels)}
    codes = np.array([order.get(code, -1) for code in history.codes[::-1].tolist()], dtype=np.int64)
    return History(
        history.values[::-1].copy(),
        history.times[::-1].copy(),
        codes,
        tuple(history.labels[old] for old in labels),
        history.source,
        places=places,
        place=history.place,
        sample=history.sample,
    )


def _check_count(history: History, fewest: int) -> None:
    present = int(np.count_nonzero(history.values != MISSING))
    if present < fewest:
        raise BadInput(
            f"{history.source}: {present} draws; at least {fewest} are needed, and a verdict takes 10 to 100"
        )


def _check_order(history: History, newest_first: bool) -> None:
    timed = np.flatnonzero(history.times != NO_TIME)
    steps = np.diff(history.times[timed])
    back = np.flatnonzero(steps < 0)
    if not len(back):
        return
    if not bool((steps > 0).any()):
        fix = (
            "leave newest-first out"
            if newest_first
            else "the newest draw stands first: say so with --newest-first"
        )
        raise BadInput(f"{history.source}: the times go backwards throughout; {fix}")
    earlier, later = int(timed[back[0]]), int(timed[back[0] + 1])
    raise BadInput(
        f"{history.source}, {history.where(later)}: {_when(history.times, later)} is earlier than "
        f"{_when(history.times, earlier)} in {history.where(earlier)}; draws go oldest first: sort the file by time"
    )


def _when(times: Ints, row: int) -> str:
    time = instant(int(times[row]))
    return "no time" if time is None else time.isoformat()
