"""Lines of styled cells: measured, cleaned, clipped and padded without any toolkit."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple


class Span(NamedTuple):
    """Text of one role; roles are names that the stylesheet colours (`ok`, `warn`, `dim`, …)."""

    text: str
    role: str = ""
    does: str = ""
    """What a click on it runs: an action of the console, as a binding names it."""


Line = tuple[Span, ...]
BLANK: Line = ()
ELLIPSIS = "…"


class Item:
    """One piece of a header, in forms from long to short; the higher its rank, the earlier it is cut, then dropped."""

    def __init__(self, rank: int, *forms: Line) -> None:
        self.rank = rank
        self.forms = tuple(form for form in forms if any(part.text for part in form))


def span(text: object, role: str = "", does: str = "") -> Span:
    """Build a span; the one door for text from the wire, so it also removes terminal controls."""
    return Span(clean(str(text)), role, does)


def line(*parts: Span | str) -> Line:
    """Build a line from spans and plain strings."""
    return tuple(part if isinstance(part, Span) else span(part) for part in parts)


def clickable(parts: Line, does: str) -> Line:
    """Return a line that runs an action wherever it is clicked."""
    return tuple(part._replace(does=does) for part in parts)


def clicked(parts: Line, x: int) -> str:
    """Return what a click on one cell of a line runs, nothing where no words stand that do something."""
    for part in parts:
        x -= width(part.text)
        if x < 0:
            return part.does
    return ""


def clean(text: str) -> str:
    """Return text that cannot move the cursor, colour the screen or reverse the reading order."""
    return text if text.isprintable() else _scrub(text)


@lru_cache(maxsize=512)
def _scrub(text: str) -> str:
    return "".join(c if c.isprintable() else " " if c in "\t\n\r\u2028\u2029" else "·" for c in text)


def width(text: str) -> int:
    """Return the number of terminal cells that `text` takes."""
    return len(text) if text.isascii() else _wide(text)


@lru_cache(maxsize=1024)
def _wide(text: str) -> int:
    return sum(_cells(c) for c in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


_FILLER = "\x00"


def length(parts: Iterable[Span]) -> int:
    """Return the cells of a whole line."""
    return sum(width(part.text) for part in parts)


def wrap(text: str, cells: int) -> list[str]:
    """Return words as rows of at most `cells` cells; nothing of them is lost, wide characters included."""
    if text.isascii():
        return textwrap.wrap(text, cells)
    # The toolbox counts characters: a filler behind each wide one makes the numbers agree.
    filled = "".join(c + _FILLER if _cells(c) == 2 else c for c in text)
    room = cells - 1 if _FILLER in filled else cells
    return [row.replace(_FILLER, "") for row in textwrap.wrap(filled, room)]


def chop(text: str, cells: int) -> list[str]:
    """Return a text as rows of at most `cells` cells, its blanks kept."""
    rows, used = [""], 0
    for char in text:
        used += _cells(char)
        if used > cells:
            rows.append("")
            used = _cells(char)
        rows[-1] += char
    return rows


def clip(text: str, cells: int) -> str:
    """Cut `text` to at most `cells`, with an ellipsis where something was lost."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    kept, used = [], 0
    for char in text:
        used += _cells(char)
        if used > cells - 1:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def cell(text: object, cells: int, role: str = "", *, right: bool = False, does: str = "") -> Span:
    """Return exactly `cells` cells of text, left or right aligned."""
    short = clip(clean(str(text)), cells)
    pad = " " * (cells - width(short))
    return Span(pad + short if right else short + pad, role, does)


def table(rows: Sequence[Sequence[Span]], caps: Sequence[int]) -> list[Line]:
    """Align rows in columns as wide as their content, at most `caps`; what follows the last cap fills the line."""
    sizes = [min(cap, max((width(row[i].text) for row in rows), default=0)) for i, cap in enumerate(caps)]
    lines = []
    for row in rows:
        fixed = [cell(part.text, size, part.role) for part, size in zip(row, sizes, strict=False) if size]
        rest = [part for part in row[len(caps) :] if part.text]
        lines.append(gapped([(part,) for part in (*fixed, *rest)]))
    return lines


