"""Plain text: integers separated by white space or commas, `-` for a missing draw, `#` lines are remarks. Rows of numbers: one a line."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import BadInput
from engine.history.cells import Reader, Row
from engine.history.columns import Wanted
from engine.history.source import Source


def read_words(source: Source, wanted: Wanted, _: Reader) -> Iterator[Row]:
    """Yield the draws of a text, in reading order."""
    if wanted.value or wanted.several or wanted.time or wanted.session:
        raise BadInput(
            f"{source.name}: plain text has no columns; leave the column options out, or give a CSV"
        )
    for number, line in source.lines(split_long=True):
        if line.lstrip().startswith("#"):
            continue
        if wanted.rows:
            yield from [Row(number, line)] if line.strip() else []
        else:
            for word in line.replace(";", ",").split():
                yield from _split(source.name, number, word)


def _split(name: str, number: int, word: str) -> Iterator[Row]:
    if "," not in word:
        yield Row(number, word)
        return
    for part in word.strip(",").split(",") if word != "," else []:
        if not part:
            raise BadInput(
                f"{name}, line {number}: nothing between two commas in {word[:40]!r}; write - for a missing draw"
            )
        yield Row(number, part)
