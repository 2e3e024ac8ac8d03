"""The shape of a fault: how it is done to a soak's daemon, how it is undone, and what must hold after it."""

from __future__ import annotations

from typing import Any, Protocol

from engine.soak.target import Target


class Fault(Protocol):
    """One fault; blocking calls, made on a thread of their own. An instance serves one firing and may keep state."""

    name: str
    summary: str
    holds: str
    """What must hold after it, in one line, for the record and the report."""
    needs: str
    """What the machine or room must offer (`llm`, `root`, `tmpfs`, …), empty if nothing; a fault that cannot be done raises CannotBeDone."""
    settle_s: float
    """How long recovery may take before the soak calls it failed."""
    undo_first: bool
    """The room cannot recover while the fault stands (a stopped process, a full disk): `undo` comes `hold_s` after `inject`."""
    hold_s: float

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Do it; return what was done in one line (pids, files). It must be undone by `undo` or by the daemon alone."""

    def undo(self, target: Target) -> None:
        """Take away what the fault put there (fill file, SIGSTOP, limit). Called once, also when inject raised."""

    def recovered(self, target: Target) -> bool:
        """Say whether the room works again as it must; asked every half second until `settle_s` is over."""

    def findings(self, target: Target) -> list[str]:
        """Return what does not hold that must, after recovery; empty = all holds."""


class CannotBeDone(Exception):
    """This machine or room cannot show this fault; it is recorded as skipped with the reason, never as held."""
