"""Lists whose rows are events of one kind: read in windows over the journal's index, however many there are, now or as of an event."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.chain import Event
    from state.journal import Journal

Cell = str | int | float | bool | None
Row = dict[str, Cell]
CHUNK = 400
"""Events that are read at once when a whole list is looked through; the loop runs in between."""


def _none(desk: Desk, upto: int | None) -> list[Row]:
    return []


@dataclass(frozen=True)
class Log:
    """Rows of one kind of event, newest first; `above` are those that have not ended, and stand over all others."""

    kind: str
    row: Callable[[Event], Row]
    above: Callable[[Desk, int | None], list[Row]] = _none
    measured: str = ""
    """The field of the event's data that a plot of the list shows."""
    marked: tuple[str, str] | None = None
    """The field and the word of rows that stand out in that plot."""

    def newest(self, desk: Desk, most: int) -> list[Row]:
        """Return the newest rows."""
        return self.window(desk, None, 0, most)[0]

    def past(self, desk: Desk, at: int, most: int) -> list[Row]:
        """Return the newest rows as of an event."""
        return self.window(desk, at, 0, most)[0]

    def window(self, desk: Desk, upto: int | None, skip: int, count: int) -> tuple[list[Row], int]:
        """Return `count` rows behind the first `skip`, and how many there are in all."""
        above = self.above(desk, upto)
        rows = above[skip : skip + count]
        if len(rows) < count:
            behind = max(0, skip - len(above))
            rows += [
                self.row(event)
                for event in desk.journal.newest((self.kind,), count - len(rows), upto=upto, skip=behind)
            ]
        return rows, len(above) + desk.journal.count((self.kind,), upto=upto)

    def chunks(self, desk: Desk, upto: int | None) -> Iterator[list[Row]]:
        """Yield all rows, a few hundred at a time."""
        if above := self.above(desk, upto):
            yield above
        while found := desk.journal.newest((self.kind,), CHUNK, upto=upto):
            yield [self.row(event) for event in found]
            upto = found[-1].seq - 1


class Curve:
    """The measured values of a log, oldest first, kept as plain numbers and read on from where it stands."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seqs, self._values, self._marks = array("q"), array("d"), array("b")
        self._last: tuple[tuple[int, int], dict[str, object]] | None = None
        """What was drawn last: asked again before anything came, it is the same."""

    def read_on(self, journal: Journal) -> bool:
        """Take up to ten chunks of newer events; tell whether there may be more."""
        query = "SELECT seq, json_extract(data, ?), json_extract(data, ?) = ? FROM events WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?"
        after, limit = self._seqs[-1] if self._seqs else 0, 10 * CHUNK
        field, word = self._log.marked or (self._log.measured, None)
        asked = (f"$.{self._log.measured}", f"$.{field}", word, self._log.kind, after, limit)
        with journal.reading() as db:
            found = db.execute(query, asked).fetchall()
        for seq, value, marked in found:
            self._seqs.append(seq)
            self._values.append(value if isinstance(value, int | float) else float("nan"))
            self._marks.append(1 if marked else 0)
        return len(found) == limit

    def drawn(self, points: int, upto: int | None) -> dict[str, object]:
        """Return the curve in at most `points` spans, each with its least and greatest value, the best so far and the share that is marked."""
        count = len(self._values) if upto is None else bisect_right(self._seqs, upto)
        if self._last is not None and self._last[0] == (count, points):
            return self._last[1]
        spans, best = min(points, count), None
        least: list[float | None] = []
        greatest: list[float | None] = []
        bests: list[float | None] = []
        marks: list[float] = []
        for span in range(spans):
            lo, hi = span * count // spans, (span + 1) * count // spans
            values = [value for value in self._values[lo:hi] if value == value]
            marks.append(round(sum(self._marks[lo:hi]) / (hi - lo), 3))
            if values:
                top = max(values)
                best = top if best is None or top > best else best
            least.append(min(values) if values else None)
            greatest.append(max(values) if values else None)
            bests.append(best)
        told: dict[str, object] = {
            "schema": "curve/1",
            "measured": self._log.measured,
            "count": count,
            "least": least,
            "greatest": greatest,
            "best": bests,
            "marked": marks if self._log.marked else [],
        }
        self._last = (count, points), told
        return told
