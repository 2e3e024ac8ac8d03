"""What a frame is painted from: one snapshot, how old it is, and the state of the link that brought it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tui.model.words import LINKS, MODES, UNKNOWN, Sign
from tui.places import PLACES, Place

if TYPE_CHECKING:
    from tui.wire import Series, Snapshot

STALE_AFTER = 5.0
"""Seconds without a newer snapshot after which nothing on screen may look live."""


@dataclass(frozen=True)
class Link:
    """The connection to the engine, as the operator needs to know it."""

    state: Literal["connecting", "live", "lost"] = "connecting"
    attempt: int = 0
    retry_in: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class View:
    """Everything that decides what a frame says; ages are seconds of this machine's monotonic clock."""

    state: str
    """The state directory, as the operator named it."""
    snapshot: Snapshot | None = None
    link: Link = field(default_factory=Link)
    age: float = 0.0
    """Age of the snapshot that is painted."""
    silence: float = 0.0
    """Seconds since the engine last sent something newer, or since the console began to wait."""
    refresh: float = 0.5
    readonly: bool = False
    frozen: bool = False
    newest: Snapshot | None = None
    """The newest snapshot received; differs from `snapshot` while the view is frozen."""
    mine: str = ""
    """How the engine names this console among viewers: the process that must hold control to act."""
    past: bool = False
    """True: the snapshot is of an earlier moment, folded from the journal."""
    window: Series | None = None
    """The throughput over another window than the snapshot's, where one was chosen."""
    recording: str = ""
    """The name of the recording that is shown; empty = a running engine."""
    place: Place = PLACES[0]
    """The screen that is shown."""

    @property
    def trust(self) -> Literal["live", "stale", "lost", "connecting"]:
        """Say whether the numbers on screen may be taken as current."""
        if self.snapshot is None:
            return "lost" if self.link.state == "lost" else "connecting"
        if self.link.state != "live":
            return "lost"
        return "stale" if self.silence > STALE_AFTER and not self.recording else "live"

    @property
    def other(self) -> str:
        """Return who holds control where it is another viewer, else nothing."""
        holder = (self.newest or self.snapshot).control if (self.newest or self.snapshot) else None  # type: ignore[union-attr]
        return holder if holder and not self.readonly and self.mine not in holder else ""

    @property
    def sign(self) -> Sign:
        """Return the sign of the header: the engine's mode now, also over a frozen view, or why it is not known."""
        if self.trust != "live":
            return LINKS[self.trust]
        return mode_sign(self.snapshot if self.recording else self.newest or self.snapshot)


def mode_sign(snapshot: Snapshot | None) -> Sign:
    """Return glyph, word and role of the engine's mode."""
    return LINKS["connecting"] if snapshot is None else MODES.get(snapshot.mode, UNKNOWN)
