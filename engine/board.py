"""The board: where work writes down how far it is, for viewers, and reads whether the room is about to end."""

from __future__ import annotations

from dataclasses import dataclass

from engine.status import SearchAt, StepAt


@dataclass
class SourceAt:
    """Where one source of draws stands; `error` is why it is not well, `pause` the seconds until the next look."""

    name: str
    kind: str
    state: str = "waiting"
    draws: int = 0
    looked: str | None = None
    came: str | None = None
    failures: int = 0
    pause: float = 0.0
    error: str | None = None

    def line(self) -> str:
        """Return what is wrong, as one line."""
        return f"source {self.kind} {self.name}: {self.error} ({self.failures} times, next look in {self.pause:.0f} s)"


@dataclass
class Board:
    """What the work writes down for viewers while it runs, and what it must know of the room's end."""

    test_mode: bool = False
    stopping: bool = False
    request: str | None = None
    cancelled: str | None = None
    skip: str | None = None
    """The step that a person skips."""
    step: StepAt | None = None
    search: SearchAt | None = None
    last_search: SearchAt | None = None
    source: SourceAt | None = None

    def clear(self) -> None:
        """Forget the piece of work that has ended."""
        self.request = self.cancelled = self.skip = self.step = self.search = None
