"""CSV and its relatives: the delimiter and the header are found, quoted cells understood, ragged rows refused."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from engine.errors import BadInput
from engine.history.cells import Reader, Row
from engine.history.columns import Wanted, choose
from engine.history.source import Source

DELIMITERS = ",;\t|"
NAME = re.compile(r"([^\W\d]|#).*", re.DOTALL)
SAMPLE_ROWS = 20


class Cells(NamedTuple):
    """One row of a table and the line it ends on."""

    line: int
    cells: list[str]


def read_delimited(source: Source, wanted: Wanted, reader: Reader) -> Iterator[Row]:
    """Yield the draws of a CSV, TSV or semicolon table."""
    rows = _rows(source)
    sample = list(islice(rows, SAMPLE_ROWS))
    if not sample:
        return
    header = sample[0].cells if _is_header(sample[0].cells) else None
    body = sample[1:] if header else sample
    names = [name.strip() for name in header] if header else None
    width = len(sample[0].cells)
    chosen = choose(source.name, names, [dict(enumerate(row.cells)) for row in body], width, wanted)
    reader.column = chosen.name if names or width > 1 else None
    for line, cells in chain(body, rows):
        if len(cells) != width:
            raise _ragged(source.name, line, len(cells), sample[0].line, width)
        yield Row(
            line,
            chosen.value(cells),
            None if chosen.time is None else cells[chosen.time],
            None if chosen.session is None else cells[chosen.session],
        )


def find_delimiter(text: str) -> str | None:
    """Return the delimiter that gives the first lines the same number of columns, the most of all; None for one."""
    lines = [line for line in text.splitlines()[:SAMPLE_ROWS] if line.strip()]
    best, most = None, 1
    for delimiter in DELIMITERS:
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        except csv.Error:  # a cell longer than any table has: not this delimiter
            continue
        if len(widths) == 1 and (width := widths.pop()) > most:
            best, most = delimiter, width
    return best


def _rows(source: Source) -> Iterator[Cells]:
    line: deque[int] = deque([0], maxlen=1)
    sample = "\n".join(text for text in source.sample().split("\n")[:-1] if not _is_comment(text))
    delimiter = find_delimiter(sample or source.sample()) or _any_delimiter(sample)
    reader = csv.reader(_lines(source, line), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Cells(line[0], cells)
    except csv.Error as error:
        raise BadInput(
            f"{source.name}, line {line[0]}: not valid CSV ({error}); check the quotes from this line upward"
        ) from None


def _any_delimiter(sample: str) -> str:
    """Return the delimiter a ragged table seems to mean, so that the ragged row is named instead of its cells."""
    first = sample.split("\n", 1)[0]
    return max(DELIMITERS, key=first.count)


def _lines(source: Source, line: deque[int]) -> Iterator[str]:
    top = True
    for number, text in source.lines():
        line.append(number)
        top = top and (_is_comment(text) or not text.strip())
        if not top:
            yield text + "\n"


def _is_comment(text: str) -> bool:
    """Return whether a line above the table is a remark: `# ` and text (a header may well start with `#`)."""
    return text.startswith("# ") or text.rstrip() == "#"


def _is_header(cells: list[str]) -> bool:
    """Return whether a first row names columns: every filled cell starts like a name, so no draw is lost."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(NAME.fullmatch(cell) for cell in filled)


def _ragged(name: str, line: int, found: int, first: int, width: int) -> BadInput:
    return BadInput(
        f"{name}, line {line}: {found} columns where line {first} has {width}; "
        "every row needs the same columns: quote cells that contain the delimiter"
    )
