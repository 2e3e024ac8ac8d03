"""A report before it has a form: sections of prose, facts, tables and figures, which the page and the text both show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.run_report.plot import Picture


@dataclass(frozen=True)
class Prose:
    """One paragraph."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Labelled facts; an empty label goes on with the one before."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """Rows under named columns; the first column names its row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A picture and what stands under it."""

    picture: Picture
    caption: str


Block = Prose | Facts | Table | Figure


@dataclass(frozen=True)
class Section:
    """A title and what stands under it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """The whole report: its title, the verdict in capitals with its class, one sentence that says why, and the sections."""

    title: str
    kind: str
    verdict: str
    reason: str
    sections: Sequence[Section]
