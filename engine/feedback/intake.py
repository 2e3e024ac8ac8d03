"""Where draws come in: the watched file, an operator's injection, the synthetic source. Durable in the store before they count."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput, MimicryError
from engine.status import ALERT

if TYPE_CHECKING:
    from engine.config import HistorySettings
    from engine.history.history import History
    from engine.history.store import Arrival, DrawStore
    from state.journal import Journal

logger = logging.getLogger("mimicry.intake")
ARRIVED = "draws.arrived"
FOLDER = "history"


class Intake:
    """The one door for draws. The store is opened with the first draw or reader, so that an empty room stays light."""

    def __init__(self, state: Path, journal: Journal, told: Callable[[], None]) -> None:
        """`told()` is called on the loop after new draws are durable."""
        self._folder, self._journal, self._told = state / FOLDER, journal, told
        self._store: DrawStore | None = None
        self._opening = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._refused: str | None = None

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
    def store(self) -> DrawStore:
        """Return the store, opening it the first time."""
        with self._opening:
            if self._store is None:
                self._store = self._open()
        return self._store

    def _open(self) -> DrawStore:
        from engine.history.store import DrawStore

        store = DrawStore.open(self._folder)
        if store.repaired:
            self._journal.append(
                ALERT, {"level": "warn", "text": f"a torn last draw was cut from {store.path}"}
            )
        return store

    def append(self, arrivals: Sequence[Arrival], source: str) -> list[int]:
        """Store draws durably, then record and tell that they came; a delivery repeated changes nothing."""
        before = self.store.last
        seqs = self.store.append(arrivals)
        if self.store.last > before:
            self._journal.append(ARRIVED, {"first": before, "last": self.store.last - 1, "source": source})
            self._told()
        return seqs

    async def watch_file(self, settings: HistorySettings) -> None:
        """Take over the file's draws and whatever is added at its end, forever; a file that goes wrong is told once."""
        assert settings.file is not None
        while True:
            stat = settings.file.stat() if settings.file.exists() else None
            seen = None if stat is None else (stat.st_size, stat.st_mtime_ns)
            if seen is not None and seen != self._seen:
                await self._take(settings)
                self._seen = seen
            elif seen is None:
                self._tell_once(f"history file {settings.file} does not exist; draws are taken once it does")
            await asyncio.sleep(settings.poll_s)

    async def _take(self, settings: HistorySettings) -> None:
        try:
            arrivals = await asyncio.to_thread(self._new_in_file, settings)
            if arrivals:
                self.append(arrivals, str(settings.file))
            self._refused = None
        except MimicryError as error:
            self._tell_once(str(error))

    def _new_in_file(self, settings: HistorySettings) -> list[Arrival]:
        from engine.history.importers import read_history
        from engine.history.store import Arrival

        assert settings.file is not None
        history = read_history(
            settings.file,
            column=settings.column,
            time_column=settings.time_column,
            session_column=settings.session_column,
        )
        known = len(self.store)
        self._same_beginning(history, known)
        return [Arrival(draw.value, draw.time, draw.session) for draw in history.draws[known:]]

    def _same_beginning(self, history: History, known: int) -> None:
        if known and (len(history) < known or history.head(known).digest != self.store.snapshot().digest):
            raise BadInput(
                f"{history.source}: its first {known} draws are not the ones taken before; draws only ever grow at the end: "
                "restore the file, or use another --state directory for another history"
            )

    def _tell_once(self, text: str) -> None:
        if text != self._refused:
            self._refused = text
            logger.warning(text)
            self._journal.append(ALERT, {"level": "warn", "text": text})

    def close(self) -> None:
        """Release the store."""
        if self._store is not None:
            self._store.close()
