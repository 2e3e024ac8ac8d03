"""What a source of draws is, and how what a foreign program or server answered becomes draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.errors import MimicryError

if TYPE_CHECKING:
    from engine.config import HistorySettings
    from engine.history.store import Arrival, DrawStore

LARGEST_ANSWER = 64 << 20


class SourceFault(MimicryError):
    """The source did not answer as it should; `wait` are the seconds it asked to be left alone."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class Source(Protocol):
    """One place that draws come from. `backs_off`: failures make the pauses longer, because asking costs somebody."""

    kind: str
    name: str
    backs_off: bool

    async def fetch(self, store: Callable[[], DrawStore]) -> list[Arrival]:
        """Return the draws that the store lacks, oldest first. Raises SourceFault or BadInput."""

    def taken(self, store: Callable[[], DrawStore]) -> None:
        """Remember what `fetch` returned, now that it is durable."""


def parse(
    body: bytes,
    format: str | None,
    file: Path,
    name: str,
    settings: HistorySettings,
    store: Callable[[], DrawStore],
) -> list[Arrival]:
    """Return the new draws of an answer; it goes through a file, as the importers stream from one."""
    from engine.history.feed import new_draws, read_part

    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    try:
        return new_draws(read_part(file, name, settings, format=format), store())
    finally:
        file.unlink(missing_ok=True)
