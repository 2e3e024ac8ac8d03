"""Where draws come in: a source, an operator's injection, the synthetic source. Durable in the store before they count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EnvironmentFault
from engine.status import ALERT

if TYPE_CHECKING:
    from engine.history.store import Arrival, DrawStore
    from state.journal import Journal

ARRIVED = "draws.arrived"
FOLDER = "history"


class Intake:
    """The one door for draws. The store is opened with the first draw or reader, so that an empty room stays light."""

    def __init__(self, state: Path, journal: Journal, told: Callable[[], None]) -> None:
        """`told()` is called on the loop after new draws are durable."""
        self._folder, self._journal, self._told = state / FOLDER, journal, told
        self._store: DrawStore | None = None
        self._opening = threading.Lock()

    @property
    def empty(self) -> bool:
        """Say whether no draw was ever stored, without opening the store."""
        if self._store is not None:
            return len(self._store) == 0
        file = self._folder / "draws.jsonl"
        return not file.exists() or file.stat().st_size == 0

    @property
    def count(self) -> int:
        """Return the number of stored draws; 0 without opening an empty store."""
        return 0 if self.empty else len(self.store)

    @property
    def known(self) -> int:
        """Return the number of stored draws as far as it is known now: reading a long history takes a second, and viewers do not wait."""
        return 0 if self._store is None else len(self._store)

    @property
    def store(self) -> DrawStore:
        """Return the store, opening it the first time, and again after a disk that took nothing made it close."""
        with self._opening:
            if self._store is None or self._store.closed:
                self._store = self._open()
        return self._store

    def _open(self) -> DrawStore:
        from engine.history.store import DrawStore

        store = DrawStore.open(self._folder)
        try:
            self._catch_up(store)
        except BaseException:
            store.close()
            raise
        if store.repaired:
            self._journal.append(
                ALERT, {"level": "warn", "text": f"a torn last draw was cut from {store.path}"}
            )
        return store

    def _catch_up(self, store: DrawStore) -> None:
        """Record draws that were stored and whose arrival was not: the process died in between, or they were put there before.

        EnvironmentFault if draws are gone that are on record.
        """
        last = self._journal.last([ARRIVED])
        known = -1 if last is None else int(last.data["last"])
        if store.last - 1 < known:
            raise EnvironmentFault(
                f"{store.path}: holds {store.last} draws, the journal has {known + 1} on record: draws were taken away; restore the file"
            )
        if store.last - 1 > known:
            found = {"first": known + 1, "last": store.last - 1, "source": "found in the store"}
            self._journal.append(ARRIVED, found)

    def append(self, arrivals: Sequence[Arrival], source: str) -> list[int]:
        """Store draws durably, then record and tell that they came; a delivery repeated changes nothing."""
        before = self.store.last
        seqs = self.store.append(arrivals)
        if self.store.last > before:
            self._journal.append(ARRIVED, {"first": before, "last": self.store.last - 1, "source": source})
            self._told()
        return seqs

    def close(self) -> None:
        """Release the store."""
        if self._store is not None:
            self._store.close()
