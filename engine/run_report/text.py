"""A report for an 80-column terminal: the same sections; a figure becomes a sparkline, a bar or letters."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from engine.report import WIDTH, floored, row
from engine.run_report.document import Block, Document, Facts, Figure, Prose, Section, Table
from engine.run_report.plot import (
    Picture,
    Plot,
    Rates,
    Series,
    Square,
    Squares,
    clean,
    letter,
    number,
    shortened,
)

SPARKS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 50
SQUARES = (
    "A number: excluded with that power in %; a/b: a of b excluded; ·: not tested; ×: cannot be searched."
)


def render(document: Document) -> str:
    """Return the whole report."""
    lines = [document.title, "", f"VERDICT  {document.verdict}", "─" * WIDTH, *_wrapped(document.reason)]
    for section in document.sections:
        lines += _section(section)
    return "\n".join(clean(line) for line in lines)


def _section(section: Section) -> list[str]:
    lines = ["", section.title.upper()]
    for block in section.blocks:
        lines += ["", *_block(block)]
    return lines


def _block(block: Block) -> list[str]:
    match block:
        case Prose(text):
            return _wrapped(text)
        case Facts(rows):
            return [line for label, text in rows for line in row(label, clean(text))]
        case Table():
            return _table(block)
        case Figure(picture, caption):
            return [*_wrapped(picture.title), *_picture(picture), *_wrapped(caption)]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(clean(text), WIDTH)


def _table(table: Table) -> list[str]:
    """Return each row as its first cell and a line of the others with their columns' names."""
    lines = [table.caption]
    for first, *rest in table.rows:
        lines += textwrap.wrap(clean(first), WIDTH, initial_indent="  ", subsequent_indent="  ")
        named = ";  ".join(
            f"{name} {cell}".strip() for name, cell in zip(table.columns[1:], rest, strict=True) if cell
        )
        lines += textwrap.wrap(clean(named), WIDTH, initial_indent="      ", subsequent_indent="      ")
    return lines


def _picture(picture: Picture) -> list[str]:
    match picture:
        case Plot():
            return _plot(picture)
        case Squares():
            return _squares(picture)
        case Rates():
            return [
                f"  {shortened(one.name, 46):46} {one.counts:>16} ≥ {floored(one.lower, 1)}"
                for one in picture.rows
            ]


def _plot(plot: Plot) -> list[str]:
    lines = [f"  {one.name[:22]:22} {_spark(one, plot)}" for one in plot.series]
    lines.append(f"  {'':22} {plot.x.label}: {number(plot.x.lo)} to {number(plot.x.hi)}")
    return [
        *lines,
        f"  {'':22} {plot.y.label}: {number(round(plot.y.lo, 2))} to {number(round(plot.y.hi, 2))}",
    ]


def _spark(one: Series, plot: Plot) -> str:
    """Return the highest value in each column of the window; a column without values is a gap."""
    columns: list[float | None] = [None] * SPARK_WIDTH
    for x, y in one.points:
        at = min(SPARK_WIDTH - 1, int(plot.x.share(x) * SPARK_WIDTH))
        before = columns[at]
        columns[at] = y if before is None else before if y is None else max(before, y)
    held: float | None = None
    marks = []
    for value in columns:
        held = value if value is not None else held if one.step else None
        marks.append(" " if held is None else SPARKS[min(7, max(0, int(plot.y.share(held) * 8)))])
    return "".join(marks)


def _squares(picture: Squares) -> list[str]:
    lines = [f"  {letter(at):>2}  {name}" for at, name in enumerate(picture.columns)]
    letters = [len(one.letters) for _, squares in picture.rows for one in squares if one is not None]
    wide = max(4, *letters) + 1
    for first in range(0, len(picture.columns), (WIDTH - 36) // wide):
        shown = slice(first, first + (WIDTH - 36) // wide)
        heads = [letter(at) for at in range(len(picture.columns))][shown]
        lines += ["", f"  {'':33}{''.join(f'{head:>{wide}}' for head in heads)}"]
        lines += [_square_row(name, squares[shown], wide) for name, squares in picture.rows]
    return [*lines, "", *_wrapped(SQUARES)]


def _square_row(name: str, squares: Sequence[Square | None], wide: int) -> str:
    told = ("" if one is None else one.letters or "·" for one in squares)
    return f"  {shortened(name, 33):33}{''.join(f'{text:>{wide}}' for text in told)}".rstrip()
