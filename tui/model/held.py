"""The log entries that are held: which pass level and source, where words stand, which are marked. The oldest give way to newer ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.model.logs import STEPS, Entry

MOST = 200_000
"""Entries that are held; older ones stay in the files."""
PAGE = 2_000
"""Entries that are read at once."""


class Held:
    """All entries that were read, oldest first, and those of them that are shown."""

    def __init__(self) -> None:
        self.every: list[Entry] = []
        self.seen: list[Entry] = []
        """What passes level and source."""
        self.marks: set[Entry] = set()
        self.words = ""
        """What is looked for, in small letters."""
        self.hits = 0
        """How many of the entries that are shown held the words when they were last looked for."""
        self._level = 1
        self._source = ""

    # ── what is held ────────────────────────────────────────────────────────

    @property
    def full(self) -> bool:
        """Say whether as many are held as there may be."""
        return len(self.every) >= MOST

    def add(self, fresh: Sequence[Entry]) -> int:
        """Take newer entries; return how many of those that were shown gave way to them."""
        self.every += fresh
        self.seen += self._passing(fresh)
        if len(self.every) <= MOST + PAGE:
            return 0
        gone = len(self.every) - MOST
        self.marks.difference_update(self.every[:gone])
        del self.every[:gone]
        before = len(self.seen)
        self._choose()
        return before - len(self.seen)

    def add_older(self, found: Sequence[Entry]) -> list[Entry]:
        """Take older entries; return those of them that are shown."""
        passing = self._passing(found)
        self.every[:0], self.seen[:0] = found, passing
        return passing

    # ── what is shown ───────────────────────────────────────────────────────

    def next_level(self) -> None:
        """Show the next least level."""
        self._level = (self._level + 1) % len(STEPS)
        self._choose()

    def next_source(self) -> None:
        """Show the next source alone, then all."""
        sources = ["", *sorted({entry.source for entry in self.every})]
        at = sources.index(self._source) if self._source in sources else 0
        self._source = sources[(at + 1) % len(sources)]
        self._choose()

    def since(self, at: float) -> int:
        """Return the first entry shown that is not older than a time, else the newest."""
        found = (i for i, entry in enumerate(self.seen) if entry.at >= at)
        return next(found, len(self.seen) - 1)

    def find(self, where: Iterable[int]) -> int | None:
        """Return the first of the places at which the words stand, and count all."""
        self.hits = sum(entry.holds(self.words) for entry in self.seen)
        return next((index for index in where if self.seen[index].holds(self.words)), None)

    def taken(self) -> list[Entry]:
        """Return what an export takes: the marked entries, or all that are shown."""
        return [entry for entry in self.seen if entry in self.marks] if self.marks else list(self.seen)

    def told(self, files: int) -> list[str]:
        """Say what is shown of how many files, what is looked for, and what is marked."""
        parts = [
            f"level ≥ {STEPS[self._level][1]}" if self._level else "all levels",
            f"source {self._source}" if self._source else f"{files} files",
        ]
        parts += [f"find {self.words!r}, {self.hits:,} here"] if self.words else []
        return parts + ([f"{len(self.marks)} marked"] if self.marks else [])

    def _passing(self, entries: Iterable[Entry]) -> list[Entry]:
        least, source = STEPS[self._level][0], self._source
        return [entry for entry in entries if entry.level >= least and source in ("", entry.source)]

    def _choose(self) -> None:
        self.seen = self._passing(self.every)
