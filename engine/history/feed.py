"""Which draws of a document are new: one that holds the whole history grows at its end, one that holds the last draws overlaps by time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput, MimicryError
from engine.history.history import NO_TIME, History
from engine.history.importers import read_history
from engine.history.store import Arrival, DrawStore

if TYPE_CHECKING:
    from engine.config import HistorySettings


def read_part(path: Path, name: str, settings: HistorySettings, *, format: str | None = None) -> History:
    """Read a document that may hold a single draw; messages name the source instead of the file that holds its answer."""
    try:
        return read_history(
            path,
            column=settings.column,
            time_column=settings.time_column,
            session_column=settings.session_column,
            format=settings.format or format,
            fewest=1,
        )
    except MimicryError as error:
        raise BadInput(str(error).replace(str(path), name)) from error


def new_draws(document: History, store: DrawStore) -> list[Arrival]:
    """Return the draws that the store lacks; BadInput where the document does not go on from what was taken before."""
    known = len(store)
    if len(document) >= known and document.head(known).digest == store.snapshot().digest:
        return _arrivals(document, known)
    if known and _timed(document) and (stored := store.snapshot()).times[-1] != NO_TIME:
        return _arrivals(document, _overlap(document, stored))
    raise BadInput(
        f"{document.source}: its first {known} draws are not the ones taken before; draws only ever grow at the end, or "
        "have rising times: restore it, or use another --state directory for another history"
    )


def _overlap(document: History, stored: History) -> int:
    """Return the first new place of a window of last draws: it must still hold the last one that was taken."""
    last = int(stored.times[-1])
    if int(document.times[-1]) < last:
        return len(document)  # an older answer, as caches give
    places = [at for at, time in enumerate(document.times.tolist()) if time == last]
    if not places:
        raise BadInput(
            f"{document.source}: begins after the last draw that was taken; what lies between is missing: "
            "give the missing draws as a file once"
        )
    shared = min(places[0] + 1, len(stored))
    window = slice(places[0] + 1 - shared, places[0] + 1)
    same = (document.values[window] == stored.values[-shared:]).all()
    if not same or not (document.times[window] == stored.times[-shared:]).all():
        raise BadInput(f"{document.source}: shows other draws than those taken before for the same times")
    return places[0] + 1


def _timed(document: History) -> bool:
    times = document.times.tolist()
    return NO_TIME not in times and all(one < other for one, other in pairwise(times))


def _arrivals(document: History, first: int) -> list[Arrival]:
    return [Arrival(draw.value, draw.time, draw.session) for draw in document.tail(first).draws]
