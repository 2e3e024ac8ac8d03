"""The coverage ledger that all runs of a state directory share: opened for as long as it takes to read or to add."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EnvironmentFault
from engine.journals import opened
from state.coverage import CoverageRow
from state.errors import NoJournal, StateLocked
from state.journal import Journal

FOLDER = "coverage"
PATIENCE = 20.0  # seconds to wait for another run that is adding its rows
PAUSE = 0.05


@dataclass(frozen=True)
class Shelf:
    """What the ledger held when it was read: rows, the last event's number and the chain's head."""

    rows: tuple[CoverageRow, ...] = ()
    seq: int = 0
    head: str = ""


def read(state: Path, *, until: int | None = None) -> Shelf:
    """Return the ledger of a state directory, up to the event `until`; empty where there is none yet."""
    try:
        journal = Journal.read_only(state / FOLDER)
    except NoJournal:
        return Shelf()
    with journal:
        rows = tuple(journal.coverage.rows(until=until))
        return Shelf(rows, journal.seq, journal.head)


def record(state: Path, rows: Iterable[CoverageRow]) -> int:
    """Add rows, waiting for another run that is adding its own; return how many."""
    added, patient = list(rows), time.monotonic() + PATIENCE
    while added:
        try:
            with opened(state / FOLDER) as journal:
                return journal.coverage.add(added)
        except EnvironmentFault as fault:
            if not isinstance(fault.__cause__, StateLocked) or time.monotonic() > patient:
                raise
            time.sleep(PAUSE)
    return 0
