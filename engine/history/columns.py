"""Which column holds the draws, the times, the sessions: by name, by number, or because only one can."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import BadInput
from engine.history.cells import is_integer
from engine.history.samples import is_row

VALUE_NAMES = ("value", "values")
TIME_NAMES = ("time", "timestamp")
SESSION_NAMES = ("session",)


@dataclass(frozen=True)
class Wanted:
    """Columns asked for: a name, a number from 1, None to choose, "" for no such column.

    With `rows` a draw is several numbers, those of the columns `several` or of one cell.
    """

    value: str | None = None
    time: str | None = None
    session: str | None = None
    several: tuple[str, ...] = ()
    rows: bool = False


class Chosen(NamedTuple):
    """Positions of the columns in a row (from 0) and the name of the draws' column for messages."""

    values: tuple[int, ...]
    time: int | None
    session: int | None
    name: str

    def value(self, cells: Sequence[Any]) -> Any:
        """Return the cell of a row's draw, or the list of them where a draw stands in several columns."""
        return cells[self.values[0]] if len(self.values) == 1 else [cells[at] for at in self.values]


def choose(
    source: str, names: Sequence[str] | None, sample: Sequence[Mapping[int, Any]], count: int, wanted: Wanted
) -> Chosen:
    """Return the columns of a table with `count` columns; `sample` holds some rows by column position."""
    labels = list(names) if names else [str(number) for number in range(1, count + 1)]
    time = _find(source, labels, wanted.time, "time") if wanted.time else None
    session = _find(source, labels, wanted.session, "session") if wanted.session else None
    time = _named(names, TIME_NAMES) if wanted.time is None else time
    session = _named(names, SESSION_NAMES) if wanted.session is None else session
    if wanted.several:
        values = tuple(_find(source, labels, each, "draws") for each in wanted.several)
    elif wanted.value:
        values = (_find(source, labels, wanted.value, "draws"),)
    else:
        fits = is_row if wanted.rows else is_integer
        values = (_guess(source, names, labels, sample, {time, session}, fits),)
    return Chosen(values, time, session, ",".join(labels[at] for at in values))


def _find(source: str, labels: list[str], wanted: str, what: str) -> int:
    if wanted in labels:
        return labels.index(wanted)
    if wanted.isdecimal() and 1 <= int(wanted) <= len(labels):
        return int(wanted) - 1
    near = difflib.get_close_matches(wanted, labels, n=1)
    hint = f" (nearest: {near[0]!r})" if near else ""
    raise BadInput(
        f"{source}: no column {wanted!r} for the {what}{hint}; the columns are {_listed(labels)}; "
        f"give a name or a number from 1 to {len(labels)}"
    )


def _named(names: Sequence[str] | None, known: tuple[str, ...]) -> int | None:
    found = [index for index, name in enumerate(names or ()) if name.strip().lower() in known]
    return found[0] if len(found) == 1 else None


def _guess(
    source: str,
    names: Sequence[str] | None,
    labels: list[str],
    sample: Sequence[Mapping[int, Any]],
    taken: set[int | None],
    fits: Callable[[Any], bool],
) -> int:
    named = _named(names, VALUE_NAMES)
    if named is not None and named not in taken:
        return named
    free = [index for index in range(len(labels)) if index not in taken]
    if len(free) == 1:
        return free[0]
    possible = [index for index in free if _all_fit([row.get(index) for row in sample], fits)]
    if len(possible) == 1:
        return possible[0]
    if not possible and fits is is_row:
        raise BadInput(
            f"{source}: no column holds rows of numbers like `3 14 15`; the columns are {_listed(labels)}; "
            "name the ones with the numbers, as --columns n1,n2,n3"
        )
    if not possible:
        raise BadInput(
            f"{source}: no column holds integers throughout; the columns are {_listed(labels)}; "
            "name the one with the draws with --column to see what is wrong in it"
        )
    raise BadInput(
        f"{source}: {len(possible)} columns could hold the draws: {_listed([labels[index] for index in possible])}; "
        "say which with --column NAME or NUMBER" + ("" if names else ", or --format text to read row by row")
    )


def _all_fit(cells: list[Any], fits: Callable[[Any], bool]) -> bool:
    present = [cell for cell in cells if cell is not None and str(cell).strip() not in ("", "-")]
    return bool(present) and all(map(fits, present))


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:12])
    return shown + (f" and {len(labels) - 12} more" if len(labels) > 12 else "")