def cut(parts: Line, cells: int) -> Line:
    """Cut a line to at most `cells`."""
    if length(parts) <= cells:
        return parts
    kept: list[Span] = []
    room = cells
    for part in parts:
        size = width(part.text)
        if size > room:
            kept.append(part._replace(text=clip(part.text, room)))
            break
        kept.append(part)
        room -= size
    return tuple(kept)


def gapped(parts: Sequence[Line], gap: str = " ") -> Line:
    """Join lines into one with `gap` between."""
    joined: list[Span] = []
    for index, part in enumerate(parts):
        if index:
            joined.append(Span(gap))
        joined.extend(part)
    return tuple(joined)


def spread(items: Sequence[Item], cells: int, *, gap: str = "  ", right: Line = BLANK) -> Line:
    """Lay items on one line: shorten, then drop the least important until it fits; `right` sits at the edge."""
    room = cells - (length(right) + 1 if right else 0)
    chosen = _squeeze(items, room, len(gap))
    left = cut(gapped(chosen, gap), room)
    if not right:
        return left
    return (*left, Span(" " * max(0, cells - length(left) - length(right))), *right)


def _squeeze(items: Sequence[Item], room: int, gap: int) -> list[Line]:
    kept = {index: item.forms[0] for index, item in enumerate(items) if item.forms}
    order = sorted(kept, key=lambda index: -items[index].rank)
    steps = max((len(items[index].forms) for index in order), default=0)
    shorter = [
        (index, items[index].forms[step])
        for step in range(1, steps)
        for index in order
        if step < len(items[index].forms)
    ]
    for index, form in shorter:
        if _fits(kept, room, gap):
            break
        kept[index] = form
    for index in order:
        if _fits(kept, room, gap) or len(kept) == 1:
            break
        del kept[index]
    for index in sorted(
        kept, key=lambda index: items[index].rank
    ):  # what one gave up may be more than was needed
        kept[index] = next(
            (form for form in items[index].forms if _fits({**kept, index: form}, room, gap)), kept[index]
        )
    return [kept[index] for index in sorted(kept)]


def _fits(kept: dict[int, Line], room: int, gap: int) -> bool:
    return sum(length(part) for part in kept.values()) + gap * (len(kept) - 1) <= room


# One character for one wherever a glyph stands in a column; a few words of prose grow by one.
_ASCII = str.maketrans(
    {
        "●": "o", "◀": "<", "▼": "v", "▲": "!", "✖": "x", "◌": ".", "○": "o", "‖": "=", "✔": "+", "▶": ">", "▸": ">", "·": "-", "…": "~",
        "▌": "|", "│": "|", "┤": "|", "─": "-", "—": "-", "–": "-", "→": ">", "↑": "^", "↓": "v", "≥": ">=",
        "≤": "<=", "×": "x", "≈": "~", "°": "'", "µ": "u", "α": "a", "σ": "s", "²": "2", "³": "3", "“": '"', "”": '"',
        "’": "'", " ": " ", "▁": ".", "▂": ":", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "#", "█": "#",
        "▏": " ", "▎": ".", "▍": ".", "▋": "=", "▊": "=", "▉": "#",
    }
)  # fmt: skip


_BRAILLE = {0x2800 + bits: " .:*"[min(3, bits.bit_count())] for bits in range(256)}


@lru_cache(maxsize=2048)
def fold(text: str) -> str:
    """Return `text` in ASCII, for terminals and fonts that have nothing else."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII).translate(_BRAILLE))
    return "".join(c if c.isascii() else "" if unicodedata.combining(c) else "?" * _cells(c) for c in plain)


def text_of(lines: Iterable[Line]) -> str:
    """Return lines as plain text, one a row."""
    return "\n".join("".join(part.text for part in parts).rstrip() for parts in lines)
