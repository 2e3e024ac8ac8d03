"""The board: where work writes down how far it is, for viewers, and reads whether the room is about to end."""

from __future__ import annotations

from dataclasses import dataclass

from engine.status import SearchAt, StepAt


@dataclass
class Board:
    """What the work writes down for viewers while it runs, and what it must know of the room's end."""

    test_mode: bool = False
    stopping: bool = False
    request: str | None = None
    step: StepAt | None = None
    search: SearchAt | None = None
    last_search: SearchAt | None = None

    def clear(self) -> None:
        """Forget the piece of work that has ended."""
        self.request = self.step = self.search = None
