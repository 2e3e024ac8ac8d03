"""Faults of ours in what must go on whatever happens: told once, shown while they last, and outlived."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class Faults:
    """The last fault of each loop that must never end."""

    def __init__(self) -> None:
        """Begin with none."""
        self._present: dict[str, str] = {}

    @contextmanager
    def outlived(self, what: str) -> Iterator[None]:
        """Let one round of a loop fail without ending it; the same fault of the next rounds is not logged again."""
        try:
            yield
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if self._present.get(what) != text:
                logger.error("compute: %s", what, exc_info=error)
            self._present[what] = text
        else:
            self._present.pop(what, None)

    def lines(self) -> list[str]:
        """Return a line for each loop whose last round failed."""
        return [f"compute: {what} fails: {text}; see the log" for what, text in self._present.items()]
